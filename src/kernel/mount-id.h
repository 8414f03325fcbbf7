/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: telling one mount from another.
 * Never does: mount anything.
 * Runs in: fat programs, in any mount namespace. */

#include <stdbool.h>
#include <stdint.h>

typedef struct MountIdentity {
    uint64_t id; /* never used again since Linux 6.8 (statx(2), STATX_MNT_ID_UNIQUE), before only while it is mounted */
    bool is_root; /* the fd is the root of its mount: a place where something is mounted */
} MountIdentity;

int mount_identify(int fd, MountIdentity *ret);
