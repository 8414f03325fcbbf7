/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the health check's process: one at a time, confined like any that is entered by exec; what it wrote; the record
 *       machines/NAME:health of its results, and telling of them.
 * Never does: keep a process beside the check's own; decide when (health.c does) or what follows for the container.
 * Runs in: the supervisor. */

#include "executor/context.h"
#include "executor/health.h"
#include "executor/notify.h"

#include <poll.h>

#define PROBE_POLLS 2

typedef struct Probe Probe;

/* NULL where the container has no health check, or memory is short. */
Probe *probe_new(Context *context, const StepSupervise *step, uint64_t now_usec);

/* All of these take NULL. */
/* When it wants to be asked at the latest; UINT64_MAX: never. */
uint64_t probe_due_usec(const Probe *probe);
void probe_fill_polls(const Probe *probe, struct pollfd polls[PROBE_POLLS]);
/* Does what is due. True: the container has just become unhealthy. */
bool probe_run(Probe *probe, Notify *notify, uint64_t now_usec);
/* No more checks; one that runs is ended. */
void probe_stop(Probe *probe);
/* The same, for good; NULL. */
Probe *probe_free(Probe *probe);
