/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: whether ports of this host are free to be published, choosing some that are, and who has those that are not.
 * Never does: publish (the supervisor does), or keep a port: who is first to publish it has it.
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"
#include "base/port.h"

#include <stddef.h>

typedef struct PortList {
    Port *items;
    size_t count, room;
} PortList;

void port_list_done(PortList *list);
int port_list_add(PortList *list, const Port *port);

/* Fills in the numbers that are to be chosen, and checks the others: for programs that listen there and for containers that
 * have them published, but for `own_name`: what is left of an earlier run of it is taken back. What containers left that are
 * gone is taken back, too. -EADDRINUSE, with who has it; -EADDRNOTAVAIL: the host does not have the address. */
int ports_reserve(PortList *list, const char *own_name, Error *error);
