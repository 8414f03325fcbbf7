/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/trace.h"

#include <sys/mman.h>
#include <time.h>

/* Below it a step is only counted: nobody looks for such a time, and each that is told costs. */
#define LEAST_USEC 30

typedef struct Times {
    uint32_t begin_usec, end_usec; /* after the base, plus one: 0 is never */
} Times;

struct Trace {
    uint64_t base_usec; /* monotonic */
    size_t count, size_bytes;
    Times times[];
};

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

Trace *trace_open(size_t steps_count)
{
    size_t size = sizeof(Trace) + steps_count * sizeof(Times);
    Trace *trace = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (trace == MAP_FAILED)
        return NULL;
    trace->base_usec = now_usec();
    trace->count = steps_count;
    trace->size_bytes = size;
    return trace;
}

void trace_close(Trace *trace)
{
    if (trace)
        (void) munmap(trace, trace->size_bytes);
}

static uint32_t stamp(const Trace *trace)
{
    uint64_t passed = now_usec() - trace->base_usec + 1;

    return passed < UINT32_MAX ? (uint32_t) passed : UINT32_MAX;
}

void trace_begin(Trace *trace, size_t step)
{
    if (trace && step < trace->count)
        trace->times[step].begin_usec = stamp(trace);
}

void trace_end(Trace *trace, size_t step)
{
    if (trace && step < trace->count)
        trace->times[step].end_usec = stamp(trace);
}

/* How long a step took; 0 when it was not done. */
static uint32_t duration(const Trace *trace, size_t step, uint32_t now)
{
    Times times = trace->times[step];
    uint32_t end = times.end_usec ? times.end_usec : now;

    return times.begin_usec && end > times.begin_usec ? end - times.begin_usec : 0;
}

static size_t count_from(const Trace *trace, uint32_t least_usec, uint32_t now)
{
    size_t count = 0;

    for (size_t i = 0; i < trace->count; i++)
        count += duration(trace, i, now) >= least_usec;
    return count;
}

void trace_pack(const Trace *trace, StartTrace *ret)
{
    uint32_t least_usec = LEAST_USEC, now;

    *ret = (StartTrace){0};
    if (!trace)
        return;
    now = stamp(trace);
    while (least_usec < UINT32_MAX / 2 && count_from(trace, least_usec, now) > TRACE_ENTRIES_MAX)
        least_usec *= 2;
    ret->base_usec = trace->base_usec;
    for (size_t i = 0; i < trace->count; i++) {
        uint32_t took = duration(trace, i, now);

        if (took < least_usec || ret->count == TRACE_ENTRIES_MAX)
            ret->rest_usec += took;
        else
            ret->entries[ret->count++] = (TraceEntry){(uint32_t) i, trace->times[i].begin_usec - 1, took};
    }
}
