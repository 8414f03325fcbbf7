/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: when each step began and ended, of the supervisor's and of the container's first process, which are different
 *       processes: the times are in a page that both have.
 * Never does: cost a start more than that page and two looks at the clock for each step (by the vDSO, no system call).
 * Runs in: the executor. */

#include "steps/messages.h"

#include <stddef.h>

typedef struct Trace Trace;

/* NULL: no memory, and so no times. */
Trace *trace_open(size_t steps_count);
/* Gives the page back; the copy of the payload's process goes with its execve(2). */
void trace_close(Trace *trace);
/* All of them accept NULL. */
void trace_begin(Trace *trace, size_t step);
void trace_end(Trace *trace, size_t step);
/* The steps that took longest, as many as fit, in the order of the plan. A step that was begun and not ended (exec) ends
 * now. */
void trace_pack(const Trace *trace, StartTrace *ret);
