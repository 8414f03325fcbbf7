/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: giving a stopped container another name: its definition, what it wrote, its record and log.
 * Never does: rename one that runs: its unit, its cgroup and its supervisor's files have the name it was started with.
 * Runs in: fat programs on the host side, as root. */

#include "machines/roster.h"

/* `definition_path` is the file OLD.container, or NULL when there is none; a drop-in directory beside it goes with it. Each
 * part is one rename, the definition's the last: whenever it is interrupted, nothing is lost, and a failure is undone.
 * -EINVAL: no name; -EBUSY: one of the names is taken by a machine that runs; -EEXIST: there is something of the new name;
 * -ENOENT: there is nothing of the old one; -EROFS: the definition is the vendor's. */
int machine_rename(Roster *roster, const char *definition_path, const char *old_name, const char *new_name,
                   Error *error);
