/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: steering a running machine by its state: signals, the orderly stop, the end at once.
 * Never does: look a name up for a person; print. It may block as long as a stop takes.
 * Runs in: fat programs on the host side, as root. */

#include "machines/roster.h"

/* An orderly stop: asks the supervisor, waits for its end. timeout_usec UINT64_MAX: the container's own time, after which
 * the supervisor kills; else we kill after that time. 0 also when it ended by itself meanwhile. */
int machine_stop(Roster *roster, const Machine *machine, uint64_t timeout_usec, Error *error);
/* Ends it at once. */
int machine_terminate(Roster *roster, const Machine *machine, Error *error);

typedef enum KillWhom {
    KILL_WHOM_LEADER,
    KILL_WHOM_SUPERVISOR,
    KILL_WHOM_ALL, /* every process of the payload's cgroup, once */
    _KILL_WHOM_MAX,
    _KILL_WHOM_INVALID = -1,
} KillWhom;

/* "leader", "supervisor", "all". */
KillWhom kill_whom_from_string(const char *string);
/* -EOPNOTSUPP for all of a machine without a cgroup, -ESRCH when who was meant is gone. */
int machine_signal(const Machine *machine, KillWhom whom, int signal_number, Error *error);
