/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/network.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"
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
#define PREFIX_LENGTH6 64U
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
    bool has_ipv6;
    struct in6_addr network6;
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

/* --- IPv6 --- */

bool network_overlaps6(const unsigned char one[16], unsigned one_length, const unsigned char other[16],
                       unsigned other_length)
{
    unsigned common = MIN(MIN(one_length, other_length), 128U), bits = common % 8;

    if (memcmp(one, other, common / 8) != 0)
        return false;
    return bits == 0 || ((one[common / 8] ^ other[common / 8]) >> (8 - bits)) == 0;
}

/* FNV-1a, spread once more: this is no secret, only unlikely to be somebody else's. */
struct in6_addr network_make_local6(const char *seed, const char *name, unsigned attempt)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct in6_addr ret = {};

    for (unsigned part = 0; part < 2; part++) {
        for (const char *at = part == 0 ? seed : name; *at; at++)
            hash = (hash ^ (unsigned char) *at) * UINT64_C(0x100000001b3);
        hash = (hash ^ 0xff) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ attempt) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    ret.s6_addr[0] = 0xfd;
    for (unsigned i = 1; i < 6; i++)
        ret.s6_addr[i] = (unsigned char) (hash >> (8 * i));
    return ret;
}

static int visit_own_address6(uint32_t index, const unsigned char *address, unsigned prefix_length, void *userdata)
{
    Search *search = userdata;

    /* Not one of the link itself (fe80::/10). */
    if (index != search->index || prefix_length != PREFIX_LENGTH6 ||
        (address[0] == 0xfe && (address[1] & 0xc0) == 0x80))
        return 0;
    memcpy(&search->network6, address, 8);
    memset(search->network6.s6_addr + 8, 0, 8);
    search->has_ipv6 = true;
    return 1;
}

static int visit_used_network6(uint32_t index, const unsigned char *address, unsigned prefix_length, void *userdata)
{
    const Search *search = userdata;

    (void) index;
    return network_overlaps6(address, prefix_length, search->network6.s6_addr, PREFIX_LENGTH6);
}

/* The same one each time, as far as it stays free: where there is no machine-id(5), any. */
static void get_seed(char *ret, size_t size)
{
    _cleanup_free_ char *text = NULL;
    uint64_t number = 0;

    if (file_read_at(AT_FDCWD, "/etc/machine-id", 64, &text, NULL) == 0 && strlen(text) >= 32)
        snprintf(ret, size, "%.32s", text);
    else {
        (void) getrandom(&number, sizeof(number), 0);
        snprintf(ret, size, "%016llx", (unsigned long long) number);
    }
}

static int find_free_network6(int fd, const char *name, Search *search)
{
    char seed[33];

    get_seed(seed, sizeof(seed));
    for (unsigned i = 0; i < NETWORKS_COUNT; i++) {
        int r;

        search->network6 = network_make_local6(seed, name, i);
        r = rtnetlink_each_route6(fd, visit_used_network6, search);
        if (r == 0)
            r = rtnetlink_each_address6(fd, visit_used_network6, search);
        if (r <= 0) {
            search->has_ipv6 = r == 0;
            return r;
        }
    }
    return 0;
}

static int give_address6(int fd, const Search *search)
{
    struct in6_addr address = search->network6;

    address.s6_addr[15] = HOST_NUMBER;
    return rtnetlink_add_address6(fd, search->index, address.s6_addr, PREFIX_LENGTH6);
}

/* --- the host's parameters --- */

static int set_sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = file_write_all(fd, value, strlen(value));
    safe_close(fd);
    return r;
}

static int set_link_sysctl(const char *family, const char *link, const char *name, const char *value)
{
    _cleanup_free_ char *path = text_format("/proc/sys/net/%s/conf/%s/%s", family, link, name);

    return path ? set_sysctl(path, value) : -ENOMEM;
}

/* A kernel without it has no such file. */
static bool is_ipv6_on(void)
{
    _cleanup_free_ char *text = NULL;

    return file_read_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/disable_ipv6", 16, &text, NULL) == 0 &&
           strcmp(text, "0\n") == 0;
}

