/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: overlayfs mounts from directory fds, over the differences between kernels.
 * Never does: choose the layers.
 * Runs in: the container's mount namespace, in which the layers must be visible. */

#include <stddef.h>
#include <stdint.h>

/* overlayfs itself stops at 500 lower layers (fs/overlayfs/params.c). */
#define OVERLAY_LAYERS_MAX 500

/* A detached overlay over the O_PATH fds `lower`, highest first, with MOUNT_ATTR_* `attributes`. upper_fd and work_fd
 * are O_PATH too, of one file system; both < 0 make it read-only, which takes at least two lower directories. fd or -errno; -E2BIG when this kernel cannot take that many
 * layers (before Linux 6.8 they share one string of 255 bytes). */
int overlay_create(const int *lower, size_t lower_count, int upper_fd, int work_fd, uint64_t attributes);
