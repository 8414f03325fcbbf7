/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's link to a network of the host. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"
#include "kernel/rtnetlink.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The first addresses of a network are its own and the host's; the last is everybody's. */
#define HOST_NUMBER  1U
#define FIRST_NUMBER 2U

/* The name of the host's end says which address the container has: the kernel gives a name to one link only, and takes it
 * back with the network namespace. So it is the lease of the address, too: there is nothing to write down or to clean up. */
static int make_pair(Context *context, int fd, const StepLink *link, uint32_t *ret_number,
                     char name[RTNETLINK_NAME_SIZE])
{
    uint32_t size =
        link->prefix_length >= 8 && link->prefix_length <= 30 ? UINT32_C(1) << (32 - link->prefix_length) : 0;

    for (uint32_t number = FIRST_NUMBER; number + 1 < size; number++) {
        int r = snprintf(name, RTNETLINK_NAME_SIZE, "%s%u", link->prefix, number);

        if (r < 0 || r >= RTNETLINK_NAME_SIZE)
            return fail(context, -ENAMETOOLONG, "a link cannot be called '%s%u'", link->prefix, number);
        r = rtnetlink_make_veth(fd, name, (uint32_t) link->bridge, link->name, context->payload_pid);
        if (r == -EEXIST)
            continue;
        if (r < 0)
            return fail(context, r, "cannot make the link '%s': %s", name, strerror(-r));
        *ret_number = number;
        return 0;
    }
    return fail(context, -EADDRNOTAVAIL, "all addresses of the network are taken");
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

static int configure(int fd, const StepLink *link, uint32_t number)
{
    uint32_t index = 0;
    int r = rtnetlink_find_link(fd, link->name, &index);

    if (r == 0)
        r = rtnetlink_add_address(fd, index, (uint32_t) link->network + number, (unsigned) link->prefix_length);
    if (r == 0)
        r = rtnetlink_set_up(fd, index);
    return r < 0 ? r : rtnetlink_add_default_route(fd, index, (uint32_t) link->network + HOST_NUMBER);
}

int apply_link(Context *context, const Step *step)
{
    _cleanup_close_ int host_fd = rtnetlink_open(), inside_fd = -EBADF;
    char name[RTNETLINK_NAME_SIZE] = "";
    uint32_t number = 0, index = 0;
    int r;

    if (host_fd < 0)
        return fail(context, host_fd, "cannot talk to the kernel about networks: %s", strerror(-host_fd));
    r = make_pair(context, host_fd, &step->link, &number, name);
    if (r < 0)
        return r;
    /* One that ended a moment ago, of the same name, may have it still. */
    if (rtnetlink_find_link(host_fd, name, &index) == 0)
        (void) rtnetlink_add_name(host_fd, index, step->link.alternative_name);
    inside_fd = open_inside(context);
    r = inside_fd < 0 ? inside_fd : configure(inside_fd, &step->link, number);
    return r < 0 ? fail(context, r, "cannot set up the container's '%s': %s", step->link.name, strerror(-r)) : 0;
}
