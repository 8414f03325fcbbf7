/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: pseudo-terminals of a container's own devpts instance, raw mode of a person's terminal.
 * Never does: hand a terminal of the host to a container.
 * Runs in: the inner process (open), the supervisor and berthctl (the rest). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

/* Opens a new pair from the ptmx of the devpts that is mounted at pts_fd (O_PATH). The peer is got by TIOCGPTPEER
 * (ioctl_tty(2), Linux 4.13), never through a path that the container could have changed. Both O_CLOEXEC. */
int tty_open_pair(int pts_fd, int *ret_primary_fd, int *ret_peer_fd);

/* Makes the terminal the caller's controlling one; the caller must lead its session. */
int tty_take_control(int fd);
int tty_set_size(int fd, uint16_t rows, uint16_t columns);
/* 0,0 when it has none. */
void tty_get_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns);

/* Raw mode; the former state goes to *ret_saved for tty_restore(). */
int tty_set_raw(int fd, struct termios *ret_saved);
void tty_restore(int fd, const struct termios *saved);
