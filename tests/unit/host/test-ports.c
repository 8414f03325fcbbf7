/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports that are published, in nftables of a network namespace of the test's own. */
#include "../test.h"

#include "base/cleanup.h"
#include "host/firewall.h"
#include "host/ports.h"
#include "kernel/conntrack.h"
#include "kernel/netfilter.h"
#include "kernel/publish.h"
#include "kernel/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP(a, b, c, d) (UINT32_C(a) << 24 | UINT32_C(b) << 16 | UINT32_C(c) << 8 | UINT32_C(d))

/* Links stand for those of containers. */
static uint32_t make_link(const char *name, unsigned char last)
{
    const unsigned char hardware[6] = {0x02, 0xbe, 0, 0, 0, last};
    _cleanup_close_ int fd = rtnetlink_open();
    uint32_t index = 0;

    return rtnetlink_make_bridge(fd, name, hardware) == 0 && rtnetlink_find_link(fd, name, &index) == 0 ? index : 0;
}

static void remove_link(uint32_t index)
{
    _cleanup_close_ int fd = rtnetlink_open();

    (void) rtnetlink_remove_link(fd, index);
}

static PublishRecord record_of(const char *owner, const char *link, unsigned char number)
{
    PublishRecord record = {.address = IP(10, 117, 0, 0) | number, .address6 = {0xfd, [15] = number}};

    snprintf(record.owner, sizeof(record.owner), "%s", owner);
    snprintf(record.link, sizeof(record.link), "%s", link);
    record.index = make_link(link, number);
    return record;
}

static int publish(const PublishRecord *record, const char *text)
{
    Port port = {};
    int r = port_parse(text, &port);

    return r < 0 ? r : publish_add(record, &port, 1);
}

static int find(const char *text, PublishRecord *ret)
{
    Port port = {};
    uint16_t number = 0;
    int r = port_parse(text, &port);

    *ret = (PublishRecord){};
    return r < 0 ? r : publish_find(&port, ret, &number);
}

static void own_network(void)
{
    static const FirewallNetwork network = {.bridge = "berth0",
                                            .gateway = IP(10, 117, 0, 1),
                                            .prefix_length = 20,
                                            .has_ipv6 = true,
                                            .gateway6 = {{{0xfd, [15] = 1}}}};
    _cleanup_error_ Error error = {};
    _cleanup_close_ int fd = -EBADF;
    uint32_t lo = 0;

    ASSERT_OK(unshare(CLONE_NEWNET));
    fd = rtnetlink_open();
    ASSERT_OK(rtnetlink_find_link(fd, "lo", &lo));
    ASSERT_OK(rtnetlink_set_up(fd, lo));
    ASSERT_EQ(firewall_prepare(&network, &error), 1);
    ASSERT_EQ(firewall_prepare(&network, &error), 0);
}

static void owners(void)
{
    PublishRecord web = record_of("web", "be0-2", 2), db = record_of("db", "be0-3", 3), found;

    ASSERT_EQ(find("8080:80", &found), -ENOENT);
    ASSERT_OK(publish(&web, "8080-8082:80-82"));
    ASSERT_OK(find("8082:80", &found));
    ASSERT_STREQ(found.owner, "web");
    ASSERT_STREQ(found.link, "be0-2");
    ASSERT_EQ(found.index, web.index);
    ASSERT_EQ(publish_is_alive(&found), 1);
    ASSERT_OK(find("[::]:8081:1", &found));
    ASSERT_STREQ(found.owner, "web");
    ASSERT_EQ(find("8081:1/udp", &found), -ENOENT);
    ASSERT_OK(find("127.0.0.1:8081:1", &found));
    ASSERT_EQ(find("127.0.0.1:8083:1", &found), -ENOENT);
    /* All or nothing. */
    ASSERT_EQ(publish(&db, "8079-8080:1-2"), -EEXIST);
    ASSERT_EQ(find("8079:1", &found), -ENOENT);
    ASSERT_OK(publish(&db, "127.0.0.2:53:53/udp"));
    ASSERT_OK(find("53:1/udp", &found));
    ASSERT_STREQ(found.owner, "db");
    /* One owner's go, and the others' stay. */
    ASSERT_EQ(publish_remove_owner("nobody"), 1);
    ASSERT_OK(publish_remove_owner("web"));
    ASSERT_EQ(find("8081:1", &found), -ENOENT);
    ASSERT_OK(find("127.0.0.2:53:53/udp", &found));
    ASSERT_OK(publish_remove(db.address));
    ASSERT_EQ(publish_remove(db.address), 1);
    ASSERT_EQ(find("53:1/udp", &found), -ENOENT);
    remove_link(web.index);
    remove_link(db.index);
}

static void what_nobody_holds_any_more(void)
{
    PublishRecord gone = record_of("gone", "be0-2", 2), other, found;
    unsigned count = 7;

    ASSERT_OK(publish(&gone, "8080:80"));
    ASSERT_OK(publish_sweep(&count));
    ASSERT_EQ(count, 0);
    remove_link(gone.index);
    ASSERT_EQ(publish_is_alive(&gone), 0);
    /* The name of the link is used again, but it is another one. */
    other = record_of("other", "be0-2", 2);
    ASSERT_EQ(publish_is_alive(&gone), 0);
    ASSERT_OK(publish_sweep(&count));
    ASSERT_EQ(count, 1);
    ASSERT_EQ(find("8080:80", &found), -ENOENT);
    ASSERT_OK(publish(&other, "8080:80"));
    ASSERT_OK(publish_sweep(&count));
    ASSERT_EQ(count, 0);
    ASSERT_OK(publish_remove_owner("other"));
    remove_link(other.index);
}

