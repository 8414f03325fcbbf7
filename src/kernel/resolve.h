/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the one way to a path inside a container's root: openat2(2) with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS
 *       beneath a pinned root fd. Links are followed as the container would follow them, never out of the root.
 * Never does: look at a path twice; what is made or opened is held by fd.
 * Runs in: any process that handles a root file system, which may change under us at any moment. */

#include <stdbool.h>
#include <sys/types.h>

/* Opens `inside_path` beneath root_fd. `flags` as for open(2), O_CLOEXEC implied. fd or -errno. */
int resolve_open(int root_fd, const char *inside_path, int flags);

/* The same, and never onto another mount (-EXDEV): what is mounted in there may be a file system that does not answer. */
int resolve_open_on_mount(int root_fd, const char *inside_path, int flags);

typedef enum ResolveKind { RESOLVE_DIRECTORY, RESOLVE_FILE } ResolveKind;

/* Opens (O_PATH) the directory or file `inside_path`, making it and its missing parent directories (0755, root) when
 * absent. A dangling link in the way is -ENOENT, something of the other kind -ENOTDIR or -EISDIR. */
int resolve_make(int root_fd, const char *inside_path, ResolveKind kind, int *ret_fd);

/* Opens `inside_path` when it is a plain directory and no link in any component; -ELOOP or -ENOTDIR otherwise.
 * For /proc, /sys and /dev, which no image may redirect. Makes it when absent. */
int resolve_make_plain_directory(int root_fd, const char *inside_path, int *ret_fd);
