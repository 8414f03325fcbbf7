/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netfilter.h"

#include "base/cleanup.h"
#include "kernel/netlink.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

int netfilter_has_table(const char *name)
{
    _cleanup_close_ int fd = netlink_open(NETLINK_NETFILTER);
    struct nfgenmsg *message, reply;
    NetlinkRequest request;
    int r;

    if (fd < 0)
        return fd == -EPROTONOSUPPORT ? -EOPNOTSUPP : fd;
    message = netlink_begin(&request, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, sizeof(struct nfgenmsg));
    message->nfgen_family = NFPROTO_INET;
    message->version = NFNETLINK_V0;
    netlink_add_string(&request, NFTA_TABLE_NAME, name);
    r = netlink_call(fd, &request, &reply, sizeof(reply));
    /* EINVAL: no subsystem of this number, and no module for it. */
    return r == 0 ? 1 : r == -ENOENT ? 0 : r == -EINVAL ? -EOPNOTSUPP : r;
}
