/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what others are told of a container that was started again in place: its state file, systemd-machined.
 * Never does: touch the container.
 * Runs in: berth-registrar, for a supervisor that waits. */

#include "base/error.h"

#include <sys/types.h>

/* `run_fd` is the run directory of the roster. */
int restarted(int run_fd, const char *name, pid_t leader, Error *error);
