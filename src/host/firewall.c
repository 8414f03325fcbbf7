/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall.h"

#include "base/buffer.h"
#include "base/dl.h"
#include "kernel/netfilter.h"
#include "kernel/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <string.h>

#define TABLE    PUBLISH_TABLE
#define ATTEMPTS 10U

DL_SYMBOL_DECLARE(nft_ctx_new);
DL_SYMBOL_DECLARE(nft_ctx_free);
DL_SYMBOL_DECLARE(nft_ctx_buffer_error);
DL_SYMBOL_DECLARE(nft_ctx_get_error_buffer);
DL_SYMBOL_DECLARE(nft_run_cmd_from_buffer);

static const DlSymbol symbols[] = {
    DL_SYMBOL(nft_ctx_new),
    DL_SYMBOL(nft_ctx_free),
    DL_SYMBOL(nft_ctx_buffer_error),
    DL_SYMBOL(nft_ctx_get_error_buffer),
    DL_SYMBOL(nft_run_cmd_from_buffer),
};

static DlLibrary library = {
    .soname = "libnftables.so.1",
    .package = "libnftables1",
    .feature = "a network for containers",
    .symbols = symbols,
    .symbols_count = ELEMENTSOF(symbols),
};

/* Runs commands of nft(8) as one transaction. */
static int run(const char *commands, Error *error)
{
    struct nft_ctx *context;
    int r = dl_load(&library, error);

    if (r < 0)
        return r;
    context = sym_nft_ctx_new(NFT_CTX_DEFAULT);
    if (!context)
        return -ENOMEM;
    (void) sym_nft_ctx_buffer_error(context);
    if (sym_nft_run_cmd_from_buffer(context, commands) < 0) {
        const char *text = sym_nft_ctx_get_error_buffer(context);

        r = error_set(error, -EIO, "nftables does not take the rules of the network: %.*s",
                      text ? (int) strcspn(text, "\n") : 1, text ? text : "?");
    }
    sym_nft_ctx_free(context);
    return r;
}

/* What is published is looked up in the maps: those with an address first. Nothing is translated for ::1, because the kernel
 * takes no answer to it from a link: so who asks there is refused at once and goes on to 127.0.0.1.
 *
 * Connections to 127.0.0.1 leave by a bridge, which takes route_localnet there; what comes from a bridge for the loopback's
 * addresses, or as if from them, is dropped before it is anything's answer (CVE-2020-8558).
 *
 * Answers between containers of one network would go past the host, and those to the same container not leave it: what was
 * translated there gets the bridge's address as its source. Everybody else is seen as they are. */
static const char rules[] =
    "add table inet " TABLE "\n"
    "add set inet " TABLE " gateways { type ifname . ipv4_addr; }\n"
    "add set inet " TABLE " gateways6 { type ifname . ipv6_addr; }\n"
    "add set inet " TABLE " bridges { type ifname; }\n"
    "add set inet " TABLE " inside { type ifname . ifname; }\n"
    "add set inet " TABLE " networks { type ipv4_addr; flags interval; auto-merge; }\n"
    "add set inet " TABLE " networks6 { type ipv6_addr; flags interval; auto-merge; }\n"
    "add map inet " TABLE " " PUBLISH_RECORDS " { type ipv4_addr : ipv6_addr; }\n"
    "add map inet " TABLE " " PUBLISH_ONE_IPV4
    " { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }\n"
    "add map inet " TABLE " " PUBLISH_ONE_IPV6
    " { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }\n"
    "add map inet " TABLE " " PUBLISH_ANY_IPV4 " { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
    "add map inet " TABLE " " PUBLISH_ANY_IPV6 " { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
    "add chain inet " TABLE " publish\n"
    "add chain inet " TABLE " loopback { type filter hook prerouting priority raw; policy accept; }\n"
    "add chain inet " TABLE " prerouting { type nat hook prerouting priority dstnat; policy accept; }\n"
    "add chain inet " TABLE " output { type nat hook output priority -100; policy accept; }\n"
    "add chain inet " TABLE " forward { type filter hook forward priority filter; policy accept; }\n"
    "add chain inet " TABLE " postrouting { type nat hook postrouting priority srcnat; policy accept; }\n"
    "flush table inet " TABLE "\n"
    "add rule inet " TABLE " publish ip6 daddr ::1 return\n"
    "add rule inet " TABLE " publish dnat ip to ip daddr . meta l4proto . th dport map @" PUBLISH_ONE_IPV4 "\n"
    "add rule inet " TABLE " publish dnat ip6 to ip6 daddr . meta l4proto . th dport map @" PUBLISH_ONE_IPV6 "\n"
    "add rule inet " TABLE " publish fib daddr type local dnat ip to meta l4proto . th dport map @" PUBLISH_ANY_IPV4
    "\n"
    "add rule inet " TABLE " publish fib daddr type local dnat ip6 to meta l4proto . th dport map @" PUBLISH_ANY_IPV6
    "\n"
    "add rule inet " TABLE " loopback iifname @bridges ip daddr 127.0.0.0/8 drop\n"
    "add rule inet " TABLE " loopback iifname @bridges ip saddr 127.0.0.0/8 drop\n"
    "add rule inet " TABLE " prerouting jump publish\n"
    "add rule inet " TABLE " output jump publish\n"
    "add rule inet " TABLE " forward ct status dnat accept\n"
    "add rule inet " TABLE " forward iifname . oifname @inside accept\n"
    "add rule inet " TABLE " forward iifname @bridges oifname @bridges drop\n"
    "add rule inet " TABLE " postrouting oifname @bridges ct status dnat ip saddr @networks masquerade\n"
    "add rule inet " TABLE " postrouting oifname @bridges ct status dnat ip6 saddr @networks6 masquerade\n"
    "add rule inet " TABLE " postrouting oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
    "add rule inet " TABLE " postrouting oifname != @bridges ip saddr @networks masquerade\n"
    "add rule inet " TABLE " postrouting oifname != @bridges ip6 saddr @networks6 masquerade\n";

