/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unit file syntax: what each line means, and that no assignment is lost or made up. */
#include "base/buffer.h"
#include "base/ini.h"

#include "../test.h"

#include <errno.h>

static int collect(const char *section, const char *key, const char *value, unsigned line, void *userdata, Error *error)
{
    if (strcmp(key, "Stop") == 0)
        return error_set(error, -EDOM, "stopped at '%s'", value);
    buffer_append_format(userdata, "%u[%s]%s=%s|", line, section, key, value);
    return 0;
}

static void assignments(void)
{
    static const struct {
        const char *text, *seen;
    } rows[] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"A=b", "1[]A=b|"},
        {"A=b\n", "1[]A=b|"},
        {"A=b\r\nB=c\r\n", "1[]A=b|2[]B=c|"},
        {"[S]\nA=b\n[T]\nA=c\n", "2[S]A=b|4[T]A=c|"},
        {"  [S]  \n  A  =  b c  \n", "2[S]A=b c|"},
        {"A=\n", "1[]A=|"},
        {"A==b=c\n", "1[]A==b=c|"},
        {"# A=b\n; B=c\n  # C=d\nD=e # no comment\n", "4[]D=e # no comment|"},
        {"A=b \\\n  c\nD=e", "1[]A=b    c|3[]D=e|"},
        {"A=b\\\n# comment\nc\n", "1[]A=b c|"},
        {"A=b\\\n\nC=d\n", "1[]A=b|3[]C=d|"},
        {"A=b\\", "1[]A=b|"},
        /* What stands at the end of the file is not forgotten. */
        {"A=b\\\n", "1[]A=b|"},
        {"A=b\\\n# comment", "1[]A=b|"},
        {"A=b\\\n; comment\n", "1[]A=b|"},
        {"# comment \\\nA=b\n", "2[]A=b|"},
        {"A=[x]\n", "1[]A=[x]|"},
        {"[a b]\nK=\xff\n", "2[a b]K=\xff|"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_buffer_ Buffer seen = {};
        _cleanup_error_ Error error = {};
        int r = ini_parse(rows[i].text, strlen(rows[i].text), "x", collect, &seen, &error);

        if (r != 0 || strcmp(seen.size > 0 ? seen.data : "", rows[i].seen) != 0)
            TEST_FAIL("row %zu: %d (%s), '%s', expected '%s'", i, r, error.text ? error.text : "", seen.data,
                      rows[i].seen);
    }
}

static void refusals(void)
{
    static const struct {
        const char *text;
        int r;
        const char *message;
    } rows[] = {
        {"nonsense\n", -EINVAL, "web.container:1: 'nonsense' is neither KEY=VALUE nor a [Section] header"},
        {"[S]\n\n=b\n", -EINVAL, "web.container:3: '=b' is neither"},
        {"[S\n", -EINVAL, "web.container:1: '[S' is not a section header"},
        {"[]\n", -EINVAL, "web.container:1: '[]' is not"},
        {"[\n", -EINVAL, "web.container:1: '[' is not"},
        {"A=b\n\nStop=x\\\ny\n", -EDOM, "web.container:3: stopped at 'x y'"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_buffer_ Buffer seen = {};
        _cleanup_error_ Error error = {};

        ASSERT_EQ(ini_parse(rows[i].text, strlen(rows[i].text), "web.container", collect, &seen, &error), rows[i].r);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

static void no_text_file(void)
{
    _cleanup_buffer_ Buffer seen = {}, big = {};
    _cleanup_error_ Error error = {}, second = {};

    ASSERT_ERROR(ini_parse("A=b\0\nC=d\n", 9, "x", collect, &seen, &error), EINVAL);
    ASSERT_CONTAINS(error.text, "NUL");
    ASSERT_EQ(seen.size, 0);

    buffer_append_string(&big, "ok=1\nA=");
    for (unsigned i = 0; i < 1100; i++)
        buffer_append_format(&big, "%01000d", 0);
    ASSERT_ERROR(ini_parse(big.data, big.size, "x", collect, &seen, &second), EFBIG);
    ASSERT_CONTAINS(second.text, "x:2: ");
}

/* The cap counts the logical line: no way around it by continuation. */
static void continuation_is_capped(void)
{
    _cleanup_buffer_ Buffer seen = {}, big = {};
    _cleanup_error_ Error error = {};

    buffer_append_string(&big, "A=");
    for (unsigned i = 0; i < 1100; i++)
        buffer_append_format(&big, "%01000d\\\n", 0);
    ASSERT_ERROR(ini_parse(big.data, big.size, "x", collect, &seen, &error), EFBIG);
}

int main(void)
{
    TEST_RUN(assignments);
    TEST_RUN(refusals);
    TEST_RUN(no_text_file);
    TEST_RUN(continuation_is_capped);
    return test_finish();
}
