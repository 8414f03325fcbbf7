/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the host's network a container gets to see. */

#include "launch/internal.h"

#include "base/file.h"
#include "host/network.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define RESOLV_CONF_MAX_BYTES 65536

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

static int gather_bridge(Launch *launch, Error *error)
{
    const char *origin = spec_origin(launch->request.spec, offsetof(ContainerSpec, network));
    NetworkBridge bridge = {};
    int r = network_prepare_bridge(NETWORK_DEFAULT_BRIDGE, launch->is_probe, &bridge, error);

    if (r < 0)
        return error_prefix(error, r, "%s", origin);
    if (bridge.has_turned_on_forwarding)
        launch_notice(launch, "this host forwards IPv4 now (sysctl net.ipv4.ip_forward), for the containers' network");
    launch->facts.network =
        (NetworkFacts){.bridge = bridge.index, .network = bridge.network, .prefix_length = bridge.prefix_length};
    return 0;
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
