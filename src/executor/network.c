/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's link to a network of the host, and ports of the host that lead there. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/port.h"
#include "kernel/conntrack.h"
#include "kernel/namespace.h"
#include "kernel/publish.h"
#include "kernel/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first addresses of a network are its own and the host's; the last is everybody's. */
#define HOST_NUMBER  1U
#define FIRST_NUMBER 2U

static int make_numbered(Context *context, int fd, const StepLink *link, uint32_t number)
{
    int r = snprintf(context->link_name, sizeof(context->link_name), "%s%u", link->prefix, number);

    if (r < 0 || (size_t) r >= sizeof(context->link_name))
        return fail(context, -ENAMETOOLONG, "a link cannot be called '%s%u'", link->prefix, number);
    r = rtnetlink_make_veth(fd, context->link_name, (uint32_t) link->bridge, link->name, context->payload_pid);
    if (r < 0 && r != -EEXIST)
        return fail(context, r, "cannot make the link '%s': %s", context->link_name, strerror(-r));
    context->link_number = number;
    return r;
}

/* The name of the host's end says which address the container has: the kernel gives a name to one link only, and takes it
 * back with the network namespace. So it is the lease of the address, too: there is nothing to write down or to clean up. A
 * system that is started again gets its address again. */
static int make_pair(Context *context, int fd, const StepLink *link)
{
    uint32_t size =
        link->prefix_length >= 8 && link->prefix_length <= 30 ? UINT32_C(1) << (32 - link->prefix_length) : 0;
    int r = -EEXIST;

    if (context->link_index > 0) {
        (void) rtnetlink_remove_link(fd, context->link_index);
        r = make_numbered(context, fd, link, context->link_number);
    }
    for (uint32_t number = FIRST_NUMBER; number + 1 < size && r == -EEXIST; number++)
        r = make_numbered(context, fd, link, number);
    if (r == -EEXIST)
        return fail(context, -EADDRNOTAVAIL, "all addresses of the network are taken");
    return r;
}

/* A socket of the container's network namespace, for one who stays outside. */
static int open_inside(Context *context)
{
    _cleanup_close_ int own_fd = namespace_open(0, "net");
    int fd, r = own_fd < 0 ? own_fd : namespace_enter(context->payload_pidfd, CLONE_NEWNET);

    if (r < 0)
        return r;
    fd = rtnetlink_open();
    r = namespace_enter(own_fd, CLONE_NEWNET);
    if (r < 0)
        safe_close(fd);
    return r < 0 ? r : fd;
}

static void number_ipv6(const struct in6_addr *network, uint32_t number, unsigned char ret[16])
{
    uint32_t last = htonl(number);

    memcpy(ret, network, 16);
    memcpy(ret + 12, &last, sizeof(last));
}

static int configure(Context *context, int fd, const StepLink *link)
{
    unsigned char gateway6[16];
    struct in6_addr network6;
    uint32_t index = 0;
    int r = rtnetlink_find_link(fd, link->name, &index);

    if (r == 0)
        r = rtnetlink_add_address(fd, index, context->address, (unsigned) link->prefix_length);
    if (r == 0 && link->network6[0] && inet_pton(AF_INET6, link->network6, &network6) != 1)
        r = -EINVAL;
    if (r == 0 && link->network6[0]) {
        number_ipv6(&network6, context->link_number, context->address6);
        r = rtnetlink_add_address6(fd, index, context->address6, 64);
    }
    if (r == 0)
        r = rtnetlink_set_up(fd, index);
    if (r == 0)
        r = rtnetlink_add_default_route(fd, index, (uint32_t) link->network + HOST_NUMBER);
    if (r == 0 && link->network6[0]) {
        number_ipv6(&network6, HOST_NUMBER, gateway6);
        r = rtnetlink_add_default_route6(fd, index, gateway6);
    }
    return r;
}