/* What the payloads send must not make routes of the host's. */
static int set_up_ipv6(const char *name, bool is_on)
{
    int r = set_link_sysctl("ipv6", name, "accept_ra", "0");

    if (r == 0)
        r = set_link_sysctl("ipv6", name, "disable_ipv6", is_on ? "0" : "1");
    return r == -ENOENT && !is_on ? 0 : r;
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

/* A host that forwards does not listen to routers any more, unless it is told to: that must not cost it its routes. */
static int keep_listening_to_routers(void)
{
    static const char directory[] = "/proc/sys/net/ipv6/conf";
    _cleanup_strv_ char **links = NULL;
    int r = file_list_at(AT_FDCWD, directory, NULL, &links);

    STRV_FOREACH (link, links) {
        _cleanup_free_ char *path = text_format("%s/%s/accept_ra", directory, *link), *text = NULL;

        if (!path)
            return -ENOMEM;
        /* A link may be gone meanwhile; "all" means nothing here (ip-sysctl.rst). */
        if (strcmp(*link, "all") != 0 && file_read_at(AT_FDCWD, path, 16, &text, NULL) == 0 && strcmp(text, "1\n") == 0)
            (void) set_sysctl(path, "2");
    }
    return r;
}

static int turn_on_forwarding6(bool *ret_changed)
{
    static const char path[] = "/proc/sys/net/ipv6/conf/all/forwarding";
    _cleanup_free_ char *text = NULL;
    int r = file_read_at(AT_FDCWD, path, 16, &text, NULL);

    if (r < 0 || strcmp(text, "0\n") != 0)
        return r;
    r = keep_listening_to_routers();
    if (r == 0)
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

    if (r == 0 && is_ipv6_on())
        r = find_free_network6(fd, name, search);
    if (r < 0)
        return r;
    r = set_up_ipv6(name, search->has_ipv6);
    if (r == 0)
        r = rtnetlink_set_up(fd, search->index);
    if (r == 0 && search->has_ipv6)
        r = give_address6(fd, search);
    /* The last: who finds it has found all. */
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

static int let_through(const char *name, NetworkBridge *bridge, Error *error)
{
    FirewallNetwork network = {.bridge = name,
                               .gateway = bridge->network + HOST_NUMBER,
                               .prefix_length = bridge->prefix_length,
                               .has_ipv6 = bridge->has_ipv6,
                               .gateway6 = bridge->network6};
    int r = turn_on_forwarding(&bridge->has_turned_on_forwarding);

    if (r < 0)
        return error_set(error, r, "cannot let the host forward IPv4: %s", strerror(-r));
    if (bridge->has_ipv6)
        r = turn_on_forwarding6(&bridge->has_turned_on_forwarding6);
    if (r < 0)
        return error_set(error, r, "cannot let the host forward IPv6: %s", strerror(-r));
    network.gateway6.s6_addr[15] = HOST_NUMBER;
    r = firewall_prepare(&network, error);
    if (r < 0)
        return r;
    bridge->has_new_rules = r > 0;
    return 0;
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
    if (search.index > 0 && !search.has_ipv6)
        r = rtnetlink_each_address6(fd, visit_own_address6, &search);
    else if (probe && is_ipv6_on())
        r = find_free_network6(fd, name, &search);
    if (r < 0)
        return error_set(error, r, "cannot read the addresses of '%s': %s", name, strerror(-r));
    *ret = (NetworkBridge){.index = search.index,
                           .network = search.network,
                           .prefix_length = search.prefix_length,
                           .has_ipv6 = search.has_ipv6,
                           .network6 = search.network6};
    return probe ? 0 : let_through(name, ret, error);
}

int network_route_localhost(const char *name, Error *error)
{
    int r = set_link_sysctl("ipv4", name, "route_localnet", "1");

    return r < 0 ? error_set(error, r, "cannot let 127.0.0.1 lead to '%s': %s", name, strerror(-r)) : 0;
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
