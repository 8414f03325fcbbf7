/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "pull/challenge.h"

#include <errno.h>

static void test_bearer(void)
{
    _cleanup_challenges_ Challenges challenges = {};
    const Challenge *bearer;

    ASSERT_OK(challenges_add(&challenges, "bearer realm=\"https://a.example/t?x=\\\"1\",service=s , "
                                          "scope=\"repository:a/b:pull,push\",error=\"invalid_token\""));
    ASSERT_EQ(challenges.count, 1);
    bearer = challenges_find(&challenges, CHALLENGE_BEARER);
    ASSERT_NOT_NULL(bearer);
    ASSERT_STREQ(bearer->realm, "https://a.example/t?x=\"1");
    ASSERT_STREQ(bearer->service, "s");
    ASSERT_STREQ(bearer->scope, "repository:a/b:pull,push");
    ASSERT_STREQ(bearer->problem, "invalid_token");
    ASSERT_NULL(challenges_find(&challenges, CHALLENGE_BASIC));
}

static void test_several(void)
{
    _cleanup_challenges_ Challenges challenges = {};

    ASSERT_OK(challenges_add(&challenges, "Negotiate YII+/x==, Basic realm=\"one, two\", Digest a=b, Bearer realm=c"));
    ASSERT_OK(challenges_add(&challenges, "Basic"));
    ASSERT_EQ(challenges.count, 5);
    ASSERT_EQ(challenges.items[0].scheme, CHALLENGE_OTHER);
    ASSERT_STREQ(challenges_find(&challenges, CHALLENGE_BASIC)->realm, "one, two");
    ASSERT_STREQ(challenges_find(&challenges, CHALLENGE_BEARER)->realm, "c");
}

static void test_malformed(void)
{
    static const char *const texts[] = {
        "realm=x", "Bearer realm=\"open", "Bearer realm=a realm=b", "Bearer realm=a,realm=b",
        "\x01",    "Bearer \"x\"",        "Bearer realm=a b=c",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_challenges_ Challenges challenges = {};

        if (challenges_add(&challenges, texts[i]) != -EINVAL)
            TEST_FAIL("'%s' is taken", texts[i]);
    }
}

static void test_too_many(void)
{
    _cleanup_challenges_ Challenges challenges = {};

    ASSERT_ERROR(challenges_add(&challenges, "a,b,c,d,e,f,g,h,i"), E2BIG);
    ASSERT_EQ(challenges.count, CHALLENGES_MAX);
}

int main(void)
{
    TEST_RUN(test_bearer);
    TEST_RUN(test_several);
    TEST_RUN(test_malformed);
    TEST_RUN(test_too_many);
    return test_finish();
}
