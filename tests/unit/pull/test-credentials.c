/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "base/text.h"
#include "pull/credentials.h"

#include <errno.h>

static int find(const char *json, const char *host, const char *repository, Credentials *ret, char **ret_helper)
{
    return credentials_find(json, strlen(json), host, repository, ret, ret_helper, NULL);
}

static void test_base64(void)
{
    static const char *const rows[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob\xff", "Zm9vYv8="}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *text = base64_encode(rows[i][0], strlen(rows[i][0])), *back = NULL;
        size_t size = 0;

        ASSERT_STREQ(text, rows[i][1]);
        ASSERT_OK(base64_decode(text, &back, &size));
        ASSERT_EQ(size, strlen(rows[i][0]));
        ASSERT_STREQ(back, rows[i][0]);
    }
    ASSERT_ERROR(base64_decode("Zg=x", NULL, NULL), EINVAL);
    ASSERT_ERROR(base64_decode("Z", NULL, NULL), EINVAL);
    ASSERT_ERROR(base64_decode("Zg===", NULL, NULL), EINVAL);
}

/* u:p is dTpw, v:q is djpx */
static void test_longest_key(void)
{
    static const char json[] =
        "{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"},\"r.example/a\":{\"auth\":\"djpx\"},"
        "\"https://old.example/v1/\":{\"auth\":\"dTpw\"},\"t.example\":{\"identitytoken\":\"tok\"}}}";
    static const char *const rows[][3] = {{"r.example", "b", "u"},       {"r.example", "a/b", "v"},
                                          {"r.example", "ab", "u"},      {"old.example", "x", "u"},
                                          {"r.example.evil", "a", NULL}, {"example", "r", NULL}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_credentials_ Credentials credentials = {};
        _cleanup_free_ char *helper = NULL;

        ASSERT_OK(find(json, rows[i][0], rows[i][1], &credentials, &helper));
        ASSERT_NULL(helper);
        if (!rows[i][2])
            ASSERT_FALSE(credentials_are_set(&credentials));
        else
            ASSERT_STREQ(credentials.user, rows[i][2]);
    }
    _cleanup_credentials_ Credentials token = {};
    _cleanup_free_ char *none = NULL;
    ASSERT_OK(find(json, "t.example", "x", &token, &none));
    ASSERT_STREQ(token.identity_token, "tok");
}

static void test_helpers(void)
{
    _cleanup_credentials_ Credentials a = {}, b = {}, c = {};
    _cleanup_free_ char *first = NULL, *second = NULL, *third = NULL;
    static const char answer[] = "{\"Username\":\"<token>\",\"Secret\":\"s\"}";
    static const char json[] = "{\"credHelpers\":{\"r.example\":\"pass\"},\"credsStore\":\"all\"}";

    ASSERT_OK(find(json, "r.example", "x", &a, &first));
    ASSERT_STREQ(first, "pass");
    ASSERT_OK(find(json, "s.example", "x", &b, &second));
    ASSERT_STREQ(second, "all");
    ASSERT_ERROR(find("{\"credsStore\":\"../x\"}", "s.example", "x", &c, &third), EINVAL);
    ASSERT_OK(credentials_parse_helper(answer, strlen(answer), &c, NULL));
    ASSERT_STREQ(c.identity_token, "s");
    ASSERT_NULL(c.user);
}

static void test_where_to_keep(void)
{
    static const char *const rows[][2] = {
        {"{\"credHelpers\":{\"r.example\":\"pass\"},\"credsStore\":\"all\"}", "pass"},
        {"{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}},\"credsStore\":\"all\"}", "all"},
        {"{\"credHelpers\":{\"s.example\":\"pass\"}}", NULL},
        {"{\"credsStore\":\"\"}", NULL}};
    const Credentials password = {.user = (char *) "u", .password = (char *) "p\"q"},
                      token = {.identity_token = (char *) "t"};
    _cleanup_free_ char *first = credentials_format_helper("r.example", &password),
                        *second = credentials_format_helper("r.example", &token), *none = NULL;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *helper = NULL;

        ASSERT_OK(credentials_find_helper(rows[i][0], strlen(rows[i][0]), "r.example", &helper, NULL));
        if (rows[i][1])
            ASSERT_STREQ(helper, rows[i][1]);
        else
            ASSERT_NULL(helper);
    }
    ASSERT_ERROR(credentials_find_helper("{\"credsStore\":\"a/b\"}", 20, "r.example", &none, NULL), EINVAL);
    ASSERT_STREQ(first, "{\"ServerURL\":\"r.example\",\"Username\":\"u\",\"Secret\":\"p\\\"q\"}");
    ASSERT_STREQ(second, "{\"ServerURL\":\"r.example\",\"Username\":\"<token>\",\"Secret\":\"t\"}");
}

static void test_damaged(void)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"auths\":[]}",
                                        "{\"auths\":{\"r.example\":1}}",
                                        "{\"auths\":{\"r.example\":{\"auth\":\"!!\"}}}",
                                        "{\"auths\":{\"r.example\":{\"auth\":\"dXA=\"}}}"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_credentials_ Credentials credentials = {};
        _cleanup_free_ char *helper = NULL;

        if (find(texts[i], "r.example", "a", &credentials, &helper) != -EINVAL)
            TEST_FAIL("'%s' is taken", texts[i]);
    }
}

static void test_edit(void)
{
    static const char old[] = "{\"x\":1,\"auths\":{\"a.example\":{}}}";
    const Credentials credentials = {.user = (char *) "me", .password = (char *) "se:cret"};
    _cleanup_free_ char *made = NULL, *more = NULL, *less = NULL, *helper = NULL;
    _cleanup_credentials_ Credentials back = {}, gone = {};

    ASSERT_OK(credentials_edit(NULL, 0, "r.example:5000", &credentials, &made, NULL));
    ASSERT_OK(credentials_edit(old, strlen(old), "r.example:5000", &credentials, &more, NULL));
    ASSERT_CONTAINS(more, "\"x\": 1");
    ASSERT_CONTAINS(more, "a.example");
    ASSERT_OK(find(more, "r.example:5000", "q", &back, &helper));
    ASSERT_STREQ(back.user, "me");
    ASSERT_STREQ(back.password, "se:cret");
    ASSERT_OK(credentials_edit(made, strlen(made), "r.example:5000", NULL, &less, NULL));
    ASSERT_OK(find(less, "r.example:5000", "q", &gone, &helper));
    ASSERT_FALSE(credentials_are_set(&gone));
    free(TAKE_PTR(made));
    ASSERT_EQ(credentials_edit(less, strlen(less), "r.example:5000", NULL, &made, NULL), 1);
}

int main(void)
{
    TEST_RUN(test_base64);
    TEST_RUN(test_longest_key);
    TEST_RUN(test_helpers);
    TEST_RUN(test_where_to_keep);
    TEST_RUN(test_damaged);
    TEST_RUN(test_edit);
    return test_finish();
}
