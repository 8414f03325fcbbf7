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
    const char *place;   /* a directory of this mount namespace that nobody looks at; NULL: there is none */
} OverlayRequest;

/* A detached overlay. fd or -errno.
 * The new mount API takes any number of layers one by one, since Linux 6.8. Before, they share one string of 255 bytes; mount(2)
 * takes a page, but attaches what it makes: that is done at `place`, for a moment. -E2BIG without one, or when a page is too
 * little. */
int overlay_create(const OverlayRequest *request);

/* The same where the mount namespace is the host's, in which nothing is to appear even for a moment: its place is in a copy of
 * the namespace. For fat programs. */
int overlay_create_apart(const OverlayRequest *request);
