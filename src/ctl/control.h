/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: ending and removing containers, for their verbs and for --replace.
 * Never does: parse; print results.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

/* An orderly stop: asks the supervisor, waits for its end. timeout_usec UINT64_MAX: the container's own time, after which
 * the supervisor kills; else we kill after that time. 0 also when it ended by itself meanwhile. */
int control_stop(Ctl *ctl, const char *name, uint64_t timeout_usec, Error *error);
/* Ends it at once. */
int control_terminate(Ctl *ctl, const char *name, Error *error);
/* Removes a stopped container: definition, what it wrote, exit record, log. With `force` a running one is stopped first
 * (-EBUSY otherwise). -ENOENT when there is nothing of that name. */
int control_remove(Ctl *ctl, const char *name, bool force, Error *error);
/* Removes NAME.container from /run. */
void definition_remove_transient(Ctl *ctl, const char *name);
