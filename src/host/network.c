/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/network.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "host/firewall.h"
#include "kernel/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Sixteen networks of 4094 addresses each, beside what docker and podman take by themselves. */
#define FIRST_NETWORK  (UINT32_C(10) << 24 | UINT32_C(117) << 16)
#define NETWORKS_COUNT 16U
#define PREFIX_LENGTH  20U
#define HOST_NUMBER    1U
/* How long the one who makes a bridge has for its address before another takes it for dead. */
#define ADDRESS_ATTEMPTS   100U
#define ADDRESS_PAUSE_MSEC 10

static uint32_t mask(unsigned length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - MIN(length, 32U));
}

bool network_overlaps(uint32_t one, unsigned one_length, uint32_t other, unsigned other_length)
{
    uint32_t common = mask(MIN(one_length, other_length));

    return (one & common) == (other & common);
}

typedef struct Search {
    uint32_t index, network;
    unsigned prefix_length;
} Search;

static int visit_own_address(uint32_t index, uint32_t address, unsigned prefix_length, void *userdata)
{
    Search *search = userdata;

    if (index != search->index)
        return 0;
    search->network = address & mask(prefix_length);
    search->prefix_length = prefix_length;
    return 1;
}

static int visit_used_network(uint32_t index, uint32_t address, unsigned prefix_length, void *userdata)
{
    const Search *search = userdata;

    (void) index;
    return network_overlaps(address, prefix_length, search->network, search->prefix_length);
}

static int find_free_network(int fd, const char *name, Search *search, Error *error)
{
    search->prefix_length = PREFIX_LENGTH;
    for (unsigned i = 0; i < NETWORKS_COUNT; i++) {
        int r;

        search->network = FIRST_NETWORK + (i << (32 - PREFIX_LENGTH));
        r = rtnetlink_each_route(fd, visit_used_network, search);
        if (r == 0)
            r = rtnetlink_each_address(fd, visit_used_network, search);
        if (r < 0)
            return error_set(error, r, "cannot read the host's routes: %s", strerror(-r));
        if (r == 0)
            return 0;
    }
    return error_hint(error,
                      error_set(error, -EADDRNOTAVAIL,
                                "the host has routes for all of 10.117.0.0/16: no network is free "
                                "for the bridge '%s'",
                                name),
                      "make the bridge yourself, with an address: ip link add %s type bridge", name);
}

static int set_sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = file_write_all(fd, value, strlen(value));
    safe_close(fd);
    return r;
}

/* What the payloads send must not make routes of the host's, and they have no IPv6 from us: none on the bridge. A kernel
 * without it has nothing to turn off. */
static int turn_off_ipv6(const char *name)
{
    char path[128];
    int r;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    r = set_sysctl(path, "1");
    return r == -ENOENT ? 0 : r;
}

static int turn_on_forwarding(bool *ret_changed)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_forward";
    _cleanup_free_ char *text = NULL;
    int r = file_read_at(AT_FDCWD, path, 16, &text, NULL);

    if (r < 0 || strcmp(text, "0\n") != 0)
        return r;
    r = set_sysctl(path, "1");
    *ret_changed = r == 0;
    return r;
}

/* The address of a bridge that somebody else may be making at this moment. */
static int wait_for_address(int fd, Search *search)
{
    int r = 0;

    for (unsigned i = 0; i < ADDRESS_ATTEMPTS && r == 0; i++) {
        if (i > 0)
            (void) poll(NULL, 0, ADDRESS_PAUSE_MSEC);
        r = rtnetlink_each_address(fd, visit_own_address, search);
    }
    return r;
}

static int give_address(int fd, const char *name, Search *search, Error *error)
{
    int r = find_free_network(fd, name, search, error);

    if (r < 0)
        return r;
    r = turn_off_ipv6(name);
    if (r == 0)
        r = rtnetlink_set_up(fd, search->index);
    if (r == 0)
        r = rtnetlink_add_address(fd, search->index, search->network + HOST_NUMBER, search->prefix_length);
    return r < 0 ? error_set(error, r, "cannot set up the bridge '%s': %s", name, strerror(-r)) : 0;
}

static int make_bridge(int fd, const char *name, Search *search, Error *error)
{
    unsigned char address[6];
    int r, found;

    if (getrandom(address, sizeof(address), 0) != sizeof(address))
        return -EIO;
    address[0] = (address[0] & 0xfe) | 0x02; /* of one station, locally administered (IEEE 802) */
    r = rtnetlink_make_bridge(fd, name, address);
    if (r < 0 && r != -EEXIST)
        return r == -EOPNOTSUPP ? error_hint(error, error_set(error, r, "this kernel has no bridges"),
                                             "load the module: modprobe bridge")
                                : error_set(error, r, "cannot make the bridge '%s': %s", name, strerror(-r));
    found = rtnetlink_find_link(fd, name, &search->index);
    if (found < 0)
        return error_set(error, found, "the bridge '%s' is gone again: %s", name, strerror(-found));
    if (r == -EEXIST) {
        r = wait_for_address(fd, search);
        if (r != 0)
            return r < 0 ? error_set(error, r, "cannot read the address of '%s': %s", name, strerror(-r)) : 0;
    }
    return give_address(fd, name, search, error);
}

int network_prepare_bridge(const char *name, bool probe, NetworkBridge *ret, Error *error)
{
    _cleanup_close_ int fd = rtnetlink_open();
    Search search = {};
    int r;

    if (fd < 0)
        return error_set(error, fd, "cannot talk to the kernel about networks: %s", strerror(-fd));
    r = rtnetlink_find_link(fd, name, &search.index);
    if (r == 0)
        r = rtnetlink_each_address(fd, visit_own_address, &search);
    if (r <= 0 && probe)
        r = find_free_network(fd, name, &search, error);
    else if (r <= 0)
        r = make_bridge(fd, name, &search, error);
    if (r < 0)
        return r;
    *ret = (NetworkBridge){.index = search.index, .network = search.network, .prefix_length = search.prefix_length};
    if (probe)
        return 0;
    r = turn_on_forwarding(&ret->has_turned_on_forwarding);
    if (r < 0)
        return error_set(error, r, "cannot let the host forward IPv4: %s", strerror(-r));
    return firewall_prepare(name, search.network, search.prefix_length, error);
}

/* The address in a line "nameserver ADDRESS". */
static bool is_loopback_server(const char *line, size_t length)
{
    char text[256], *word;
    struct in_addr four;
    struct in6_addr six;

    if (length >= sizeof(text))
        return false;
    memcpy(text, line, length);
    text[length] = 0;
    word = text + strcspn(text, " \t");
    word += strspn(word, " \t");
    word[strcspn(word, " \t%")] = 0;
    if (inet_pton(AF_INET, word, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, word, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

int network_filter_resolv_conf(const char *text, char **ret)
{
    static const char keyword[] = "nameserver";
    _cleanup_buffer_ Buffer kept = {};
    bool has_server = false;

    for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
        size_t length = strcspn(line, "\n");
        bool is_server = strncmp(line, keyword, strlen(keyword)) == 0 &&
                         (line[strlen(keyword)] == ' ' || line[strlen(keyword)] == '\t');

        end = line + length;
        if (is_server && is_loopback_server(line, length))
            continue;
        has_server = has_server || is_server;
        buffer_append(&kept, line, length);
        buffer_append_string(&kept, "\n");
    }
    if (!has_server)
        return -ENODATA;
    *ret = buffer_take(&kept);
    return *ret ? 0 : -ENOMEM;
}
