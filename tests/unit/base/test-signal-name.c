/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by number and by every spelling of their name; what is written can be read again. */
#include "base/cleanup.h"
#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <signal.h>

static int parsed(const char *text)
{
    int number = -1, r = text_parse_signal(text, &number);

    return r < 0 ? r : number;
}

static void names_and_numbers(void)
{
    ASSERT_EQ(parsed("SIGTERM"), SIGTERM);
    ASSERT_EQ(parsed("term"), SIGTERM);
    ASSERT_EQ(parsed("sigUSR1"), SIGUSR1);
    ASSERT_EQ(parsed("9"), SIGKILL);
    ASSERT_EQ(parsed("RTMIN"), SIGRTMIN);
    ASSERT_EQ(parsed("SIGRTMIN+3"), SIGRTMIN + 3);
    ASSERT_EQ(parsed("SIGRTMIN+0"), SIGRTMIN);
}

static void what_is_none(void)
{
    static const char *const wrong[] = {"",       "SIG",        "SIGSIG",    "TERM ",       "-9",
                                        "65",     "9x",         "SIGRTMIN+", "SIGRTMIN+99", "SIGRTMIN-1",
                                        "RTMINX", "4294967305", "\xff\xfe",  "SIGRTMIN+3x", "99999999999999999999"};

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
        if (parsed(wrong[i]) >= 0)
            TEST_FAIL("'%s' was read as %d", wrong[i], parsed(wrong[i]));
}

static void written_and_read_again(void)
{
    for (int i = 1; i <= SIGRTMAX; i++) {
        _cleanup_free_ char *name = text_format_signal(i);

        ASSERT_NOT_NULL(name);
        ASSERT_EQ(parsed(name), i);
    }
}

int main(void)
{
    TEST_RUN(names_and_numbers);
    TEST_RUN(what_is_none);
    TEST_RUN(written_and_read_again);
    return test_finish();
}
