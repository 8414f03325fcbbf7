/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: holding a machine's payload still and letting it go on, by cgroup.freeze of the payload's group (cgroup-v2.rst,
 *       "Core Interface Files").
 * Never does: freeze the supervisor. The unit's own freezer (FreezeUnit of org.freedesktop.systemd1) would, and then
 *       nobody takes the output, the end or an orderly stop; but what it froze is let go here, too.
 * Runs in: fat programs on the host side, as root. Whether a machine is paused is the kernel's to say, so that a killed
 *       command leaves it either paused or not, and nothing in between that a resume or a stop would not end. */

#include "proto/state.h"

/* Whether no process of the payload runs because its group, or one above it, is frozen. */
bool machine_is_paused(const Machine *machine);

/* 0 when every process stands still; 1 when they did before. -EOPNOTSUPP without a cgroup or on a kernel that cannot,
 * -ESRCH when its first process is gone, -EAGAIN while it starts, -ETIMEDOUT when one process does not stop (it goes on
 * then). */
int machine_pause(const Machine *machine, Error *error);
/* 0 when they run; 1 when they were not paused. */
int machine_resume(const Machine *machine, Error *error);
/* The same for whoever is about to end it: no error, no message. */
void machine_thaw(const Machine *machine);
