/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: changing the resource properties of a running machine's unit, or without systemd the files of its cgroup.
 * Never does: keep them for the next start (definitions/change.h does).
 * Runs in: fat programs on the host side, as root. */

#include "proto/state.h"

/* `properties`: "MemoryMax=64M" as host/properties.h checks them; all are applied, or none. What systemd is told goes with
 * the unit. -EINVAL for a property or value that cannot be; -EOPNOTSUPP for what only systemd could do, or a controller
 * that is not there; -EAGAIN while the machine starts; -ESRCH when it is gone. */
int machine_set_properties(const Machine *machine, char *const *properties, Error *error);
/* Only the files of its cgroup, also where systemd is: for a unit that has been told already, and has its next start in
 * mind. -EOPNOTSUPP for what is no file. */
int machine_set_property_files(const Machine *machine, char *const *properties, Error *error);
