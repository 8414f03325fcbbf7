/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: stopping and removing containers, for their verbs and for --replace.
 * Never does: parse; print results.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

/* machine_stop() of the machine with that name. */
int control_stop(Ctl *ctl, const char *name, uint64_t timeout_usec, Error *error);
/* Removes a stopped container: definition, what it wrote, exit record, log. With `force` a running one is stopped first
 * (-EBUSY otherwise). -ENOENT when there is nothing of that name. */
int control_remove(Ctl *ctl, const char *name, bool force, Error *error);
/* Removes NAME.container from /run. */
void definition_remove_transient(Ctl *ctl, const char *name);
