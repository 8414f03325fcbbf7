/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: pipes that a payload confined by SELinux may use.
 * Never does: choose a label.
 * Runs in: launcher and supervisor, on the host side. */

#include <sys/types.h>

/* ret_fds[0] to read, ret_fds[1] to write, O_CLOEXEC. A plain pipe carries the label of the process that made it, for good,
 * and a container may not touch it. With a `context` the pipe is a FIFO on a tmpfs of its own that has that label whole;
 * the tmpfs is mounted nowhere and goes with the fds. NULL: pipe2(2). */
int pipe_make(const char *context, int ret_fds[2]);

/* Gives a pipe without a name, and nothing else, to somebody: files, devices and terminals are the caller's own. */
int pipe_give(int fd, uid_t uid, gid_t gid);
