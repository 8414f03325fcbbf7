/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/port.h"

#include "../test.h"
#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static void round_trips(void)
{
    static const struct {
        const char *text, *formatted;
    } rows[] = {
        {"80", "80/tcp"},
        {"8080:80", "8080:80/tcp"},
        {"53:53/udp", "53:53/udp"},
        {"5000:5000/sctp", "5000:5000/sctp"},
        {"127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp"},
        {"127.0.0.1::80/udp", "127.0.0.1::80/udp"},
        {"127.0.0.1:80", "127.0.0.1::80/tcp"},
        {"0.0.0.0:1:1", "0.0.0.0:1:1/tcp"},
        {"[::1]:8080:80", "[::1]:8080:80/tcp"},
        {"[2001:db8:0:0:0:0:0:1]::80", "[2001:db8::1]::80/tcp"},
        {"8000-8010:80-90/udp", "8000-8010:80-90/udp"},
        {"65535:1", "65535:1/tcp"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:10000-20000:10000-20000/sctp",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:10000-20000:10000-20000/sctp"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        PortText formatted;
        Port port = {}, again = {};

        ASSERT_EQ(port_parse(rows[i].text, &port), 0);
        formatted = port_format(&port);
        ASSERT_STREQ(formatted.text, rows[i].formatted);
        ASSERT_EQ(port_parse(formatted.text, &again), 0);
        ASSERT_STREQ(port_format(&again).text, rows[i].formatted);
    }
}

static void what_is_none(void)
{
    static const char *const texts[] = {
        "",       "0",         "80/",     "80/http",     "65536",      "-1",           "80-",         "90-80",
        ":80",    "80:",       "80:0",    "0:80",        "1:2:3",      "1-2:80",       "80:1-2",      "127.0.0.1",
        "::1:80", "[::1]80",   "[::1:80", "[::g]:80:80", "1.2.3:80:1", "1.2.3.4:80:",  "web:80:80",   "80 :80",
        "80:80 ", "80:80/TCP", "0x50",    "+80",         "80//tcp",    "[1.2.3.4]:80", "1.2.3.4.5:1", "65535-65536:1-2",
    };
    Port port = {.first = 7};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (port_parse(texts[i], &port) != -EINVAL)
            ASSERT_STREQ(texts[i], "refused");
    ASSERT_EQ(port.first, 7);
}

static void check_overlap(const char *one, const char *other, bool wanted)
{
    Port a = {}, b = {};

    ASSERT_EQ(port_parse(one, &a), 0);
    ASSERT_EQ(port_parse(other, &b), 0);
    ASSERT_EQ(port_overlaps(&a, &b), wanted);
    ASSERT_EQ(port_overlaps(&b, &a), wanted);
}

static void overlaps(void)
{
    check_overlap("80:80", "80:81", true);
    check_overlap("80:80", "80:80/udp", false);
    check_overlap("80:80", "81:80", false);
    check_overlap("80:80", "127.0.0.1:80:80", true);
    check_overlap("0.0.0.0:80:80", "127.0.0.1:80:80", true);
    check_overlap("[::]:80:80", "127.0.0.1:80:80", false);
    check_overlap("127.0.0.2:80:80", "127.0.0.1:80:80", false);
    check_overlap("10-20:10-20", "20-30:20-30", true);
    check_overlap("10-19:10-19", "20-30:20-30", false);
    /* What is chosen is chosen free. */
    check_overlap("80", "80", false);
}

int main(void)
{
    TEST_RUN(round_trips);
    TEST_RUN(what_is_none);
    TEST_RUN(overlaps);
    return test_finish();
}
