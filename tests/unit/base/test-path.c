/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths as text, and errors as text. */
#include "base/dl.h"
#include "base/error.h"
#include "base/path.h"

#include "../test.h"

#include <errno.h>

static void normalises(void)
{
    static const struct {
        const char *path, *normalised;
    } rows[] = {{"/", "/"},   {"//", "/"},      {"///a//b/", "/a/b"}, {"/a/./b/.", "/a/b"}, {".", "."},
                {"", "."},    {"./a", "a"},     {"a/", "a"},          {"a/../b", "a/../b"}, {"/..", "/.."},
                {"/./", "/"}, {"/...", "/..."}, {"/a/.b", "/a/.b"},   {"././.", "."},       {"/ ", "/ "}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *normalised = path_normalise(rows[i].path), *again = NULL;

        ASSERT_STREQ(normalised, rows[i].normalised);
        again = path_normalise(normalised);
        ASSERT_STREQ(again, normalised);
    }
}

static void finds_dotdot(void)
{
    static const char *const with[] = {"..", "/..", "../a", "/a/..", "a/../b", "//..//"};
    static const char *const without[] = {"", "/", ".", "...", "/...", "/..a", "/a..", "/a/..b/c", "a./b"};

    for (size_t i = 0; i < ELEMENTSOF(with); i++)
        if (!path_has_dotdot(with[i]))
            TEST_FAIL("'%s' passes", with[i]);
    for (size_t i = 0; i < ELEMENTSOF(without); i++)
        if (path_has_dotdot(without[i]))
            TEST_FAIL("'%s' does not pass", without[i]);
}

static void joins(void)
{
    static const struct {
        const char *a, *b, *joined;
    } rows[] = {
        {"/a", "b", "/a/b"}, {"/a/", "/b", "/a/b"}, {"/", "b", "/b"}, {"///", "b", "/b"}, {"a//", "//b/", "a/b/"}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *joined = path_join(rows[i].a, rows[i].b);

        ASSERT_STREQ(joined, rows[i].joined);
    }
    ASSERT_STREQ(path_last("/a/b"), "b");
    ASSERT_STREQ(path_last("b"), "b");
    ASSERT_STREQ(path_last("/"), "");
    ASSERT_TRUE(path_is_absolute("/"));
    ASSERT_FALSE(path_is_absolute("a"));
    ASSERT_FALSE(path_is_absolute(""));
    ASSERT_FALSE(path_is_absolute(NULL));
}

static void tells_what_lies_below(void)
{
    ASSERT_TRUE(path_is_below("/a/b", "/a"));
    ASSERT_TRUE(path_is_below("/a", "/a"));
    ASSERT_TRUE(path_is_below("/a", "/"));
    ASSERT_FALSE(path_is_below("/ab", "/a"));
    ASSERT_FALSE(path_is_below("/", "/a"));
    ASSERT_FALSE(path_is_below("/proc-x/y", "/proc"));
}

static void first_cause_stays(void)
{
    _cleanup_error_ Error error = {}, other = {};

    ASSERT_ERROR(error_set(&error, -EINVAL, "'%s' is not a size", "12Q"), EINVAL);
    ASSERT_ERROR(error_set(&error, -EPERM, "later"), EPERM);
    ASSERT_ERROR(error_prefix(&error, -EINVAL, "web.container:%u", 12U), EINVAL);
    ASSERT_ERROR(error_hint(&error, -EINVAL, "a number, then K or M"), EINVAL);
    ASSERT_ERROR(error_hint(&error, -EINVAL, "second hint"), EINVAL);
    ASSERT_EQ(error.code, -EINVAL);
    ASSERT_STREQ(error.text, "web.container:12: '12Q' is not a size");
    ASSERT_STREQ(error.hint, "a number, then K or M");
    error_move(&other, &error);
    ASSERT_NULL(error.text);
    ASSERT_EQ(error.code, 0);
    ASSERT_STREQ(other.text, "web.container:12: '12Q' is not a size");
    (void) error_set(&error, -EIO, "second");
    error_move(&other, &error);
    ASSERT_NULL(error.text);
    ASSERT_EQ(other.code, -EINVAL);
}

static void null_error_is_allowed(void)
{
    Error error = {};

    ASSERT_ERROR(error_set(NULL, -EINVAL, "x"), EINVAL);
    ASSERT_ERROR(error_prefix(NULL, -EINVAL, "x"), EINVAL);
    ASSERT_ERROR(error_hint(NULL, -EINVAL, "x"), EINVAL);
    (void) error_set(&error, -EINVAL, "x");
    error_move(NULL, &error);
    ASSERT_NULL(error.text);
    error_done(NULL);
}

static void prefix_of_nothing_names_the_errno(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_ERROR(error_prefix(&error, -ENOENT, "/etc/x"), ENOENT);
    ASSERT_STREQ(error.text, "/etc/x: No such file or directory");
    ASSERT_EQ(error.code, -ENOENT);
}

static int (*sym_test_nothing)(void);

static void missing_library_names_its_package(void)
{
    const DlSymbol symbols[] = {{"berth_has_no_such_symbol", (void **) &sym_test_nothing}};
    DlLibrary missing = {.soname = "libberth-no-such.so.9", .package = "libberth9", .feature = "the test"};
    DlLibrary old = {
        .soname = "libc.so.6", .package = "libc6", .feature = "the test", .symbols = symbols, .symbols_count = 1};
    _cleanup_error_ Error error = {}, second = {};

    ASSERT_ERROR(dl_load(&missing, &error), EOPNOTSUPP);
    ASSERT_CONTAINS(error.text, "the test needs libberth-no-such.so.9");
    ASSERT_STREQ(error.hint, "install the package libberth9");
    ASSERT_ERROR(dl_load(&old, &second), EOPNOTSUPP);
    ASSERT_CONTAINS(second.text, "berth_has_no_such_symbol");
    ASSERT_NULL(old.handle);
}

int main(void)
{
    TEST_RUN(normalises);
    TEST_RUN(finds_dotdot);
    TEST_RUN(joins);
    TEST_RUN(tells_what_lies_below);
    TEST_RUN(first_cause_stays);
    TEST_RUN(null_error_is_allowed);
    TEST_RUN(prefix_of_nothing_names_the_errno);
    TEST_RUN(missing_library_names_its_package);
    return test_finish();
}
