/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: entries on their way to journald in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that the
 *       supervisor need not link libsystemd.
 * Never does: block, or decide what an entry says.
 * Runs in: any process of the host's mount namespace. */

#include <stddef.h>
#include <sys/uio.h>

/* A datagram socket to journald, connected when it is there; fd or -errno. Connected, so that poll(2) tells when its
 * queue has room. */
int journal_open(void);

/* Sends one entry. For a large one the send buffer is raised; where it cannot be, a sealed memfd carries it. A journald that
 * was restarted under the same name is connected anew. -EAGAIN: its queue is full. */
int journal_send(int fd, const struct iovec *parts, size_t count);

/* The same for one entry alone, on a socket of its own. */
int journal_send_once(const void *entry, size_t size);

/* Appends "NAME=VALUE\n" to `buffer`, of which `at` bytes are used, and returns how many are then. Nothing is added for
 * NULL, for a value with a newline (it would be a field of its own), or where there is no room. */
size_t journal_add_field(char *buffer, size_t size, size_t at, const char *name, const char *value);
