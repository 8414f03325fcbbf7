/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: whether a container is started at boot: the drop-in with [Install] that says so beside its definition.
 * Never does: start or stop a container by itself.
 * Runs in: berthctl. */

#include "base/error.h"

#include <stdbool.h>

/* The name is that of a machine tree, whose unit is berth@NAME.service: systemctl did it, with --now too. */
#define ENABLEMENT_OF_TREE 1

/* Enables or disables a container's start at boot, and tells systemd. 0, or ENABLEMENT_OF_TREE. -ENOENT: there is neither a
 * definition nor a tree of that name; -EINVAL: the definition has errors. */
int enablement_set(const char *name, bool enable, bool now, Error *error);

/* Lets systemd run the generator anew; nothing without systemd. */
int enablement_reload(Error *error);
