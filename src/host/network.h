/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the networks of containers on this host: a bridge, its addresses, chosen free of what the host has routes for,
 *       forwarding, and translation of addresses (firewall.h).
 * Never does: touch a bridge that it did not make; keep a record: what there is, the kernel says.
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define NETWORK_DEFAULT_BRIDGE "berth0"

typedef struct NetworkBridge {
    uint32_t index;
    uint32_t network; /* IPv4, in the host's byte order; the host is the first address of it */
    unsigned prefix_length;
    bool has_ipv6;
    struct in6_addr network6; /* of 64 bits; the host is the first address of it, too */
    bool has_turned_on_forwarding, has_turned_on_forwarding6;
    bool has_new_rules; /* of the firewall: what was published before is gone */
} NetworkBridge;

/* Makes of the bridge, its address and its rules what is not there; several at once do not disturb each other. With `probe`
 * nothing is made: *ret is what there is or would most likely be. -EEXIST: a link of this name is not such a bridge;
 * -EADDRNOTAVAIL: the host has routes for every network that might be used. */
int network_prepare_bridge(const char *name, bool probe, NetworkBridge *ret, Error *error);

/* Lets connections to 127.0.0.1 be translated to addresses behind the bridge. After network_prepare_bridge(): its rules keep
 * what is behind the bridge away from the loopback. */
int network_route_localhost(const char *name, Error *error);

/* Pure: the network of 64 bits, of those that are for local use (RFC 4193), that a host with this seed tries as its
 * `attempt`th. */
struct in6_addr network_make_local6(const char *seed, const char *name, unsigned attempt);
/* Pure: whether two IPv6 networks have an address in common. */
bool network_overlaps6(const unsigned char one[16], unsigned one_length, const unsigned char other[16],
                       unsigned other_length);

/* Pure: whether two IPv4 networks have an address in common. */
bool network_overlaps(uint32_t one, unsigned one_length, uint32_t other, unsigned other_length);

/* Pure: the text of a resolv.conf(5) without the servers on a loopback address. -ENODATA: then there is none left. */
int network_filter_resolv_conf(const char *text, char **ret);
