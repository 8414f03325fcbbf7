/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Environment files: literal lines, nothing run, nothing unquoted. */
#include "../test.h"

#include "base/strv.h"
#include "inputs/environment.h"

#include <errno.h>

static char *own[] = {(char *) "HOME=/root", (char *) "EMPTY=", (char *) "HOMEX=no", NULL};

static int parse(const char *text, size_t size, char **ret_joined, Error *error)
{
    _cleanup_strv_ char **variables = strv_new("FIRST=1", NULL);
    int r = environment_parse_file(text, size, "vars.env", own, &variables, error);

    *ret_joined = strv_join(variables, "|");
    return r;
}

static void lines(void)
{
    static const struct {
        const char *text, *joined;
    } rows[] = {
        {"", "FIRST=1"},
        {"A=b", "FIRST=1|A=b"},
        {"A=b\nC=d\n", "FIRST=1|A=b|C=d"},
        {"A=b\r\nC=d\r\n", "FIRST=1|A=b|C=d"},
        {"\n  \n# comment\n  # too\nA=b # not one\n", "FIRST=1|A=b # not one"},
        {"  A=b  \n", "FIRST=1|A=b  "},
        {"A=\"quoted\" 'x' $HOME `id` \\n\n", "FIRST=1|A=\"quoted\" 'x' $HOME `id` \\n"},
        {"A==b=c\n", "FIRST=1|A==b=c"},
        {"A=\n", "FIRST=1|A="},
        {"HOME\n", "FIRST=1|HOME=/root"},
        {"EMPTY\n", "FIRST=1|EMPTY="},
        {"NOT_SET\n", "FIRST=1"},
        {"HOM\n", "FIRST=1"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *joined = NULL;
        _cleanup_error_ Error error = {};

        if (parse(rows[i].text, strlen(rows[i].text), &joined, &error) != 0)
            TEST_FAIL("'%s' is refused: %s", rows[i].text, error.text);
        ASSERT_STREQ(joined, rows[i].joined);
    }
}

static void refusals(void)
{
    static const struct {
        const char *text;
        size_t size;
        const char *message;
    } rows[] = {
        {"A=b\n\n=c\n", 8, "vars.env:3: '=c' is not KEY=VALUE"},
        {"export A=b\n", 11, "vars.env:1: 'export A=b' is not KEY=VALUE"},
        {"A =b\n", 5, "vars.env:1: 'A =b' is not KEY=VALUE"},
        {"A=b\0C=d\n", 8, "vars.env: holds a NUL byte"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *joined = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(parse(rows[i].text, rows[i].size, &joined, &error), EINVAL);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

static void resolves(void)
{
    ASSERT_STREQ(environment_resolve("HOME", own), "HOME=/root");
    ASSERT_STREQ(environment_resolve("A=b", own), "A=b");
    ASSERT_STREQ(environment_resolve("HOME=", own), "HOME=");
    ASSERT_NULL(environment_resolve("HOM", own));
    ASSERT_NULL(environment_resolve("", own));
    ASSERT_NULL(environment_resolve("HOME", NULL));
}

int main(void)
{
    TEST_RUN(lines);
    TEST_RUN(refusals);
    TEST_RUN(resolves);
    return test_finish();
}
