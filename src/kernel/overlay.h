/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: overlayfs mounts from directory fds, over the differences between kernels.
 * Never does: choose the layers.
 * Runs in: the container's mount namespace, in which the layers must be visible. */

#include <stddef.h>
#include <stdint.h>

/* overlayfs itself stops at 500 lower layers (fs/overlayfs/params.c). */
#define OVERLAY_LAYERS_MAX 500

typedef struct OverlayRequest {
    const int *lower; /* O_PATH fds, highest first */
    size_t lower_count;
    int upper_fd,
        work_fd; /* O_PATH, of one file system; both < 0: read-only, which takes at least two lower directories */
    uint64_t attributes; /* MOUNT_ATTR_* */
    const char *label;   /* SELinux label of everything in it (context= of mount(8)); NULL: what the files have */
} OverlayRequest;

/* A detached overlay. fd or -errno; -E2BIG when this kernel cannot take that many layers (before Linux 6.8 they share one
 * string of 255 bytes). */
int overlay_create(const OverlayRequest *request);
