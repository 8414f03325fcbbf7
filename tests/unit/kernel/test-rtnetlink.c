/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links, addresses and routes of a network namespace of the test's own. */
#include "../test.h"

#include "base/cleanup.h"
#include "kernel/rtnetlink.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const unsigned char hardware[6] = {0x02, 0xbe, 0, 0, 0, 1};

static int open_own(void)
{
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    return rtnetlink_open();
}

static int count_matching(uint32_t index, uint32_t address, unsigned prefix_length, void *userdata)
{
    unsigned *count = userdata;

    (void) index;
    if (address == (UINT32_C(10) << 24 | 5) && prefix_length == 24)
        *count += 1;
    if (address == UINT32_C(10) << 24 && prefix_length == 24)
        *count += 100;
    return 0;
}

static int stop_at_once(uint32_t index, uint32_t address, unsigned prefix_length, void *userdata)
{
    (void) index;
    (void) address;
    (void) prefix_length;
    *(unsigned *) userdata += 1;
    return -ECANCELED;
}

static void links(void)
{
    _cleanup_close_ int fd = open_own();
    uint32_t index = 0;

    ASSERT_TRUE(fd >= 0);
    ASSERT_EQ(rtnetlink_find_link(fd, "none", &index), -ENODEV);
    ASSERT_EQ(rtnetlink_find_link(fd, "a-name-that-no-link-can-have", &index), -ENODEV);
    ASSERT_EQ(rtnetlink_make_bridge(fd, "a-name-that-no-link-can-have", hardware), -EINVAL);
    ASSERT_OK(rtnetlink_make_bridge(fd, "br", hardware));
    ASSERT_EQ(rtnetlink_make_bridge(fd, "br", hardware), -EEXIST);
    ASSERT_OK(rtnetlink_find_link(fd, "br", &index));
    ASSERT_EQ(index, if_nametoindex("br"));
    ASSERT_OK(rtnetlink_set_up(fd, index));
    ASSERT_EQ(rtnetlink_set_up(fd, 4711), -ENODEV);
}

static void addresses(void)
{
    _cleanup_close_ int fd = open_own();
    unsigned count = 0;
    uint32_t index = 0;

    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(rtnetlink_make_bridge(fd, "br", hardware));
    ASSERT_OK(rtnetlink_find_link(fd, "br", &index));
    ASSERT_OK(rtnetlink_set_up(fd, index));
    ASSERT_OK(rtnetlink_add_address(fd, index, UINT32_C(10) << 24 | 5, 24));
    ASSERT_EQ(rtnetlink_add_address(fd, index, UINT32_C(10) << 24 | 5, 24), -EEXIST);
    ASSERT_OK(rtnetlink_add_default_route(fd, index, UINT32_C(10) << 24 | 1));
    ASSERT_EQ(rtnetlink_add_default_route(fd, index, UINT32_C(11) << 24 | 1), -ENETUNREACH);
    ASSERT_OK(rtnetlink_each_address(fd, count_matching, &count));
    ASSERT_EQ(count, 1U);
    count = 0;
    ASSERT_OK(rtnetlink_each_route(fd, count_matching, &count));
    ASSERT_EQ(count, 100U);
    /* A walk that ends early leaves nothing in the socket for the next. */
    count = 0;
    ASSERT_EQ(rtnetlink_each_route(fd, stop_at_once, &count), -ECANCELED);
    ASSERT_EQ(count, 1U);
    ASSERT_OK(rtnetlink_find_link(fd, "br", &index));
}

/* A process in a network namespace of its own, until it is killed. */
static pid_t start_other(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(ready[0], &byte, 1) != 1)
        return -EIO;
    safe_close(ready[0]);
    safe_close(ready[1]);
    return pid;
}

static void veth(void)
{
    _cleanup_close_ int fd = open_own();
    pid_t pid = start_other();
    uint32_t bridge = 0, index = 0;

    ASSERT_TRUE(fd >= 0 && pid > 0);
    ASSERT_OK(rtnetlink_make_bridge(fd, "br", hardware));
    ASSERT_OK(rtnetlink_find_link(fd, "br", &bridge));
    ASSERT_OK(rtnetlink_make_veth(fd, "be0-2", bridge, "eth0", pid));
    ASSERT_EQ(rtnetlink_make_veth(fd, "be0-2", bridge, "eth1", pid), -EEXIST);
    ASSERT_EQ(rtnetlink_make_veth(fd, "be0-3", bridge, "eth0", pid), -EEXIST);
    ASSERT_EQ(rtnetlink_find_link(fd, "be0-3", &index), -ENODEV);
    ASSERT_EQ(rtnetlink_find_link(fd, "eth0", &index), -ENODEV);
    ASSERT_OK(rtnetlink_find_link(fd, "be0-2", &index));
    ASSERT_OK(rtnetlink_add_name(fd, index, "berth-a-name-that-is-longer-than-a-link-can-have"));
    ASSERT_EQ(rtnetlink_add_name(fd, index, "berth-a-name-that-is-longer-than-a-link-can-have"), -EEXIST);
    /* With the namespace both ends go. */
    (void) kill(pid, SIGKILL);
    ASSERT_EQ(waitpid(pid, NULL, 0), pid);
    for (unsigned i = 0; i < 500 && rtnetlink_find_link(fd, "be0-2", &index) == 0; i++)
        (void) usleep(10000);
    ASSERT_EQ(rtnetlink_find_link(fd, "be0-2", &index), -ENODEV);
}

int main(void)
{
    if (geteuid() != 0)
        TEST_SKIP_ALL("makes network namespaces: needs root");
    TEST_RUN(links);
    TEST_RUN(addresses);
    TEST_RUN(veth);
    return test_finish();
}
