/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the unit tests' frame: named test functions, assertions that end the function, TAP on stdout.
 * Never does: anything in a product program.
 * Runs in: the unit tests. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool test_failed;
static unsigned test_number, test_failures;

#define TEST_FAIL(...)                                                                                                 \
    do {                                                                                                               \
        printf("# %s:%d: ", __FILE__, __LINE__);                                                                       \
        printf(__VA_ARGS__);                                                                                           \
        putchar('\n');                                                                                                 \
        test_failed = true;                                                                                            \
        return;                                                                                                        \
    } while (0)

#define ASSERT_TRUE(condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            TEST_FAIL("not true: %s", #condition);                                                                     \
    } while (0)
#define ASSERT_FALSE(condition) ASSERT_TRUE(!(condition))
#define ASSERT_EQ(a, b)                                                                                                \
    do {                                                                                                               \
        long long _a = (long long) (a), _b = (long long) (b);                                                          \
        if (_a != _b)                                                                                                  \
            TEST_FAIL("%s = %lld, expected %s = %lld", #a, _a, #b, _b);                                                \
    } while (0)
#define ASSERT_OK(call)       ASSERT_EQ(call, 0)
#define ASSERT_ERROR(call, e) ASSERT_EQ(call, -(e))
#define ASSERT_STREQ(a, b)                                                                                             \
    do {                                                                                                               \
        const char *_a = (a), *_b = (b);                                                                               \
        if (!_a || !_b || strcmp(_a, _b) != 0)                                                                         \
            TEST_FAIL("%s = '%s', expected '%s'", #a, _a ? _a : "(null)", _b ? _b : "(null)");                         \
    } while (0)
#define ASSERT_CONTAINS(a, b)                                                                                          \
    do {                                                                                                               \
        const char *_a = (a), *_b = (b);                                                                               \
        if (!_a || !_b || !strstr(_a, _b))                                                                             \
            TEST_FAIL("%s = '%s' does not hold '%s'", #a, _a ? _a : "(null)", _b ? _b : "(null)");                     \
    } while (0)
#define ASSERT_NOT_NULL(pointer) ASSERT_TRUE((pointer) != NULL)
#define ASSERT_NULL(pointer)     ASSERT_TRUE((pointer) == NULL)

static inline void test_run_one(const char *name, void (*function)(void))
{
    test_failed = false;
    function();
    printf("%s %u - %s\n", test_failed ? "not ok" : "ok", ++test_number, name);
    fflush(stdout);
    if (test_failed)
        test_failures++;
}
#define TEST_RUN(function) test_run_one(#function, function)

/* For main(): the TAP plan and the exit status. */
static inline int test_finish(void)
{
    printf("1..%u\n", test_number);
    return test_failures > 0 || test_number == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
#define TEST_SKIP_ALL(reason)                                                                                          \
    do {                                                                                                               \
        printf("1..0 # SKIP %s\n", reason);                                                                            \
        exit(EXIT_SUCCESS);                                                                                            \
    } while (0)
