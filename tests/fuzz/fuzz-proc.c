/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of /proc, of a cgroup and of a container's root that name what a container named: every parser gets all. */
#include "fuzz.h"

#include "base/strv.h"
#include "base/text.h"
#include "machines/inside.h"
#include "machines/processes.h"
#include "machines/usage.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = fuzz_string(data, size), *name = NULL;
    _cleanup_strv_ char **addresses = NULL;
    Process process = {.inside_uid = UINT64_MAX};
    uint64_t first = 0, second = 0;
    int r = process_parse_stat(text, 4096, &process);

    FUZZ_ASSERT(r == 0 || r == -EBADMSG);
    FUZZ_ASSERT(r < 0 || (process.pid > 0 && process.parent_pid >= 0 && process.state >= 'A' && process.state <= 'z'));
    process_parse_status(text, &process);
    FUZZ_ASSERT(process.inside_pid >= 0);
    (void) process_map_id(text, 1000);
    (void) usage_parse_keyed(text, "usage_usec");
    usage_parse_io(text, &first, &second);
    FUZZ_ASSERT(first != UINT64_MAX && second != UINT64_MAX);
    usage_parse_network(text, &first, &second);
    r = os_release_parse_name(text, &name);
    FUZZ_ASSERT((r == 0 && name && *name) || (r == -ENODATA && !name));
    FUZZ_ASSERT(addresses_parse_fib_trie(text, &addresses) == 0);
    FUZZ_ASSERT(addresses_parse_if_inet6(text, &addresses) == 0);
    /* What is called an address is one. */
    STRV_FOREACH (address, addresses)
        FUZZ_ASSERT(strspn(*address, "0123456789abcdef.:") == strlen(*address));
    return 0;
}
