/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The times of a start: of two processes, of many steps, of none. */
#include "../test.h"

#include "executor/trace.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pass(unsigned usec)
{
    struct timespec time = {0, (long) usec * 1000};

    nanosleep(&time, NULL);
}

static void without_a_trace(void)
{
    StartTrace packed = {.count = 7};

    trace_begin(NULL, 0);
    trace_end(NULL, 0);
    trace_pack(NULL, &packed);
    trace_close(NULL);
    ASSERT_EQ(packed.count, 0);
    ASSERT_EQ(packed.base_usec, 0);
}

static void a_child_writes_into_it(void)
{
    Trace *trace = trace_open(4);
    StartTrace packed;
    pid_t child;

    ASSERT_NOT_NULL(trace);
    trace_begin(trace, 0);
    trace_end(trace, 0);
    trace_begin(trace, 1);
    child = fork();
    if (child == 0) {
        trace_begin(trace, 2);
        pass(2000);
        trace_end(trace, 2);
        /* As with execve(2): begun, and never heard of again. */
        trace_begin(trace, 3);
        pass(1000);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    trace_begin(trace, 4); /* no step of that number */
    trace_pack(trace, &packed);
    trace_close(trace);
    ASSERT_EQ(packed.count, 3);
    ASSERT_EQ(packed.entries[0].step, 1);
    ASSERT_EQ(packed.entries[1].step, 2);
    ASSERT_EQ(packed.entries[2].step, 3);
    ASSERT_TRUE(packed.entries[1].duration_usec >= 2000);
    ASSERT_TRUE(packed.entries[2].duration_usec >= 1000);
    ASSERT_TRUE(packed.entries[2].begin_usec >= packed.entries[1].begin_usec + packed.entries[1].duration_usec);
    ASSERT_TRUE(packed.entries[0].duration_usec >= packed.entries[1].duration_usec + packed.entries[2].duration_usec);
}

/* The longest are told, the others only counted. */
static void more_than_fit(void)
{
    Trace *trace = trace_open(TRACE_ENTRIES_MAX * 2);
    StartTrace packed;

    for (size_t i = 0; i < TRACE_ENTRIES_MAX * 2; i++) {
        trace_begin(trace, i);
        pass(i == 50 ? 20000 : 100);
        trace_end(trace, i);
    }
    trace_pack(trace, &packed);
    trace_close(trace);
    ASSERT_TRUE(packed.count >= 1 && packed.count <= TRACE_ENTRIES_MAX);
    ASSERT_TRUE(packed.rest_usec > 0);
    for (size_t i = 0; i < packed.count; i++)
        if (packed.entries[i].step == 50)
            return;
    TEST_FAIL("the longest is not told");
}

int main(void)
{
    TEST_RUN(without_a_trace);
    TEST_RUN(a_child_writes_into_it);
    TEST_RUN(more_than_fit);
    return test_finish();
}
