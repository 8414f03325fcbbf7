/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the record of a start (start_trace of a state file) as numbers and as a picture.
 * Never does: I/O.
 * Runs in: berthctl; pure. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct TraceItem {
    uint64_t begin_usec, duration_usec;
    char *where; /* berthctl, host, inner */
    char *what;  /* raw text */
} TraceItem;

typedef struct TraceList {
    TraceItem *items;
    size_t count;
    uint64_t total_usec; /* the end of the last */
} TraceList;

void trace_list_done(TraceList *list);
#define _cleanup_trace_list_ _cleanup_(trace_list_done)

/* "BEGIN DURATION WHERE WHAT" each; what is not is left out. -ENOMEM or 0. */
int trace_parse(char *const *texts, TraceList *ret);
/* Longest first; equal ones as they came. */
void trace_sort_by_duration(TraceList *list);
/* "812us", "3.041ms", "1.204s". */
char *trace_format_time(uint64_t usec);
/* An SVG of bars over time, one row each. NULL: no memory. */
char *trace_plot(const TraceList *list, const char *title);