/* The last that is added of a network: where it is, everything is. */
static int has_gateway(int fd, const char *set, const char *bridge, const void *address, size_t size)
{
    NetfilterElement element = {.key_size = IFNAMSIZ + size};
    int r;

    memcpy(element.key, bridge, strlen(bridge));
    memcpy(element.key + IFNAMSIZ, address, size);
    r = netfilter_find(fd, TABLE, set, &element);
    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int is_prepared(int fd, const FirewallNetwork *network)
{
    uint32_t gateway = htonl(network->gateway);
    int r = has_gateway(fd, "gateways", network->bridge, &gateway, sizeof(gateway));

    return r > 0 && network->has_ipv6 ? has_gateway(fd, "gateways6", network->bridge, &network->gateway6, 16) : r;
}

static int prepare(const FirewallNetwork *network, Error *error)
{
    char gateway[INET6_ADDRSTRLEN] = "", gateway6[INET6_ADDRSTRLEN] = "";
    struct in_addr address = {htonl(network->gateway)};
    _cleanup_buffer_ Buffer commands = {};
    _cleanup_free_ char *text = NULL;

    (void) inet_ntop(AF_INET, &address, gateway, sizeof(gateway));
    (void) inet_ntop(AF_INET6, &network->gateway6, gateway6, sizeof(gateway6));
    buffer_append_string(&commands, rules);
    buffer_append_format(&commands,
                         "add element inet " TABLE " bridges { \"%s\" }\n"
                         "add element inet " TABLE " inside { \"%s\" . \"%s\" }\n"
                         "add element inet " TABLE " networks { %s/%u }\n",
                         network->bridge, network->bridge, network->bridge, gateway, network->prefix_length);
    if (network->has_ipv6)
        buffer_append_format(&commands,
                             "add element inet " TABLE " networks6 { %s/64 }\n"
                             "add element inet " TABLE " gateways6 { \"%s\" . %s }\n",
                             gateway6, network->bridge, gateway6);
    buffer_append_format(&commands, "add element inet " TABLE " gateways { \"%s\" . %s }\n", network->bridge, gateway);
    text = buffer_take(&commands);
    return text ? run(text, error) : -ENOMEM;
}

int firewall_prepare(const FirewallNetwork *network, Error *error)
{
    _cleanup_close_ int fd = netfilter_open();
    _cleanup_error_ Error last = {};
    int r = fd < 0 ? fd : is_prepared(fd, network);

    /* Somebody else may be doing the same: then one of both is told that things have changed meanwhile. */
    for (unsigned i = 0; i < ATTEMPTS && r == 0; i++) {
        error_done(&last);
        last = (Error){};
        r = prepare(network, &last);
        if (r == 0)
            return 1;
        r = r == -EIO ? is_prepared(fd, network) : r;
    }
    if (r > 0)
        return 0;
    if (last.text) {
        error_move(error, &last);
        return r < 0 ? r : -EIO;
    }
    return error_set(error, r, "cannot ask nftables, which a network needs: %s", strerror(-r));
}
