/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: directories of the unified cgroup hierarchy (cgroups(7), Documentation/admin-guide/cgroup-v2.rst), by fd.
 * Never does: touch a version 1 hierarchy, or a group that the caller did not name.
 * Runs in: host programs and the supervisor. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens the mount point of the unified hierarchy: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid host.
 * *ret_hybrid tells which: a hybrid one has no controllers of use. -ENOENT when there is none. */
int cgroup_open_root(int *ret_fd, bool *ret_hybrid);

/* Opens (O_RDONLY|O_DIRECTORY) the group `path` below root_fd; creates the last components when `create`. */
int cgroup_open(int root_fd, const char *path, bool create, int *ret_fd);

/* The path of a process in the unified hierarchy, from /proc/PID/cgroup; pid 0 is the caller. */
int cgroup_path_of(pid_t pid, char *path, size_t size);

int cgroup_write(int group_fd, const char *file, const char *text);
/* Reads a short file; NUL-terminated, final newline cut. Returns the length or -errno. */
ssize_t cgroup_read(int group_fd, const char *file, char *text, size_t size);

/* Enables every controller that the group has for its children; what cannot be enabled is skipped. */
void cgroup_enable_controllers(int group_fd);

/* Lets a user manage what is below the group, as systemd does for a user's manager: the directory and the files that
 * delegation is about (/sys/kernel/cgroup/delegate). Limits of the group itself stay the host's. */
int cgroup_delegate(int group_fd, uid_t uid, gid_t gid);

/* cgroup.kill (Linux 5.14): SIGKILL to all below, forks included. -ENOENT on the root or an old kernel. */
int cgroup_kill(int group_fd);
/* cgroup.freeze: asks for it and returns. -ENOENT on the root or a kernel before 5.2. */
int cgroup_freeze(int group_fd, bool freeze);
/* Whether all processes of the group and below stand still, because of this group or one above. */
int cgroup_is_frozen(int group_fd, bool *ret);
/* Waits until they do. -ETIMEDOUT; -EINTR on a signal. */
int cgroup_wait_frozen(int group_fd, int timeout_msec);
/* Sends a signal to each process of the group and of those below, once; processes that appear meanwhile may be missed. */
int cgroup_signal(int group_fd, int signal_number);
/* Whether a process lives in the group or below. -ENODEV when the group is gone. */
int cgroup_is_populated(int group_fd, bool *ret);

/* Removes the group `name` and its sub-groups, which must be empty of processes; -EBUSY when they are not. */
int cgroup_remove(int parent_fd, const char *name);
