/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of cgroup and network accounting, as the kernel writes them and as it would not. */
#include "../test.h"

#include "machines/usage.h"

static void a_key_stands_at_the_start_of_its_line(void)
{
    static const char text[] = "low 0\nhigh 3\noom 4\noom_kill 17\noom_group_kill 2\n";

    ASSERT_EQ(usage_parse_keyed(text, "oom_kill"), 17);
    ASSERT_EQ(usage_parse_keyed(text, "oom"), 4);
    ASSERT_EQ(usage_parse_keyed(text, "low"), 0);
    ASSERT_TRUE(usage_parse_keyed(text, "kill") == UINT64_MAX);
    ASSERT_TRUE(usage_parse_keyed(text, "max") == UINT64_MAX);
    ASSERT_TRUE(usage_parse_keyed("", "low") == UINT64_MAX);
    ASSERT_TRUE(usage_parse_keyed("low", "low") == UINT64_MAX);
    ASSERT_TRUE(usage_parse_keyed("low max\n", "low") == UINT64_MAX);
    ASSERT_TRUE(usage_parse_keyed("low -1", "low") == UINT64_MAX);
    ASSERT_EQ(usage_parse_keyed("low 5", "low"), 5);
    ASSERT_TRUE(usage_parse_keyed("low 99999999999999999999999\n", "low") == UINT64_MAX);
}

static void devices_add_up(void)
{
    uint64_t read = 1, written = 1;

    usage_parse_io("8:0 rbytes=90112 wbytes=4096 rios=4 wios=1 dbytes=0 dios=0\n"
                   "259:0 rbytes=10 wbytes=5 rios=1 wios=1 dbytes=7 dios=9\n",
                   &read, &written);
    ASSERT_EQ(read, 90122);
    ASSERT_EQ(written, 4101);
    /* A group that never used a disk, and a device without numbers. */
    usage_parse_io("", &read, &written);
    ASSERT_EQ(read, 0);
    ASSERT_EQ(written, 0);
    usage_parse_io("8:16 \n8:0 rbytes=1 wbytes=\n8:0 xrbytes=7", &read, &written);
    ASSERT_EQ(read, 1);
    ASSERT_EQ(written, 0);
    /* Does not wrap around. */
    usage_parse_io("8:0 rbytes=18446744073709551000\n8:1 rbytes=18446744073709551000\n", &read, &written);
    ASSERT_TRUE(read == UINT64_MAX - 1);
}

static void interfaces_add_up_without_the_loopback(void)
{
    static const char head[] = "Inter-|   Receive                                                |  Transmit\n"
                               " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
                               "errs drop fifo colls carrier compressed\n";
    char text[2048];
    uint64_t received = 0, sent = 0;

    snprintf(text, sizeof(text),
             "%s"
             "    lo:  999999     1    0    0    0     0          0         0   999999       1    0    0    0     0    "
             "   0          0\n"
             " host0:    1000     1    0    0    0     0          0         0     2000       1    0    0    0     0    "
             "   0          0\n"
             "a:b: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n",
             head);
    usage_parse_network(text, &received, &sent);
    ASSERT_EQ(received, 1010);
    ASSERT_EQ(sent, 2020);
    usage_parse_network(head, &received, &sent);
    ASSERT_TRUE(received == UINT64_MAX && sent == UINT64_MAX);
    usage_parse_network("", &received, &sent);
    ASSERT_TRUE(received == UINT64_MAX);
    /* Cut in the middle. */
    usage_parse_network("\n\neth0: 7 1 0", &received, &sent);
    ASSERT_EQ(received, 7);
    ASSERT_TRUE(sent == UINT64_MAX);
}

int main(void)
{
    TEST_RUN(a_key_stands_at_the_start_of_its_line);
    TEST_RUN(devices_add_up);
    TEST_RUN(interfaces_add_up_without_the_loopback);
    return test_finish();
}
