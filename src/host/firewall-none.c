/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall.h"

#include <errno.h>

int firewall_prepare(const char *bridge, uint32_t network, unsigned prefix_length, Error *error)
{
    (void) bridge;
    (void) network;
    (void) prefix_length;
    return error_set(error, -EOPNOTSUPP, "this build of Berth has no nftables, which a network needs");
}
