/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the host's network a container gets to see. */

#include "launch/internal.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/network.h"
#include "host/ports.h"
#include "machines/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RESOLV_CONF_MAX_BYTES 65536
#define PORTS_MAX             1024U /* they are published in one transaction */

static int read_resolv_conf(const char *path, char **ret)
{
    return file_read_at(AT_FDCWD, path, RESOLV_CONF_MAX_BYTES, ret, NULL);
}

/* A server on the host's loopback is nobody's for a network of one's own: behind systemd-resolved's are those that it
 * asks itself. */
static int gather_name_servers(Launch *launch)
{
    static const char *const places[] = {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};

    for (size_t i = 0; i < ELEMENTSOF(places) && !launch->resolv_conf; i++) {
        _cleanup_free_ char *text = NULL;
        int r = read_resolv_conf(places[i], &text);

        if (r == 0)
            r = network_filter_resolv_conf(text, &launch->resolv_conf);
        if (r == -ENOMEM)
            return r;
    }
    return 0;
}

/* A range for which ports are chosen has as many choices. */
static int add_port(PortList *list, const Port *port)
{
    Port one = *port;
    int r = 0;

    if (port->host_first > 0)
        return port_list_add(list, port);
    one.count = 1;
    for (unsigned i = 0; i < port->count && r == 0; i++) {
        one.first = (uint16_t) (port->first + i);
        r = port_list_add(list, &one);
    }
    return r;
}

static bool is_published(const PortList *list, const Port *port)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].protocol == port->protocol && list->items[i].first <= port->first &&
            port->first + port->count <= list->items[i].first + list->items[i].count)
            return true;
    return false;
}

/* What an image exposes is free text. */
static int add_exposed(Launch *launch, PortList *list)
{
    STRV_FOREACH (text, launch->request.spec->exposed_ports) {
        _cleanup_free_ char *escaped = NULL, *notice = NULL;
        Port port = {};
        int r = port_parse(*text, &port);

        if (r == 0 && port.host_first == 0 && port.family == AF_UNSPEC) {
            r = is_published(list, &port) ? 0 : add_port(list, &port);
            if (r < 0)
                return r;
            continue;
        }
        escaped = text_escape(*text, SIZE_MAX);
        notice = escaped ? text_format("'%s' is exposed, but is no port: it is not published", escaped) : NULL;
        if (!notice)
            return -ENOMEM;
        launch_notice(launch, notice);
    }
    return 0;
}

static int gather_ports(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    const char *origin =
        spec_origin(spec, spec->ports ? offsetof(ContainerSpec, ports) : offsetof(ContainerSpec, publish_all));
    _cleanup_(port_list_done) PortList list = {};
    size_t count = 0;
    int r = 0;

    STRV_FOREACH (text, spec->ports) {
        Port port = {};

        r = port_parse(*text, &port);
        if (r == 0)
            r = add_port(&list, &port);
        if (r < 0)
            return r;
    }
    if (spec->publish_all)
        r = add_exposed(launch, &list);
    for (size_t i = 0; i < list.count; i++)
        count += list.items[i].count;
    if (r == 0 && count > PORTS_MAX)
        r = error_set(error, -E2BIG, "%s: %zu ports are more than the %u that a container can have", origin, count,
                      PORTS_MAX);
    if (r == 0 && !launch->is_probe)
        r = ports_reserve(&list, spec->name, error);
    for (size_t i = 0; i < list.count && r == 0; i++)
        r = strv_append(&launch->ports, port_format(&list.items[i]).text);
    launch->facts.network.ports = launch->ports;
    return r < 0 ? error_prefix(error, r, "%s", origin) : 0;
}

static int gather_bridge(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    const char *origin = spec_origin(spec, offsetof(ContainerSpec, network));
    NetworkBridge bridge = {};
    int r = network_prepare_bridge(NETWORK_DEFAULT_BRIDGE, launch->is_probe, &bridge, error);

    if (r == 0 && (spec->ports || spec->publish_all) && !launch->is_probe)
        r = network_route_localhost(NETWORK_DEFAULT_BRIDGE, error);
    if (r < 0)
        return error_prefix(error, r, "%s", origin);
    if (bridge.has_new_rules)
        roster_publish_again(launch->request.roster);
    if (bridge.has_turned_on_forwarding)
        launch_notice(launch, "this host forwards IPv4 now (sysctl net.ipv4.ip_forward), for the containers' network");
    if (bridge.has_turned_on_forwarding6)
        launch_notice(launch, "this host forwards IPv6 now (sysctl net.ipv6.conf.all.forwarding), for the containers' "
                              "network; links that listened to routers go on doing so (accept_ra=2)");
    launch->facts.network =
        (NetworkFacts){.bridge = bridge.index, .network = bridge.network, .prefix_length = bridge.prefix_length};
    if (bridge.has_ipv6)
        (void) inet_ntop(AF_INET6, &bridge.network6, launch->facts.network.network6,
                         sizeof(launch->facts.network.network6));
    return spec->ports || spec->publish_all ? gather_ports(launch, error) : 0;
}

int launch_gather_network(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    int r = 0;

    if (spec->network.mode == NAMESPACE_BRIDGE)
        r = gather_bridge(launch, error);
    /* Where that of others leads to is not known, but it is not to the host's loopback. */
    if (r == 0 && (spec->network.mode == NAMESPACE_BRIDGE || spec->network.target))
        r = gather_name_servers(launch);
    if (r == 0 && spec->network.mode == NAMESPACE_HOST && launch->request.image)
        (void) read_resolv_conf("/etc/resolv.conf", &launch->resolv_conf);
    launch->facts.host_resolv_conf = launch->resolv_conf;
    return r;
}
