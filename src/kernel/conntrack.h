/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making the kernel forget connections that it tracks, by ctnetlink.
 * Never does: decide which.
 * Runs in: the supervisor; a socket belongs to the network namespace that it was opened in. */

#include <stdint.h>

/* Those of UDP, IPv4 and IPv6, that were begun to one of these ports: a datagram of somebody who goes on sending from the same
 * port is otherwise sent where the first one was, whatever the rules say by now. The next one begins a new connection. A kernel
 * that cannot tell what it tracks is no error. */
int conntrack_forget_udp(uint16_t first_port, uint16_t count);
