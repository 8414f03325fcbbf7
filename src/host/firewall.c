/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall.h"

#include "base/dl.h"
#include "base/text.h"
#include "kernel/netfilter.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

#define TABLE "berth"

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

        r = strstr(text ? text : "", "File exists")
                ? -EEXIST
                : error_set(error, -EIO, "nftables does not take the rules of the network: %.*s",
                            text ? (int) strcspn(text, "\n") : 1, text ? text : "?");
    }
    sym_nft_ctx_free(context);
    return r;
}

int firewall_prepare(const char *bridge, uint32_t network, unsigned prefix_length, Error *error)
{
    _cleanup_free_ char *commands = NULL;
    int r = netfilter_has_table(TABLE);

    if (r > 0)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot ask nftables, which a network needs: %s", strerror(-r));
    /* Of two that find none at the same time the second changes nothing: "create" fails for all of it. */
    commands = text_format(
        "create table inet " TABLE "\n"
        "add chain inet " TABLE " postrouting { type nat hook postrouting priority srcnat; policy accept; }\n"
        "add rule inet " TABLE " postrouting ip saddr %u.%u.%u.%u/%u oifname != \"%s\" masquerade\n",
        network >> 24, network >> 16 & 255, network >> 8 & 255, network & 255, prefix_length, bridge);
    if (!commands)
        return -ENOMEM;
    r = run(commands, error);
    return r == -EEXIST ? 0 : r;
}
