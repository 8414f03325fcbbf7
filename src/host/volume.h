/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: named volumes on disk: /var/lib/berth/volumes/NAME, a directory that only root may enter, and in it `data`, which is
 *       what containers see. Who uses a volume holds the lock of NAME shared, who fills or removes it exclusively; the lock
 *       goes with its holder.
 * Never does: look at anything in `data` but whether it is empty.
 * Runs in: fat programs, as root on the host. */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* volumes/ below the data directory; -ENOENT without `create`. */
int volumes_open(int data_fd, bool create, int *ret_fd);
/* The names, sorted. */
int volumes_list(int volumes_fd, char ***ret);

typedef struct Volume {
    int fd;      /* NAME: its lock is this open file's, and that of its duplicates */
    int data_fd; /* O_PATH */
} Volume;
#define VOLUME_NONE ((Volume){-EBADF, -EBADF})
void volume_done(Volume *volume);
#define _cleanup_volume_ _cleanup_(volume_done)

typedef enum VolumeFlags {
    VOLUME_CREATE = 1 << 0,
    VOLUME_EXCLUSIVE = 1 << 1, /* else shared */
    VOLUME_UNLOCKED = 1 << 2,  /* to look at only */
} VolumeFlags;

/* Shared, it waits for who fills or removes it: that takes as long as a copy does. Exclusively, -EBUSY when somebody uses it.
 * -ENOENT without VOLUME_CREATE, -EINVAL for what is no name. */
int volume_open(int volumes_fd, const char *name, VolumeFlags flags, Volume *ret);
/* Of one that is held exclusively: gone at once by name, then from the disk. */
int volume_remove(int volumes_fd, const char *name);
/* The same for what a removal that was cut off has left. */
void volumes_sweep(int volumes_fd);

/* Whether somebody holds its lock, of one opened with VOLUME_UNLOCKED. Does not wait. */
bool volume_is_used(const Volume *volume);
/* When it was made, in microseconds of CLOCK_REALTIME; 0 where the file system does not tell. */
uint64_t volume_made_usec(const Volume *volume);

/* 1: there is nothing in it, 0: there is, or -errno. */
int volume_is_empty(const Volume *volume);
/* A directory beside `data` to put its first content into, and the act that makes it `data`: both of one that is held
 * exclusively and is empty. So a volume is never half filled. */
int volume_begin_fill(const Volume *volume, int *ret_fd);
int volume_finish_fill(const Volume *volume);
