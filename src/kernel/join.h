/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: doing one thing inside another process's mount namespace, and bringing back what came of it.
 * Never does: join anything but the mount namespace: user, credentials and /proc stay the host's; load a library or run
 *             a program in there (CVE-2019-14271).
 * Runs in: berthctl; the function in a child that ends with it. */

#include <stdbool.h>
#include <stddef.h>

#define JOIN_REPLY_MAX 512

/* In the child: "/" and "." are the root of the namespace, host_fds_fd is the host's /proc/self/fd of this child.
 * `reply` goes back to the caller, and so does *ret_fd when it is >= 0. System calls only. */
typedef int (*JoinFunction)(int host_fds_fd, const void *argument, void *reply, int *ret_fd);

/* Returns what the function returned. `reply` (of at most JOIN_REPLY_MAX bytes) and *ret_fd (may be NULL) are filled
 * when that is >= 0. pidfd names a process in the namespace. */
/* With a pidfd below 0 the namespace is a copy of our own, private and gone with the child. */
int join_mounts(int pidfd, JoinFunction function, const void *argument, void *reply, size_t reply_size, int *ret_fd);
