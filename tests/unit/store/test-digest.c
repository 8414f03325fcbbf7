/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* THREATS D5: a digest that reaches a path is 64 lower-case hex digits, whatever was sent. */
#include "../test.h"
#include "base/cleanup.h"
#include "store/digest.h"

#include <errno.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_good(void)
{
    Digest digest = {}, same = {};

    ASSERT_FALSE(digest_is_set(&digest));
    ASSERT_OK(digest_parse("sha256:" HEX, &digest));
    ASSERT_STREQ(digest.hex, HEX);
    ASSERT_STREQ(digest_format(&digest).text, "sha256:" HEX);
    ASSERT_OK(digest_parse_hex(HEX, &same));
    ASSERT_TRUE(digest_equal(&digest, &same));
    same.hex[0] = 'f';
    ASSERT_FALSE(digest_equal(&digest, &same));
}

static void test_bad(void)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        "sha256:../../x",
        HEX,
        "sha256:" HEX "0",
        "sha256:" HEX "\n",
        "SHA256:" HEX,
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:/" HEX,
        "../x:abc",
        "sha512:",
        ":abc",
        "md5:a/b",
    };
    Digest digest = {};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (digest_parse(bad[i], &digest) != -EINVAL || digest_is_set(&digest))
            TEST_FAIL("'%s' is taken", bad[i]);
    ASSERT_ERROR(digest_parse("sha512:abcdef", &digest), EPROTONOSUPPORT);
    ASSERT_ERROR(digest_parse_hex("sha256:" HEX, &digest), EINVAL);
}

static void test_bytes(void)
{
    unsigned char bytes[32];
    Digest digest;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char) (i * 8 + 1);
    digest = digest_from_bytes(bytes);
    ASSERT_EQ(strlen(digest.hex), DIGEST_HEX_SIZE);
    ASSERT_TRUE(strncmp(digest.hex, "0109111921", 10) == 0);
}

int main(void)
{
    TEST_RUN(test_good);
    TEST_RUN(test_bad);
    TEST_RUN(test_bytes);
    return test_finish();
}
