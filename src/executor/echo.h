/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the payload of a container in the foreground writes, on its way to who started it, when a log gets it too.
 * Never does: let the supervisor wait while the payload lives: a caller that does not read holds up the payload alone.
 * Runs in: the supervisor, whose own output is its caller's. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Echo {
    bool is_open[2]; /* of standard output and error: somebody may be reading */
    bool is_full[2]; /* there is something to read that has no room there */
} Echo;

/* What to wait for before the next piece of a stream (1 or 2) is read: the piece, or room for it. */
struct pollfd echo_poll(const Echo *echo, int stream, int source_fd);
/* Whether there is room for a piece of PIPE_BUF bytes; -1 waits for it. */
bool echo_has_room(Echo *echo, int stream, int timeout_msec);
void echo_write(Echo *echo, int stream, const char *data, size_t size);
