/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine says of itself: os-release files that are none, and addresses without entering a namespace. */
#include "../test.h"

#include "base/strv.h"
#include "machines/inside.h"

#include <errno.h>

static void names_of_systems(void)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\n", "Debian GNU/Linux 13 (trixie)"},
        {"NAME=Fedora\nVERSION=40\n", "Fedora"},
        {"NAME='One Two'", "One Two"},
        {"XPRETTY_NAME=no\n#PRETTY_NAME=no\nPRETTY_NAME=yes\n", "yes"},
        {"PRETTY_NAME=\nNAME=fallback\n", "fallback"},
        {"PRETTY_NAME=\"open\nNAME=fallback\n", "fallback"},
        {"PRETTY_NAME=a\nPRETTY_NAME=b\n", "a"},
    };
    static const char *const nothing[] = {"", "\n\n", "ID=debian\n", "PRETTY_NAME", "NAME=\n", "NAME=\"\""};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *name = NULL;

        ASSERT_OK(os_release_parse_name(cases[i].text, &name));
        ASSERT_STREQ(name, cases[i].name);
    }
    for (size_t i = 0; i < ELEMENTSOF(nothing); i++) {
        char *name = NULL;

        ASSERT_ERROR(os_release_parse_name(nothing[i], &name), ENODATA);
        ASSERT_NULL(name);
    }
}

static void local_addresses_of_the_trie(void)
{
    static const char text[] = "Main:\n"
                               "  +-- 0.0.0.0/0 3 0 5\n"
                               "     |-- 0.0.0.0\n"
                               "        /0 universe UNICAST\n"
                               "     +-- 10.0.0.0/24 2 0 2\n"
                               "        |-- 10.0.0.0\n"
                               "           /24 link UNICAST\n"
                               "        |-- 10.0.0.2\n"
                               "           /32 host LOCAL\n"
                               "        |-- 10.0.0.255\n"
                               "           /32 link BROADCAST\n"
                               "     +-- 127.0.0.0/8 2 0 2\n"
                               "           |-- 127.0.0.1\n"
                               "              /32 host LOCAL\n"
                               "Local:\n"
                               "        |-- 10.0.0.2\n"
                               "           /32 host LOCAL\n"
                               "        |-- 300.0.0.2\n"
                               "           /32 host LOCAL\n";
    _cleanup_strv_ char **list = NULL;

    ASSERT_OK(addresses_parse_fib_trie(text, &list));
    ASSERT_EQ(strv_length(list), 1);
    ASSERT_STREQ(list[0], "10.0.0.2");
}

static void addresses_of_version_6(void)
{
    static const char text[] = "fe800000000000000042acfffe110002 02 40 20 80 eth0\n"
                               "00000000000000000000000000000001 01 80 10 80 lo\n"
                               "20010db8000000000000000000000007 02 40 00 80 eth0\n"
                               "20010db80000000000000000000000zz 02 40 00 80 eth0\n"
                               "2001";
    _cleanup_strv_ char **list = NULL;

    ASSERT_OK(addresses_parse_if_inet6(text, &list));
    ASSERT_EQ(strv_length(list), 2);
    ASSERT_STREQ(list[0], "2001:db8::7");
    ASSERT_STREQ(list[1], "fe80::42:acff:fe11:2");
}

static void no_machine(void)
{
    _cleanup_strv_ char **list = NULL;
    Machine machine = {};
    char *name = NULL;
    int fd = -1;

    ASSERT_TRUE(machine_open_root(&machine, 0, &fd) < 0);
    ASSERT_TRUE(machine_read_os_name(&machine, 0, &name) < 0);
    ASSERT_OK(machine_list_addresses(&machine, &list));
    ASSERT_NULL(list);
}

int main(void)
{
    TEST_RUN(names_of_systems);
    TEST_RUN(local_addresses_of_the_trie);
    TEST_RUN(addresses_of_version_6);
    TEST_RUN(no_machine);
    return test_finish();
}
