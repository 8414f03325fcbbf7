/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "base/strv.h"
#include "pull/registries.h"

#include <errno.h>

static const char config[] = "[Registries]\nSearch=r.example s.example:5000/team\nTimeout=5s\nRetryDelay=10ms\n"
                             "[r.example]\nMirror=localhost:5000 m.example/cache\nRealm=auth.example\n"
                             "[localhost:5000]\nInsecure=yes\n"
                             "[moved.example]\nLocation=new.example:443/x/y\n[bad.example]\nBlocked=yes\n";

static int parse(const char *text, Registries *ret, Error *error)
{
    return registries_parse(text, strlen(text), "test.conf", ret, error);
}

static void test_endpoints(void)
{
    _cleanup_registries_ Registries registries = {};
    _cleanup_endpoints_ Endpoints read = {}, written = {}, moved = {}, other = {};
    _cleanup_error_ Error error = {};

    ASSERT_OK(parse(config, &registries, &error));
    ASSERT_EQ(registries.timeout_usec, 5000000);
    ASSERT_EQ(registries.retry_usec, 10000);
    ASSERT_OK(registries_list_endpoints(&registries, "r.example", false, &read, NULL));
    ASSERT_EQ(read.count, 3);
    ASSERT_STREQ(read.items[0].host, "localhost:5000");
    ASSERT_TRUE(read.items[0].is_insecure && read.items[0].is_mirror);
    ASSERT_STREQ(read.items[1].host, "m.example");
    ASSERT_STREQ(read.items[1].prefix, "cache/");
    ASSERT_FALSE(read.items[1].is_insecure);
    ASSERT_STREQ(read.items[2].host, "r.example");
    ASSERT_FALSE(read.items[2].is_mirror);
    ASSERT_OK(registries_list_endpoints(&registries, "r.example", true, &written, NULL));
    ASSERT_EQ(written.count, 1);
    ASSERT_OK(registries_list_endpoints(&registries, "moved.example", false, &moved, NULL));
    ASSERT_STREQ(moved.items[0].host, "new.example:443");
    ASSERT_STREQ(moved.items[0].prefix, "x/y/");
    ASSERT_OK(registries_list_endpoints(&registries, "unknown.example", false, &other, NULL));
    ASSERT_EQ(other.count, 1);
    ASSERT_ERROR(registries_list_endpoints(&registries, "bad.example", false, &other, &error), EPERM);
}

static void test_names(void)
{
    _cleanup_registries_ Registries registries = {}, empty = {};
    _cleanup_strv_ char **shorts = NULL, **full = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_OK(parse(config, &registries, NULL));
    ASSERT_OK(registries_list_names(&registries, "web:1", &shorts, NULL));
    ASSERT_EQ(strv_length(shorts), 2);
    ASSERT_STREQ(shorts[0], "r.example/web:1");
    ASSERT_STREQ(shorts[1], "s.example:5000/team/web:1");
    ASSERT_OK(registries_list_names(&empty, "x.example/web", &full, NULL));
    ASSERT_STREQ(full[0], "x.example/web");
    ASSERT_ERROR(registries_list_names(&empty, "web", &full, &error), ENOENT);
    ASSERT_CONTAINS(error.hint, "Search=");
}

static void test_malformed(void)
{
    static const char *const texts[] = {
        "Search=r.example",
        "[Registries]\nSearch=web",
        "[Registries]\nLook=r.example",
        "[Registries]\nTimeout=never",
        "[web]\nInsecure=yes",
        "[r.example/x]\nInsecure=yes",
        "[r.example]\nInsecure=perhaps",
        "[r.example]\nMirror=http://x.example",
        "[r.example]\nColour=red",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_registries_ Registries registries = {};
        _cleanup_error_ Error error = {};

        if (parse(texts[i], &registries, &error) != -EINVAL)
            TEST_FAIL("'%s' is taken", texts[i]);
        ASSERT_CONTAINS(error.text, "test.conf:");
    }
}

int main(void)
{
    TEST_RUN(test_endpoints);
    TEST_RUN(test_names);
    TEST_RUN(test_malformed);
    return test_finish();
}
