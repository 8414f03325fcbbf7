/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the nftables table "inet berth" of this host: its sets, maps, chains and rules, and which networks it knows.
 * Never does: touch another table: what a firewall of the host drops stays dropped; publish ports (kernel/publish.h does).
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FirewallNetwork {
    const char *bridge;
    uint32_t gateway; /* the host's address in it: IPv4, in the host's byte order */
    unsigned prefix_length;
    bool has_ipv6;
    struct in6_addr gateway6; /* of a network of 64 bits */
} FirewallNetwork;

/* Sees to it that what containers of the network send elsewhere has the host's address, which answers find, that networks do
 * not reach each other, and that there are maps to publish ports in. Costs one question when all is there. 1: it was not,
 * so what was published before is gone. Several at once do not disturb each other. */
int firewall_prepare(const FirewallNetwork *network, Error *error);
