/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the time of a start went: our own phases, and the steps that took longest. */

#include "launch/internal.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define LABEL_MAX 80

uint64_t launch_now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

void launch_trace_mark(Launch *launch, LaunchPhase phase)
{
    launch->phases_usec[phase] = launch_now_usec();
}

static const char *const phase_names[_LAUNCH_PHASE_MAX] = {
    [LAUNCH_PHASE_READ] = "settings and image",
    [LAUNCH_PHASE_GATHER] = "facts of the host",
    [LAUNCH_PHASE_PLAN] = "plan",
    [LAUNCH_PHASE_SPAWN] = "start of the executor",
    [LAUNCH_PHASE_CGROUP] = "unit and cgroup",
    [LAUNCH_PHASE_STARTED] = "wait for the payload",
    [LAUNCH_PHASE_REGISTER] = "registration",
};

/* "BEGIN DURATION WHERE WHAT", in microseconds after the start was begun. */
static int add(Launch *launch, uint64_t begin_usec, uint64_t duration_usec, const char *where, const char *what)
{
    return strv_append_format(&launch->machine->start_trace, "%llu %llu %s %.*s",
                              (unsigned long long) (begin_usec - launch->begun_usec),
                              (unsigned long long) duration_usec, where, LABEL_MAX, what);
}

static int add_steps(Launch *launch)
{
    const StartTrace *trace = &launch->trace;
    int r = 0;

    for (size_t i = 0; r == 0 && i < MIN(trace->count, (uint32_t) TRACE_ENTRIES_MAX); i++) {
        const TraceEntry *entry = &trace->entries[i];
        _cleanup_free_ char *label = NULL;
        const Step *step;

        if (entry->step >= launch->plan.count || trace->base_usec < launch->begun_usec)
            continue;
        step = &launch->plan.steps[entry->step];
        label = step_label(step);
        r = label ? add(launch, trace->base_usec + entry->begin_usec, entry->duration_usec,
                        step_kinds[step->kind].where == STEP_HOST ? "host" : "inner", label)
                  : -ENOMEM;
    }
    return r;
}

int launch_trace_record(Launch *launch)
{
    uint64_t begin = launch->begun_usec;
    int r = 0;

    for (LaunchPhase phase = 0; r == 0 && phase < _LAUNCH_PHASE_MAX; phase++) {
        uint64_t end = launch->phases_usec[phase];

        if (end < begin)
            continue;
        r = add(launch, begin, end - begin, "berthctl", phase_names[phase]);
        begin = end;
    }
    return r == 0 && launch->trace.base_usec > 0 ? add_steps(launch) : r;
}
