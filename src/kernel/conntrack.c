/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/conntrack.h"

#include "base/cleanup.h"
#include "kernel/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define REPLY_SIZE       32768
#define TUPLE_MAX        256
#define MESSAGE_OF(type) ((uint16_t) (NFNL_SUBSYS_CTNETLINK << 8 | (type)))

/* What the first packet of a connection had, as the kernel tells it and takes it back, and the zone that it is in. */
typedef struct Tuple {
    unsigned char bytes[TUPLE_MAX];
    size_t size;
    uint16_t zone; /* in network byte order */
    uint8_t family;
} Tuple;

typedef struct TupleList {
    Tuple *items;
    size_t count, room;
} TupleList;

static void tuple_list_done(TupleList *list)
{
    free(list->items);
}

static const struct rtattr *find_attribute(const struct rtattr *attribute, int size, unsigned short type)
{
    for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
        if ((attribute->rta_type & NLA_TYPE_MASK) == type)
            return attribute;
    return NULL;
}

static const struct rtattr *find_inside(const struct rtattr *nest, unsigned short type)
{
    return nest ? find_attribute(RTA_DATA(nest), (int) RTA_PAYLOAD(nest), type) : NULL;
}

static bool is_wanted(const struct rtattr *tuple, uint16_t first_port, uint16_t count)
{
    const struct rtattr *protocol = find_inside(tuple, CTA_TUPLE_PROTO), *number = find_inside(protocol, CTA_PROTO_NUM),
                        *port = find_inside(protocol, CTA_PROTO_DST_PORT);
    uint16_t value = 0;

    if (!number || RTA_PAYLOAD(number) < 1 || *(const uint8_t *) RTA_DATA(number) != IPPROTO_UDP || !port ||
        RTA_PAYLOAD(port) < sizeof(value))
        return false;
    memcpy(&value, RTA_DATA(port), sizeof(value));
    value = ntohs(value);
    return value >= first_port && value - first_port < count;
}

static int keep(TupleList *list, const struct rtattr *tuple, const struct rtattr *zone, uint8_t family)
{
    Tuple *item;

    if (RTA_PAYLOAD(tuple) > TUPLE_MAX)
        return 0;
    if (list->count == list->room) {
        size_t room = list->room * 2 + 16;
        Tuple *larger = reallocarray(list->items, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        list->items = larger;
        list->room = room;
    }
    item = &list->items[list->count++];
    *item = (Tuple){.size = RTA_PAYLOAD(tuple), .family = family};
    memcpy(item->bytes, RTA_DATA(tuple), item->size);
    if (zone && RTA_PAYLOAD(zone) >= sizeof(item->zone))
        memcpy(&item->zone, RTA_DATA(zone), sizeof(item->zone));
    return 0;
}

static void begin(NetlinkRequest *request, uint16_t type, uint16_t flags, uint8_t family)
{
    struct nfgenmsg *message = netlink_begin(request, MESSAGE_OF(type), flags, sizeof(struct nfgenmsg));

    message->nfgen_family = family;
    message->version = NFNETLINK_V0;
}

/* To the end of the dump, whatever comes of it. */
static int collect(int fd, uint16_t first_port, uint16_t count, TupleList *list)
{
    const size_t begin_size = NLMSG_LENGTH(sizeof(struct nfgenmsg));
    _cleanup_free_ char *buffer = malloc(REPLY_SIZE);
    NetlinkRequest request;
    int r;

    if (!buffer)
        return -ENOMEM;
    begin(&request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
    r = netlink_send(fd, &request);
    while (r == 0) {
        ssize_t n = netlink_receive(fd, buffer, REPLY_SIZE);
        const struct nlmsghdr *message = (const struct nlmsghdr *) (void *) buffer;

        if (n < 0)
            return (int) n;
        for (uint32_t left = (uint32_t) n; NLMSG_OK(message, left) && r == 0; message = NLMSG_NEXT(message, left)) {
            const struct rtattr *attributes =
                (const struct rtattr *) (const void *) ((const char *) message + begin_size);
            const struct rtattr *tuple;
            int size = (int) message->nlmsg_len - (int) begin_size;

            if (message->nlmsg_type == NLMSG_DONE)
                return 0;
            if (message->nlmsg_type == NLMSG_ERROR)
                return message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                           ? -EBADMSG
                           : ((const struct nlmsgerr *) NLMSG_DATA(message))->error;
            if (message->nlmsg_type != MESSAGE_OF(IPCTNL_MSG_CT_NEW) || size < 0)
                continue;
            tuple = find_attribute(attributes, size, CTA_TUPLE_ORIG);
            if (is_wanted(tuple, first_port, count))
                r = keep(list, tuple, find_attribute(attributes, size, CTA_ZONE),
                         ((const struct nfgenmsg *) NLMSG_DATA(message))->nfgen_family);
        }
    }
    return r;
}

/* It may have ended by itself meanwhile. */
static int forget(int fd, const Tuple *tuple)
{
    NetlinkRequest request;
    int r;

    begin(&request, IPCTNL_MSG_CT_DELETE, 0, tuple->family);
    netlink_add(&request, CTA_TUPLE_ORIG | NLA_F_NESTED, tuple->bytes, tuple->size);
    if (tuple->zone > 0)
        netlink_add(&request, CTA_ZONE, &tuple->zone, sizeof(tuple->zone));
    r = netlink_call(fd, &request, NULL, 0);
    return r == -ENOENT ? 0 : r;
}

int conntrack_forget_udp(uint16_t first_port, uint16_t count)
{
    _cleanup_close_ int fd = netlink_open(NETLINK_NETFILTER);
    _cleanup_(tuple_list_done) TupleList list = {};
    int r = fd < 0 ? fd : collect(fd, first_port, count, &list);

    for (size_t i = 0; i < list.count && r == 0; i++)
        r = forget(fd, &list.items[i]);
    /* EINVAL: no subsystem of this number, and no module for it. */
    return r == -EINVAL || r == -EOPNOTSUPP || r == -EPROTONOSUPPORT ? 0 : r;
}
