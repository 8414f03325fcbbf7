/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: telling of what happens to the container, to the journal or to the file `events` of the run directory, as
 *       host/events.h does for other programs.
 * Never does: wait; tell of what runs inside a container that another supervisor has.
 * Runs in: the supervisor. */

#include "executor/context.h"
#include "proto/events.h"

/* Fills in who the container is. */
void lifecycle_emit(const Context *context, const StepSupervise *step, Event event);