int apply_link(Context *context, const Step *step)
{
    _cleanup_close_ int host_fd = rtnetlink_open(), inside_fd = -EBADF;
    int r;

    if (host_fd < 0)
        return fail(context, host_fd, "cannot talk to the kernel about networks: %s", strerror(-host_fd));
    r = make_pair(context, host_fd, &step->link);
    if (r < 0)
        return r;
    context->address = (uint32_t) step->link.network + context->link_number;
    /* The address is ours now. Ports that still lead there were published for somebody who was killed. */
    r = publish_remove(context->address);
    if (r < 0 && r != -EOPNOTSUPP)
        return fail(context, r, "cannot take ports back that led to the container's address: %s", strerror(-r));
    /* One that ended a moment ago, of the same name, may have it still. */
    if (rtnetlink_find_link(host_fd, context->link_name, &context->link_index) == 0)
        (void) rtnetlink_add_name(host_fd, context->link_index, step->link.alternative_name);
    inside_fd = open_inside(context);
    r = inside_fd < 0 ? inside_fd : configure(context, inside_fd, &step->link);
    return r < 0 ? fail(context, r, "cannot set up the container's '%s': %s", step->link.name, strerror(-r)) : 0;
}

static int parse_ports(Context *context, const StepPublish *publish, Port **ret, size_t *ret_count)
{
    _cleanup_free_ Port *ports = NULL;
    size_t count = 0;

    while (publish->ports[count])
        count++;
    ports = calloc(count + 1, sizeof(*ports));
    if (!ports)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (port_parse(publish->ports[i], &ports[i]) < 0 || ports[i].host_first == 0)
            return fail(context, -EINVAL, "'%s' is not a port to publish", publish->ports[i]);
    *ret = TAKE_PTR(ports);
    *ret_count = count;
    return 0;
}

static int fail_to_publish(Context *context, int r, const Port *ports, size_t count)
{
    PublishRecord holder = {};
    uint16_t number = 0;

    for (size_t i = 0; i < count && r == -EEXIST; i++)
        if (publish_find(&ports[i], &holder, &number) == 0)
            return fail(context, -EADDRINUSE, "the port %u/%s has been published by '%s' meanwhile", number,
                        port_protocol_name(ports[i].protocol), holder.owner[0] ? holder.owner : "?");
    return fail(context, r, "cannot publish ports: %s", strerror(-r));
}

int apply_publish(Context *context, const Step *step)
{
    PublishRecord record = {.address = context->address, .index = context->link_index};
    _cleanup_close_ int host_fd = rtnetlink_open();
    _cleanup_free_ Port *ports = NULL;
    size_t count = 0;
    int r = parse_ports(context, &step->publish, &ports, &count);

    if (r < 0)
        return r;
    memcpy(record.address6, context->address6, sizeof(record.address6));
    memcpy(record.link, context->link_name, sizeof(record.link));
    (void) snprintf(record.owner, sizeof(record.owner), "%s", step->publish.owner);
    /* Where the firewall sees frames between ports of a bridge (br_netfilter), what the container sends to its own published
     * port is turned round there, and has to leave by the port that it came in. */
    r = host_fd < 0 ? host_fd : rtnetlink_set_hairpin(host_fd, context->link_index);
    if (r < 0)
        return fail(context, r, "cannot set up the link '%s': %s", context->link_name, strerror(-r));
    r = publish_add(&record, ports, count);
    if (r < 0)
        return fail_to_publish(context, r, ports, count);
    context->is_published = true;
    for (size_t i = 0; i < count && r == 0; i++)
        if (ports[i].protocol == IPPROTO_UDP)
            r = conntrack_forget_udp(ports[i].host_first, ports[i].count);
    return r < 0 ? fail(context, r, "cannot make the kernel forget old connections: %s", strerror(-r)) : 0;
}

void undo_publish(Context *context, const Step *step)
{
    (void) step;
    if (context->is_published)
        (void) publish_remove(context->address);
    context->is_published = false;
}
