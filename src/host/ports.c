/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/ports.h"

#include "base/cleanup.h"
#include "host/port-holder.h"
#include "kernel/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define CHOOSE_ATTEMPTS 64U

void port_list_done(PortList *list)
{
    free(list->items);
}

int port_list_add(PortList *list, const Port *port)
{
    if (list->count == list->room) {
        size_t room = list->room * 2 + 8;
        Port *larger = reallocarray(list->items, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] = *port;
    return 0;
}

static socklen_t make_address(const Port *port, int family, uint16_t number, struct sockaddr_storage *ret)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(number)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(number)};

    memset(ret, 0, sizeof(*ret));
    if (family == AF_INET) {
        memcpy(&four.sin_addr, port->address, sizeof(four.sin_addr));
        memcpy(ret, &four, sizeof(four));
        return sizeof(four);
    }
    memcpy(&six.sin6_addr, port->address, sizeof(six.sin6_addr));
    memcpy(ret, &six, sizeof(six));
    return sizeof(six);
}

/* The kernel's word on a port, or with 0 its choice of one; the socket tells which. A TCP port that no one listens on is free,
 * though connections of the last who did may not be over. 1: it has no such protocol, so nobody has the port. */
static int try_to_bind(const Port *port, int family, uint16_t number, int *ret_fd)
{
    int type = port->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, one = 1;
    _cleanup_close_ int fd = socket(family, type | SOCK_CLOEXEC, port->protocol);
    struct sockaddr_storage address;
    socklen_t size = make_address(port, family, number, &address);

    if (fd < 0)
        return errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT ? 1 : -errno;
    if (family == AF_INET6)
        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (type == SOCK_STREAM)
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *) &address, size) < 0)
        /* The kernel has IPv6, and the host has turned it off. */
        return errno == EADDRNOTAVAIL && family == AF_INET6 && !port_has_address(port) ? 1 : -errno;
    if (ret_fd)
        *ret_fd = TAKE_FD(fd);
    return 0;
}

static int bind_in_families(const Port *port, uint16_t number)
{
    static const int families[] = {AF_INET, AF_INET6};
    int r = 0;

    for (size_t i = 0; i < 2 && r >= 0; i++)
        if (port->family == AF_UNSPEC || port->family == families[i])
            r = try_to_bind(port, families[i], number, NULL);
    return MIN(r, 0);
}

/* 1: somebody alive has it; *ret tells who. */
static int find_publisher(const Port *port, const char *own_name, PublishRecord *ret, uint16_t *ret_number)
{
    for (;;) {
        int r = publish_find(port, ret, ret_number);

        if (r == -ENOENT || r == -EOPNOTSUPP)
            return 0;
        if (r < 0)
            return r;
        if (!ret->owner[0])
            return 1;
        r = strcmp(ret->owner, own_name) == 0 ? 0 : publish_is_alive(ret);
        if (r != 0)
            return r;
        r = publish_remove(ret->address);
        if (r < 0)
            return r;
    }
}

static int check(const Port *port, const char *own_name, Error *error)
{
    PublishRecord publisher = {};
    uint16_t number = 0;
    int r = find_publisher(port, own_name, &publisher, &number);

    if (r < 0)
        return error_set(error, r, "cannot ask which ports are published: %s", strerror(-r));
    if (r > 0)
        return error_hint(error,
                          error_set(error, -EADDRINUSE, "the port %u/%s is published by the container '%s'", number,
                                    port_protocol_name(port->protocol), publisher.owner[0] ? publisher.owner : "?"),
                          "berthctl port %s shows its ports", publisher.owner[0] ? publisher.owner : "NAME");
    for (unsigned i = 0; i < port->count && r == 0; i++) {
        number = (uint16_t) (port->host_first + i);
        r = bind_in_families(port, number);
    }
    if (r == -EADDRINUSE)
        return port_holder_explain(port->protocol, number, error);
    if (r == -EADDRNOTAVAIL)
        return error_hint(error,
                          error_set(error, r, "this host does not have the address of %s", port_format(port).text),
                          "ip address shows those that it has");
    return r < 0 ? error_set(error, r, "the port %s: %s", port_format(port).text, strerror(-r)) : 0;
}

static int choose(Port *port, const char *own_name, Error *error)
{
    int family = port->family == AF_INET6 ? AF_INET6 : AF_INET, r = -EADDRINUSE;

    for (unsigned i = 0; i < CHOOSE_ATTEMPTS && r == -EADDRINUSE; i++) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_error_ Error taken = {};
        struct sockaddr_storage address = {};
        socklen_t size = sizeof(address);

        r = try_to_bind(port, family, 0, &fd);
        if (r == 0 && getsockname(fd, (struct sockaddr *) &address, &size) < 0)
            r = -errno;
        if (r != 0)
            break;
        /* Where a port is in IPv4 and IPv6. */
        port->host_first =
            ntohs(family == AF_INET ? ((const struct sockaddr_in *) (const void *) &address)->sin_port
                                    : ((const struct sockaddr_in6 *) (const void *) &address)->sin6_port);
        fd = safe_close(fd);
        r = check(port, own_name, &taken);
    }
    if (r == 1)
        return error_set(error, -EPROTONOSUPPORT, "this kernel has no %s: no port can be chosen",
                         port_protocol_name(port->protocol));
    return r < 0 ? error_set(error, r, "no port of the host is free for %s: %s", port_format(port).text, strerror(-r))
                 : 0;
}

static int check_against(const PortList *list, size_t end, Error *error)
{
    for (size_t i = 0; i < end; i++)
        if (port_overlaps(&list->items[i], &list->items[end]))
            return error_set(error, -EADDRINUSE, "%s and %s want the same port of the host",
                             port_format(&list->items[i]).text, port_format(&list->items[end]).text);
    return 0;
}

int ports_reserve(PortList *list, const char *own_name, Error *error)
{
    int r = 0;

    for (size_t i = 0; i < list->count && r == 0; i++)
        if (list->items[i].host_first > 0) {
            r = check_against(list, i, error);
            if (r == 0)
                r = check(&list->items[i], own_name, error);
        }
    for (size_t i = 0; i < list->count && r == 0; i++)
        for (unsigned attempt = 0; list->items[i].host_first == 0 && r == 0; attempt++) {
            r = choose(&list->items[i], own_name, error);
            for (size_t j = 0; j < list->count && r == 0; j++)
                if (j != i && attempt < CHOOSE_ATTEMPTS && port_overlaps(&list->items[j], &list->items[i]))
                    list->items[i].host_first = 0;
        }
    return r;
}
