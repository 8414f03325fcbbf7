/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs no network: which networks overlap, which name servers a container can reach. */
#include "../test.h"

#include "base/cleanup.h"
#include "host/network.h"

#include <errno.h>

#define IP(a, b, c, d) (UINT32_C(a) << 24 | UINT32_C(b) << 16 | UINT32_C(c) << 8 | UINT32_C(d))

static void overlaps(void)
{
    static const struct {
        uint32_t one;
        unsigned one_length;
        uint32_t other;
        unsigned other_length;
        bool expected;
    } rows[] = {
        {IP(10, 117, 0, 0), 20, IP(10, 117, 0, 0), 20, true},  {IP(10, 117, 0, 0), 20, IP(10, 117, 16, 0), 20, false},
        {IP(10, 117, 0, 0), 20, IP(10, 117, 15, 9), 32, true}, {IP(10, 117, 15, 9), 32, IP(10, 117, 0, 0), 20, true},
        {IP(10, 117, 0, 0), 20, IP(10, 0, 0, 0), 8, true},     {IP(10, 117, 0, 0), 20, IP(10, 118, 0, 0), 15, false},
        {IP(10, 117, 0, 0), 20, IP(192, 0, 2, 1), 0, true},    {IP(128, 0, 0, 0), 1, IP(127, 0, 0, 1), 8, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ASSERT_EQ(network_overlaps(rows[i].one, rows[i].one_length, rows[i].other, rows[i].other_length),
                  rows[i].expected);
        ASSERT_EQ(network_overlaps(rows[i].other, rows[i].other_length, rows[i].one, rows[i].one_length),
                  rows[i].expected);
    }
}

static void check_filter(const char *text, const char *expected)
{
    _cleanup_free_ char *seen = NULL;
    int r = network_filter_resolv_conf(text, &seen);

    ASSERT_EQ(r, expected ? 0 : -ENODATA);
    if (expected)
        ASSERT_STREQ(seen, expected);
}

static void name_servers(void)
{
    check_filter("nameserver 192.0.2.1\nsearch example.org\n", "nameserver 192.0.2.1\nsearch example.org\n");
    check_filter("nameserver 127.0.0.53\nnameserver 192.0.2.1", "nameserver 192.0.2.1\n");
    check_filter("nameserver\t::1\nnameserver  2001:db8::1\noptions edns0\n",
                 "nameserver  2001:db8::1\noptions edns0\n");
    check_filter("nameserver fe80::1%eth0\n", "nameserver fe80::1%eth0\n");
    check_filter("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n", NULL);
    check_filter("# nameserver 192.0.2.1\nnameservers 192.0.2.1\n", NULL);
    check_filter("", NULL);
}

int main(void)
{
    TEST_RUN(overlaps);
    TEST_RUN(name_servers);
    return test_finish();
}