static int reserve(const char *one, const char *other, PortList *list, Error *error)
{
    Port ports[2] = {};
    int r = port_parse(one, &ports[0]);

    if (r == 0 && other)
        r = port_parse(other, &ports[1]);
    if (r == 0)
        r = port_list_add(list, &ports[0]);
    if (r == 0 && other)
        r = port_list_add(list, &ports[1]);
    return r < 0 ? r : ports_reserve(list, "web", error);
}

static void refuse(const char *one, const char *other, int wanted, const char *text)
{
    _cleanup_(port_list_done) PortList list = {};
    _cleanup_error_ Error error = {};

    ASSERT_EQ(reserve(one, other, &list, &error), wanted);
    ASSERT_CONTAINS(error.text, text);
}

static void accept_port(const char *text)
{
    _cleanup_(port_list_done) PortList list = {};
    _cleanup_error_ Error error = {};

    ASSERT_OK(reserve(text, NULL, &list, &error));
}

static void what_is_taken(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9000)};
    _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    PublishRecord db = record_of("db", "be0-3", 3), found;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_OK(bind(fd, (const struct sockaddr *) &address, sizeof(address)));
    ASSERT_OK(listen(fd, 1));
    refuse("9000:80", NULL, -EADDRINUSE, "the port 9000/tcp is in use on this host by '");
    refuse("8999-9001:80-82", NULL, -EADDRINUSE, "the port 9000/tcp is in use");
    refuse("127.0.0.1:9000:80", NULL, -EADDRINUSE, "9000/tcp");
    accept_port("127.0.0.2:9000:80");
    accept_port("9000:80/udp");
    refuse("192.0.2.77:9000:80", NULL, -EADDRNOTAVAIL, "this host does not have the address of 192.0.2.77:9000:80/tcp");
    refuse("80:80", "127.0.0.1:80:81", -EADDRINUSE, "80:80/tcp and 127.0.0.1:80:81/tcp want the same port");
    ASSERT_OK(publish(&db, "8080:80"));
    refuse("8080:80", NULL, -EADDRINUSE, "the port 8080/tcp is published by the container 'db'");
    refuse("127.0.0.1:8080:80", NULL, -EADDRINUSE, "published by the container 'db'");
    /* What is left of somebody who is gone gives way. */
    remove_link(db.index);
    accept_port("8080:80");
    ASSERT_EQ(find("8080:80", &found), -ENOENT);
}

static void chosen(void)
{
    _cleanup_(port_list_done) PortList list = {};
    _cleanup_error_ Error error = {};

    ASSERT_OK(reserve("80", "127.0.0.1::81/udp", &list, &error));
    ASSERT_TRUE(list.items[0].host_first >= 1024);
    ASSERT_TRUE(list.items[1].host_first >= 1024);
    ASSERT_EQ(list.items[0].first, 80);
}

static int open_udp(uint32_t address, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (bind(fd, (const struct sockaddr *) &name, sizeof(name)) < 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0))
        fd = safe_close(fd);
    return fd;
}

static ssize_t send_to(int fd, uint32_t address, uint16_t port, const char *text)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};

    return sendto(fd, text, strlen(text), 0, (const struct sockaddr *) &name, sizeof(name));
}

/* Somebody sent before the port was published, and goes on. The host's loopback stands for the way to a container. */
static void who_goes_on_sending(void)
{
    PublishRecord record = {.address = IP(127, 0, 0, 3), .owner = "web", .link = "lo", .index = 1};
    _cleanup_close_ int sender = open_udp(IP(127, 0, 0, 1), 5555), receiver = open_udp(IP(127, 0, 0, 3), 7778);
    char text[16] = "";

    ASSERT_TRUE(sender >= 0);
    ASSERT_TRUE(receiver >= 0);
    ASSERT_EQ(send_to(sender, IP(127, 0, 0, 2), 7777, "before"), 6);
    ASSERT_OK(publish(&record, "127.0.0.2:7777:7778/udp"));
    /* Not translated: the kernel knows where this one goes. */
    ASSERT_EQ(send_to(sender, IP(127, 0, 0, 2), 7777, "lost"), 4);
    ASSERT_OK(conntrack_forget_udp(7000, 777));
    ASSERT_EQ(send_to(sender, IP(127, 0, 0, 2), 7777, "lost, too"), 9);
    ASSERT_OK(conntrack_forget_udp(7777, 1));
    ASSERT_EQ(send_to(sender, IP(127, 0, 0, 2), 7777, "heard"), 5);
    ASSERT_EQ(recv(receiver, text, sizeof(text) - 1, 0), 5);
    ASSERT_STREQ(text, "heard");
    ASSERT_OK(publish_remove(record.address));
}

static bool has_nftables(void)
{
    _cleanup_close_ int fd = netfilter_open();
    uint32_t generation = 0;

    return geteuid() == 0 && fd >= 0 && netfilter_get_generation(fd, &generation) == 0 &&
           strstr(BERTH_FEATURES, "+NFTABLES");
}

int main(void)
{
    if (!has_nftables())
        TEST_SKIP_ALL("needs root, and a kernel and a build with nftables");
    TEST_RUN(own_network);
    TEST_RUN(owners);
    TEST_RUN(what_nobody_holds_any_more);
    TEST_RUN(what_is_taken);
    TEST_RUN(chosen);
    TEST_RUN(who_goes_on_sending);
    return test_finish();
}
