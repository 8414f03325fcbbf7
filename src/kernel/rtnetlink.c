/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/rtnetlink.h"

#include "base/cleanup.h"
#include "kernel/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#define REPLY_SIZE 32768 /* what the kernel puts at most into one datagram of a dump */

int rtnetlink_open(void)
{
    return netlink_open(NETLINK_ROUTE);
}

int rtnetlink_find_link(int fd, const char *name, uint32_t *ret_index)
{
    struct ifinfomsg reply;
    NetlinkRequest request;
    int r;

    if (strlen(name) >= RTNETLINK_NAME_SIZE)
        return -ENODEV;
    netlink_begin(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    netlink_add_string(&request, IFLA_IFNAME, name);
    r = netlink_call(fd, &request, &reply, sizeof(reply));
    if (r == 0)
        *ret_index = (uint32_t) reply.ifi_index;
    return r;
}

int rtnetlink_make_bridge(int fd, const char *name, const unsigned char hardware_address[6])
{
    struct rtattr *info;
    NetlinkRequest request;

    if (strlen(name) >= RTNETLINK_NAME_SIZE)
        return -EINVAL;
    netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    netlink_add_string(&request, IFLA_IFNAME, name);
    netlink_add(&request, IFLA_ADDRESS, hardware_address, 6);
    info = netlink_open_nest(&request, IFLA_LINKINFO);
    netlink_add_string(&request, IFLA_INFO_KIND, "bridge");
    netlink_close_nest(&request, info);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_make_veth(int fd, const char *name, uint32_t bridge, const char *peer_name, pid_t peer_pid)
{
    struct rtattr *info, *data, *peer;
    struct ifinfomsg *link, none = {};
    NetlinkRequest request;

    if (strlen(name) >= RTNETLINK_NAME_SIZE || strlen(peer_name) >= RTNETLINK_NAME_SIZE)
        return -EINVAL;
    link = netlink_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    netlink_add_string(&request, IFLA_IFNAME, name);
    netlink_add_u32(&request, IFLA_MASTER, bridge);
    info = netlink_open_nest(&request, IFLA_LINKINFO);
    netlink_add_string(&request, IFLA_INFO_KIND, "veth");
    data = netlink_open_nest(&request, IFLA_INFO_DATA);
    /* The peer's header, then its attributes, in one attribute. */
    peer = netlink_add(&request, VETH_INFO_PEER, &none, sizeof(none));
    netlink_add_string(&request, IFLA_IFNAME, peer_name);
    netlink_add_u32(&request, IFLA_NET_NS_PID, (uint32_t) peer_pid);
    netlink_close_nest(&request, peer);
    netlink_close_nest(&request, data);
    netlink_close_nest(&request, info);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_add_name(int fd, uint32_t index, const char *name)
{
    struct ifinfomsg *link;
    struct rtattr *list;
    NetlinkRequest request;

    if (strlen(name) >= RTNETLINK_ALTERNATIVE_SIZE)
        return -EINVAL;
    link = netlink_begin(&request, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, sizeof(struct ifinfomsg));
    link->ifi_index = (int) index;
    list = netlink_open_nest(&request, IFLA_PROP_LIST);
    netlink_add_string(&request, IFLA_ALT_IFNAME, name);
    netlink_close_nest(&request, list);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_set_up(int fd, uint32_t index)
{
    struct ifinfomsg *link;
    NetlinkRequest request;

    link = netlink_begin(&request, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
    link->ifi_index = (int) index;
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_add_address(int fd, uint32_t index, uint32_t address, unsigned prefix_length)
{
    struct ifaddrmsg *message;
    NetlinkRequest request;

    message = netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
    message->ifa_family = AF_INET;
    message->ifa_prefixlen = (unsigned char) prefix_length;
    message->ifa_index = index;
    netlink_add_u32(&request, IFA_LOCAL, htonl(address));
    netlink_add_u32(&request, IFA_ADDRESS, htonl(address));
    if (prefix_length < 31)
        netlink_add_u32(&request, IFA_BROADCAST, htonl(address | (UINT32_MAX >> prefix_length)));
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_add_default_route(int fd, uint32_t index, uint32_t gateway)
{
    struct rtmsg *message;
    NetlinkRequest request;

    message = netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct rtmsg));
    message->rtm_family = AF_INET;
    message->rtm_table = RT_TABLE_MAIN;
    message->rtm_protocol = RTPROT_STATIC;
    message->rtm_scope = RT_SCOPE_UNIVERSE;
    message->rtm_type = RTN_UNICAST;
    netlink_add_u32(&request, RTA_GATEWAY, htonl(gateway));
    netlink_add_u32(&request, RTA_OIF, index);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_add_address6(int fd, uint32_t index, const unsigned char address[16], unsigned prefix_length)
{
    struct ifaddrmsg *message;
    NetlinkRequest request;

    message = netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
    message->ifa_family = AF_INET6;
    message->ifa_prefixlen = (unsigned char) prefix_length;
    message->ifa_flags = IFA_F_NODAD;
    message->ifa_index = index;
    netlink_add(&request, IFA_LOCAL, address, 16);
    netlink_add(&request, IFA_ADDRESS, address, 16);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_add_default_route6(int fd, uint32_t index, const unsigned char gateway[16])
{
    struct rtmsg *message;
    NetlinkRequest request;

    message = netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct rtmsg));
    message->rtm_family = AF_INET6;
    message->rtm_table = RT_TABLE_MAIN;
    message->rtm_protocol = RTPROT_STATIC;
    message->rtm_scope = RT_SCOPE_UNIVERSE;
    message->rtm_type = RTN_UNICAST;
    netlink_add(&request, RTA_GATEWAY, gateway, 16);
    netlink_add_u32(&request, RTA_OIF, index);
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_remove_link(int fd, uint32_t index)
{
    struct ifinfomsg *link;
    NetlinkRequest request;

    link = netlink_begin(&request, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
    link->ifi_index = (int) index;
    return netlink_call(fd, &request, NULL, 0);
}

int rtnetlink_set_hairpin(int fd, uint32_t index)
{
    const unsigned char yes = 1;
    struct ifinfomsg *link;
    struct rtattr *port;
    NetlinkRequest request;

    link = netlink_begin(&request, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
    link->ifi_family = AF_BRIDGE;
    link->ifi_index = (int) index;
    port = netlink_open_nest(&request, IFLA_PROTINFO);
    netlink_add(&request, IFLA_BRPORT_MODE, &yes, sizeof(yes));
    netlink_close_nest(&request, port);
    return netlink_call(fd, &request, NULL, 0);
}

/* The IPv4 address in an attribute of this type, in our byte order; 0: there is none. */
static uint32_t find_address(const struct rtattr *attribute, int size, unsigned short type)
{
    for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
        if (attribute->rta_type == type && RTA_PAYLOAD(attribute) >= sizeof(uint32_t)) {
            uint32_t address;

            memcpy(&address, RTA_DATA(attribute), sizeof(address));
            return ntohl(address);
        }
    return 0;
}

typedef int (*TakeMessage)(const struct nlmsghdr *message, RtnetlinkVisit visit, void *userdata);

static int dump(int fd, NetlinkRequest *request, TakeMessage take, RtnetlinkVisit visit, void *userdata)
{
    _cleanup_free_ char *buffer = malloc(REPLY_SIZE);
    int r = buffer ? netlink_send(fd, request) : -ENOMEM, result = 0;

    if (r < 0)
        return r;
    /* To its end also when nobody wants more of it: the socket goes on being used. */
    for (;;) {
        ssize_t n = netlink_receive(fd, buffer, REPLY_SIZE);
        const struct nlmsghdr *message = (const struct nlmsghdr *) (void *) buffer;

        if (n < 0)
            return (int) n;
        for (uint32_t left = (uint32_t) n; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_DONE)
                return result;
            if (message->nlmsg_type == NLMSG_ERROR)
                return message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                           ? -EBADMSG
                           : ((const struct nlmsgerr *) NLMSG_DATA(message))->error;
            if (result == 0)
                result = take(message, visit, userdata);
        }
    }
}

static int take_address(const struct nlmsghdr *message, RtnetlinkVisit visit, void *userdata)
{
    const struct ifaddrmsg *address = NLMSG_DATA(message);

    if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
        address->ifa_family != AF_INET)
        return 0;
    return visit(address->ifa_index, find_address(IFA_RTA(address), (int) IFA_PAYLOAD(message), IFA_LOCAL),
                 address->ifa_prefixlen, userdata);
}

int rtnetlink_each_address(int fd, RtnetlinkVisit visit, void *userdata)
{
    struct ifaddrmsg *address;
    NetlinkRequest request;

    address = netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
    address->ifa_family = AF_INET;
    return dump(fd, &request, take_address, visit, userdata);
}

static int take_route(const struct nlmsghdr *message, RtnetlinkVisit visit, void *userdata)
{
    const struct rtmsg *route = NLMSG_DATA(message);

    if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) ||
        route->rtm_family != AF_INET || route->rtm_dst_len == 0 || (route->rtm_flags & RTM_F_CLONED))
        return 0;
    return visit(0, find_address(RTM_RTA(route), (int) RTM_PAYLOAD(message), RTA_DST), route->rtm_dst_len, userdata);
}

int rtnetlink_each_route(int fd, RtnetlinkVisit visit, void *userdata)
{
    struct rtmsg *route;
    NetlinkRequest request;

    route = netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
    route->rtm_family = AF_INET;
    return dump(fd, &request, take_route, visit, userdata);
}

/* --- IPv6 --- */

typedef struct Visitor6 {
    RtnetlinkVisit6 visit;
    void *userdata;
} Visitor6;

static const unsigned char *find_address6(const struct rtattr *attribute, int size, unsigned short type)
{
    for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
        if (attribute->rta_type == type && RTA_PAYLOAD(attribute) >= 16)
            return RTA_DATA(attribute);
    return NULL;
}

static int take_address6(const struct nlmsghdr *message, RtnetlinkVisit unused, void *userdata)
{
    const struct ifaddrmsg *address = NLMSG_DATA(message);
    const Visitor6 *visitor = userdata;
    const unsigned char *bytes;

    (void) unused;
    if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof(*address)) ||
        address->ifa_family != AF_INET6)
        return 0;
    bytes = find_address6(IFA_RTA(address), (int) IFA_PAYLOAD(message), IFA_ADDRESS);
    return bytes ? visitor->visit(address->ifa_index, bytes, address->ifa_prefixlen, visitor->userdata) : 0;
}

int rtnetlink_each_address6(int fd, RtnetlinkVisit6 visit, void *userdata)
{
    Visitor6 visitor = {visit, userdata};
    struct ifaddrmsg *address;
    NetlinkRequest request;

    address = netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
    address->ifa_family = AF_INET6;
    return dump(fd, &request, take_address6, NULL, &visitor);
}

static int take_route6(const struct nlmsghdr *message, RtnetlinkVisit unused, void *userdata)
{
    const struct rtmsg *route = NLMSG_DATA(message);
    const Visitor6 *visitor = userdata;
    const unsigned char *bytes;

    (void) unused;
    if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) ||
        route->rtm_family != AF_INET6 || route->rtm_dst_len == 0 || (route->rtm_flags & RTM_F_CLONED))
        return 0;
    bytes = find_address6(RTM_RTA(route), (int) RTM_PAYLOAD(message), RTA_DST);
    return bytes ? visitor->visit(0, bytes, route->rtm_dst_len, visitor->userdata) : 0;
}

int rtnetlink_each_route6(int fd, RtnetlinkVisit6 visit, void *userdata)
{
    Visitor6 visitor = {visit, userdata};
    struct rtmsg *route;
    NetlinkRequest request;

    route = netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
    route->rtm_family = AF_INET6;
    return dump(fd, &request, take_route6, NULL, &visitor);
}
