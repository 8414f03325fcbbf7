/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the conversation with systemd-machined (org.freedesktop.machine1(5)): making a container known to it, and taking
 *       that back.
 * Never does: have machined make a unit: the container has one already; ask polkit.
 * Runs in: fat programs on the host side, as root. */

#include "host/systemd.h"

typedef struct MachinedRecord {
    const char *name;           /* text_is_hostname() */
    const char *id;             /* 32 hexadecimal digits; NULL: none */
    const char *host_directory; /* the root; NULL when no directory of the host is it */
    pid_t leader;
    int leader_pidfd;
} MachinedRecord;

/* Registers a running container; its leader must be in its unit already: machined finds the unit by the leader's cgroup.
 * Until 257 that is all it looks at. Since 258 it also tells a leader in a sub-group of the unit, as ours is, from one in
 * the unit itself: such a machine goes when its leader does, `machinectl terminate` signals who registered it instead of
 * stopping the unit, and there is no link from the unit to the machine for `ps -o machine`.
 *
 * A machine of that name whose leader is dead, or that is one of ours, is replaced: the caller holds the name's lock, so it
 * can only be what a start before left. -EEXIST: another manager's machine has the name and lives; -EOPNOTSUPP: there is
 * no machined; -ESRCH: the leader is dead. */
int machined_register(Systemd *systemd, const MachinedRecord *record, Error *error);

/* Takes the registration back; 0 too when there is none, or when the name now stands for another leader. */
int machined_unregister(Systemd *systemd, const char *name, pid_t leader, Error *error);
