/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --filter: patterns of one key are alternatives, keys come on top of each other. */
#include "../test.h"

#include "ctl/filter.h"

#include <errno.h>

static const char *const keys[] = {"name", "state", "image"};

static int check(const char *filter, Error *error)
{
    return filter_check((char *const[]){(char *) (uintptr_t) filter, NULL}, keys, 3, error);
}

static void keys_are_checked(void)
{
    static const char *const bad[] = {"name", "", "=web", "names=x", "stat=x", "Name=x", "name =x"};

    ASSERT_OK(filter_check(NULL, keys, 3, NULL));
    ASSERT_OK(check("name=", NULL));
    ASSERT_OK(check("state=a=b", NULL));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(check(bad[i], &error), EINVAL);
        ASSERT_NOT_NULL(error.text);
    }
    {
        _cleanup_error_ Error error = {};

        (void) check("stat=x", &error);
        ASSERT_CONTAINS(error.hint, "state");
    }
}

static void patterns(void)
{
    char *const filters[] = {(char *) "name=web*", (char *) "name=d?", (char *) "image=a=b", NULL};

    ASSERT_TRUE(filter_matches(NULL, "name", "x"));
    ASSERT_TRUE(filter_matches(filters, "name", "web-1"));
    ASSERT_TRUE(filter_matches(filters, "name", "db"));
    ASSERT_FALSE(filter_matches(filters, "name", "dbx"));
    ASSERT_FALSE(filter_matches(filters, "name", NULL));
    ASSERT_TRUE(filter_matches(filters, "state", NULL));
    ASSERT_TRUE(filter_matches(filters, "image", "a=b"));
    ASSERT_FALSE(filter_matches(filters, "image", "a"));
    ASSERT_TRUE(filter_has(filters, "image"));
    ASSERT_FALSE(filter_has(filters, "imag"));
    ASSERT_FALSE(filter_has(filters, "state"));
}

int main(void)
{
    TEST_RUN(keys_are_checked);
    TEST_RUN(patterns);
    return test_finish();
}
