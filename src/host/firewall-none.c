/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall.h"

#include <errno.h>

int firewall_prepare(const FirewallNetwork *network, Error *error)
{
    (void) network;
    return error_set(error, -EOPNOTSUPP, "this build of Berth has no nftables, which a network needs");
}
