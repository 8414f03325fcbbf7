/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the nftables table "inet berth" of this host.
 * Never does: touch another table: what a firewall of the host drops stays dropped.
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"

#include <stdint.h>

/* Sees to it that what containers of the network send elsewhere has the host's address, which answers find: a table that
 * somebody flushed is made anew. Cheap when it is there. -EOPNOTSUPP: no nf_tables in this kernel, or no libnftables. */
int firewall_prepare(const char *bridge, uint32_t network, unsigned prefix_length, Error *error);
