/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: files and directories of the host that only we write: capped reads, atomic writes, removal of trees.
 * Never does: resolve a path inside a container's root (kernel/resolve.h does).
 * Runs in: every process that has a heap, in the host's mount namespace. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a regular file whole. The result has a NUL behind it and belongs to the caller. Never blocks on a FIFO or a
 * device and does not follow a link in the last component.
 * -EFBIG above `max_bytes`, -ENOTSUP when it is no regular file, else -errno. */
int file_read_at(int dir_fd, const char *path, size_t max_bytes, char **ret, size_t *ret_size);
/* The same from an open file, from its current position. */
int file_read_fd(int fd, size_t max_bytes, char **ret, size_t *ret_size);

typedef enum FileWriteFlags {
    FILE_WRITE_DURABLE = 1 << 0,   /* fsync the file before the rename and the directory after it */
    FILE_WRITE_EXCLUSIVE = 1 << 1, /* -EEXIST when the name is taken, decided atomically */
    FILE_WRITE_EXISTING = 1 << 2,  /* -ENOENT when the name is not there, decided atomically */
} FileWriteFlags;

/* Replaces `name` in `dir_fd` as one atomic act: temporary file, rename. `name` is one component. */
int file_write_atomic_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
                         FileWriteFlags flags);

/* Writes all of it, over short writes and EINTR. */
int file_write_all(int fd, const void *data, size_t size);
/* Removes the temporary files of file_write_atomic_at() that are older: their writers were killed. */
void file_sweep_temporary_at(int dir_fd, unsigned age_sec);
/* Reads until `size` bytes or the end of file; returns the count or -errno. */
ssize_t file_read_all(int fd, void *data, size_t size);

/* The names in a directory that `wants` says yes to, sorted; NULL: all that do not begin with a dot. `ret` is added to. */
int file_list_at(int dir_fd, const char *path, bool (*wants)(const char *name), char ***ret);

/* Creates a directory and its missing parents, each with `mode`, without following links below `dir_fd`, and opens
 * it (O_DIRECTORY|O_CLOEXEC). An absolute `path` ignores `dir_fd`. */
int file_open_directory_at(int dir_fd, const char *path, bool create, mode_t mode, int *ret_fd);

/* Removes `name` and all below it; never follows a link, never crosses into another file system.
 * A missing `name` is 0. Goes on after a failure and returns the first one. */
int file_remove_tree_at(int dir_fd, const char *name);
