/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"
#include "spec/secret.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

static void good(void)
{
    static const struct {
        const char *text, *name, *target;
        bool is_variable;
        unsigned uid, gid, mode;
    } rows[] = {
        {"key", "key", "/run/secrets/key", false, 0, 0, 0444},
        {"key,target=other", "key", "/run/secrets/other", false, 0, 0, 0444},
        {"key,type=mount,target=a//b,uid=1000,gid=33,mode=400", "key", "/run/secrets/a/b", false, 1000, 33, 0400},
        {"key,target=/etc/app/key,mode=0640", "key", "/etc/app/key", false, 0, 0, 0640},
        {"key,type=env", "key", "key", true, 0, 0, 0444},
        {"my-key.1,type=env,target=MY_KEY", "my-key.1", "MY_KEY", true, 0, 0, 0444},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_secret_use_ SecretUse use = {};

        ASSERT_OK(secret_use_parse(rows[i].text, &use, NULL));
        ASSERT_STREQ(use.name, rows[i].name);
        ASSERT_STREQ(use.target, rows[i].target);
        ASSERT_EQ(use.is_variable, rows[i].is_variable);
        ASSERT_EQ(use.uid, rows[i].uid);
        ASSERT_EQ(use.gid, rows[i].gid);
        ASSERT_EQ(use.mode, rows[i].mode);
    }
}

static void bad(void)
{
    static const char *const rows[][2] = {
        {"", "'' is not the name of a secret"},
        {"../key", "'../key' is not the name"},
        {",target=a", "'' is not the name"},
        {"key,", "'' is none of type=mount"},
        {"key,type=file", "'type=file' is none of"},
        {"key,Target=a", "'Target=a' is none of"},
        {"key,target=", "'' is not the path of a file"},
        {"key,target=../a", "'../a' is not the path of a file"},
        {"key,target=/etc/../a", "'/etc/../a' is not the path of a file"},
        {"key,target=/", "'/' is not the path of a file"},
        {"key,target=.", "'.' is not the path of a file"},
        {"key,target=/etc/", "'/etc/' is not the path of a file"},
        {"key,uid=4294967295", "'4294967295' is not the number of a user or group"},
        {"key,uid=root", "'root' is not the number"},
        {"key,gid=-1", "'-1' is not the number"},
        {"key,mode=0999", "'0999' is not the mode"},
        {"key,mode=4755", "'4755' is not the mode"},
        {"key,mode=", "'' is not the mode"},
        {"my-key,type=env", "'my-key' is not the name of a variable"},
        {"key,type=env,target=1A", "'1A' is not the name of a variable"},
        {"key,type=env,target=A=B", "'A=B' is not the name of a variable"},
        {"key,type=env,mode=0400", "a variable has no owner and no mode"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_secret_use_ SecretUse use = {};
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(secret_use_parse(rows[i][0], &use, &error), EINVAL);
        ASSERT_NULL(use.name);
        if (!error.text || !strstr(error.text, rows[i][1]))
            TEST_FAIL("%s: '%s' does not say '%s'", rows[i][0], error.text ? error.text : "", rows[i][1]);
    }
}

/* A stronger layer says it anew. */
static void one_for_each_target(void)
{
    _cleanup_strv_ char **list = NULL;

    ASSERT_OK(secret_use_add(&list, "a", NULL));
    ASSERT_OK(secret_use_add(&list, "b,type=env,target=a", NULL));
    ASSERT_OK(secret_use_add(&list, "c,target=/run/secrets/a", NULL));
    ASSERT_OK(secret_use_add(&list, "d", NULL));
    ASSERT_ERROR(secret_use_add(&list, "d,mode=x", NULL), EINVAL);
    ASSERT_EQ(strv_length(list), 3);
    ASSERT_STREQ(list[0], "c,target=/run/secrets/a");
    ASSERT_STREQ(list[2], "d");
}

int main(void)
{
    TEST_RUN(good);
    TEST_RUN(bad);
    TEST_RUN(one_for_each_target);
    return test_finish();
}
