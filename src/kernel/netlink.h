/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: requests of netlink(7): a header, a body, attributes, nested ones, and the answer to them.
 * Never does: know what they mean (rtnetlink.h, netfilter.h do).
 * Runs in: fat programs on the host side, the supervisor. */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NETLINK_REQUEST_SIZE 1024

/* Built in place; all that goes in is of a known, small size: names are cut by their callers' checks. */
typedef struct NetlinkRequest {
    struct nlmsghdr header;
    char body[NETLINK_REQUEST_SIZE];
} NetlinkRequest;

/* A socket of the calling thread's network namespace, close-on-exec. */
int netlink_open(int protocol);

/* The body, zeroed. */
void *netlink_begin(NetlinkRequest *request, uint16_t type, uint16_t flags, size_t body_size);
struct rtattr *netlink_add(NetlinkRequest *request, uint16_t type, const void *data, size_t size);
void netlink_add_string(NetlinkRequest *request, uint16_t type, const char *text);
void netlink_add_u32(NetlinkRequest *request, uint16_t type, uint32_t number);
struct rtattr *netlink_open_nest(NetlinkRequest *request, uint16_t type);
void netlink_close_nest(NetlinkRequest *request, struct rtattr *nest);

/* 0 or -errno. */
int netlink_send(int fd, NetlinkRequest *request);
/* The next datagram, from the kernel and no other process: its size or -errno. */
ssize_t netlink_receive(int fd, void *buffer, size_t size);
/* One request that is answered by an acknowledgement, or, with `reply`, by one message, whose first bytes it gets. The
 * kernel's answer, as negative errno. */
int netlink_call(int fd, NetlinkRequest *request, void *reply, size_t reply_size);
