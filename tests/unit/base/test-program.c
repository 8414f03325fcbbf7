/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int run(const char *script, const void *input, size_t size, size_t most, char *complaint, char **ret,
               size_t *ret_size)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    const ProgramFilter filter = {.argv = argv,
                                  .input = input,
                                  .input_size = size,
                                  .output_max = most,
                                  .complaint = complaint,
                                  .complaint_size = complaint ? 16 : 0};

    return program_filter(&filter, ret, ret_size);
}

/* More than a pipe holds, to a program that speaks before it listens, and to one that does not listen at all. */
static void neither_waits(void)
{
    size_t size = 300000, got = 0;
    _cleanup_free_ char *input = malloc(size), *output = NULL, *none = NULL;

    memset(input, 'x', size);
    ASSERT_OK(run("printf '%0100000d' 1; cat", input, size, size + 100000, NULL, &output, &got));
    ASSERT_EQ(got, size + 100000);
    ASSERT_EQ(memcmp(output + 100000, input, size), 0);
    ASSERT_EQ(output[got], 0);
    ASSERT_OK(run("exit 0", input, size, 0, NULL, &none, &got));
    ASSERT_EQ(got, 0);
}

static void failures(void)
{
    _cleanup_free_ char *output = NULL, *more = NULL, *none = NULL;
    const char *argv[] = {"no-such-program-at-all", NULL};
    const ProgramFilter missing = {.argv = argv, .output_max = 10};
    char complaint[16] = "?";
    size_t size = 0;

    ASSERT_EQ(run("echo said; printf 'one\ntwo\n' >&2; exit 3", "", 0, 100, complaint, &output, &size), 1);
    ASSERT_STREQ(output, "said\n");
    ASSERT_STREQ(complaint, "two");
    ASSERT_EQ(run("kill -KILL $$", "", 0, 100, complaint, &more, &size), 1);
    ASSERT_STREQ(complaint, "");
    ASSERT_ERROR(run("echo 12345", "", 0, 5, NULL, &none, &size), EFBIG);
    ASSERT_ERROR(program_filter(&missing, &none, &size), ENOENT);
    ASSERT_NULL(none);
    /* What is too long for its place is cut. */
    free(output);
    output = NULL;
    ASSERT_OK(run("echo 0123456789abcdefghij >&2", "", 0, 100, complaint, &output, &size));
    ASSERT_STREQ(complaint, "0123456789abcde");
}

int main(void)
{
    TEST_RUN(neither_waits);
    TEST_RUN(failures);
    return test_finish();
}
