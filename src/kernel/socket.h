/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: messages with fds over local sockets (unix(7), SCM_RIGHTS).
 * Never does: know a protocol.
 * Runs in: any process. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SOCKET_FDS_MAX 16

/* A connected pair of SOCK_SEQPACKET sockets, both O_CLOEXEC. */
int socket_make_pair(int ret_fds[2]);

/* One message with `fds_count` fds. -EPIPE (never SIGPIPE) when the peer is gone. */
int socket_send(int fd, const void *data, size_t size, const int *fds, size_t fds_count);

/* Receives one message of at most `size` bytes: its length, 0 at the end of the stream, -errno. fds arrive O_CLOEXEC
 * in `fds` (room for SOCKET_FDS_MAX) and belong to the caller; -EMSGSIZE for a message that did not fit. */
ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t *ret_fds_count);

/* A datagram socket that is found as `name` in a directory (O_PATH), made anew, writable for everybody, and that learns
 * who sends (SO_PASSCRED). Not by a path that could be redirected: the working directory is changed, and is the root afterwards, because
 * nothing says that a process in a user namespace may return to where it came from. fd (non-blocking) or -errno. */
int socket_bind_at(int directory_fd, const char *name);

/* One datagram without waiting: its length, with the sender's pid as this process's pid namespace has it, 0 when the
 * sender is outside of it. -EAGAIN: none is there. -EMSGSIZE: it did not fit. fds that came with it are closed. */
ssize_t socket_receive_from(int fd, void *data, size_t size, pid_t *ret_pid);
