/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netlink.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(int protocol)
{
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    int one = 1;

    if (fd < 0)
        return -errno;
    /* An acknowledgement without the request in it. */
    (void) setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
    /* The kernel refuses a dump that asks for too much only to those who say that they know (Linux 4.20). */
    (void) setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
    return bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : TAKE_FD(fd);
}

void *netlink_begin(NetlinkRequest *request, uint16_t type, uint16_t flags, size_t body_size)
{
    memset(request, 0, sizeof(*request));
    request->header = (struct nlmsghdr){
        .nlmsg_len = (uint32_t) NLMSG_LENGTH(body_size),
        .nlmsg_type = type,
        .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags),
        .nlmsg_seq = 1,
    };
    return NLMSG_DATA(&request->header);
}

/* All that is added here is of a known, small size: names are cut by their callers' checks. */
struct rtattr *netlink_add(NetlinkRequest *request, uint16_t type, const void *data, size_t size)
{
    size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr *attribute = (struct rtattr *) (void *) ((char *) request + at);

    attribute->rta_type = type;
    attribute->rta_len = (unsigned short) RTA_LENGTH(size);
    if (size > 0)
        memcpy(RTA_DATA(attribute), data, size);
    request->header.nlmsg_len = (uint32_t) (at + RTA_LENGTH(size));
    return attribute;
}

void netlink_add_string(NetlinkRequest *request, uint16_t type, const char *text)
{
    netlink_add(request, type, text, strlen(text) + 1);
}

void netlink_add_u32(NetlinkRequest *request, uint16_t type, uint32_t number)
{
    netlink_add(request, type, &number, sizeof(number));
}

struct rtattr *netlink_open_nest(NetlinkRequest *request, uint16_t type)
{
    return netlink_add(request, (uint16_t) (type | NLA_F_NESTED), NULL, 0);
}

void netlink_close_nest(NetlinkRequest *request, struct rtattr *nest)
{
    size_t end = NLMSG_ALIGN(request->header.nlmsg_len);

    request->header.nlmsg_len = (uint32_t) end;
    nest->rta_len = (unsigned short) ((char *) request + end - (char *) nest);
}

int netlink_send(int fd, NetlinkRequest *request)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    while (sendto(fd, &request->header, request->header.nlmsg_len, MSG_NOSIGNAL, (struct sockaddr *) &kernel,
                  sizeof(kernel)) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* The next datagram, from the kernel and no other process. */
ssize_t netlink_receive(int fd, void *buffer, size_t size)
{
    struct sockaddr_nl from;
    ssize_t n;

    do {
        socklen_t length = sizeof(from);

        n = recvfrom(fd, buffer, size, 0, (struct sockaddr *) &from, &length);
    } while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
    return n < 0 ? -errno : n;
}

/* One request that is answered by an acknowledgement, or by one message, of which the reply keeps a copy. */
int netlink_call(int fd, NetlinkRequest *request, void *reply, size_t reply_size)
{
    union {
        struct nlmsghdr header;
        char bytes[8192];
    } answer;
    ssize_t n;
    int r;

    request->header.nlmsg_flags |= reply ? 0 : NLM_F_ACK;
    r = netlink_send(fd, request);
    n = r < 0 ? r : netlink_receive(fd, &answer, sizeof(answer));
    if (n < 0)
        return (int) n;
    if (!NLMSG_OK(&answer.header, (uint32_t) n))
        return -EBADMSG;
    if (answer.header.nlmsg_type == NLMSG_ERROR)
        return answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                   ? -EBADMSG
                   : ((const struct nlmsgerr *) NLMSG_DATA(&answer.header))->error;
    if (!reply || answer.header.nlmsg_len < NLMSG_LENGTH(reply_size))
        return -EBADMSG;
    memcpy(reply, NLMSG_DATA(&answer.header), reply_size);
    return 0;
}
