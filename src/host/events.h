/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: telling of events: to the journal, or where there is none (or it takes nothing) to the file `events` in the run
 *       directory.
 * Never does: fail its caller: what happened has happened, whoever hears of it.
 * Runs in: fat programs on the host side, as root; the supervisor has its own (executor/lifecycle.h). */

#include "proto/events.h"

/* With the time of now. */
void events_emit(Event event);
