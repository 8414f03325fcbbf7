/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: btrfs subvolumes by their ioctls (btrfs(5), linux/btrfs.h).
 * Never does: run btrfs-progs; turn quotas on.
 * Runs in: fat programs on the host side, as root. */

#include <stdbool.h>
#include <stdint.h>

/* Whether fd is the top of a subvolume. */
bool btrfs_is_subvolume(int fd);
/* Makes a snapshot of the subvolume source_fd as `name` in parent_fd. */
int btrfs_make_snapshot(int source_fd, int parent_fd, const char *name, bool read_only);
/* -ENOTEMPTY when other subvolumes are below. */
int btrfs_remove_subvolume(int parent_fd, const char *name);
int btrfs_get_read_only(int fd, bool *ret);
int btrfs_set_read_only(int fd, bool read_only);
/* The most bytes that the subvolume may refer to; UINT64_MAX: no limit. -ENOTCONN when quotas are off. */
int btrfs_set_limit(int fd, uint64_t limit_bytes);
