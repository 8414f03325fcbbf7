/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a process that reads hostile data: what it can still see, reach and do.
 * Never does: run a program; decide what the data means.
 * Runs in: the importer and berthctl: confine_start() in the parent, confine_enter() in the child before it reads; the puller,
 *          which needs the network, confines itself by confine_network(). */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONFINE_FDS_MAX 8

typedef struct ConfineSpec {
    int root_mount_fd;     /* a detached mount (mount_clone()): all of the file system that is left, nosuid,
                              nodev, noexec */
    uint64_t capabilities; /* the ones to keep, 1 << CAP_* */
    int fds[CONFINE_FDS_MAX];
    size_t fds_count; /* the fds to keep, beside 0, 1 and 2, which become /dev/null */
    uint64_t memory_max_bytes, file_max_bytes;
    uint64_t open_files_max; /* 0: 1024 */
} ConfineSpec;

/* Forks into new mount, network, IPC, UTS, PID and cgroup namespaces. In the parent the pid and a pidfd, 0 in
 * the child, -errno. The child dies with the parent. */
pid_t confine_start(int *ret_pidfd);

/* In the child. On failure *ret_step says which part; the child must end then. Afterwards: "/" is the given
 * mount and nothing else is mounted, no network device, no other process in sight, no new privileges, no
 * system call that makes programs, mounts, sockets, namespaces or reaches other processes. */
int confine_enter(const ConfineSpec *spec, const char **ret_step);

/* For a program that talks to hostile servers: what is left is reading below `paths` (landlock.h; as far as the kernel has
 * it), the fds that are open, and sockets. Another user, no capabilities, no new privileges, a session of its own (so no
 * terminal), and the system call filter of confine_enter() but for sockets. On failure *ret_step as there.
 * CONFINE_WITHOUT_LANDLOCK: all but the first, because this kernel has no Landlock. */
#define CONFINE_WITHOUT_LANDLOCK 1
int confine_network(const char *const *paths, uint64_t memory_max_bytes, const char **ret_step);
