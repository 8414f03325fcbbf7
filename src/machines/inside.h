/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what can be told of the inside of a running machine without entering it: its operating system's name, the
 *       addresses in its network namespace.
 * Never does: follow a path out of the root; wait for a file that is none. All that it returns is hostile text.
 * Runs in: fat programs on the host side, as root. The parsers are pure. */

#include "proto/state.h"

typedef enum InsideFlags {
    /* For who looks at many machines: never onto another mount, which may be a file system of its own that does not answer,
     * and without asking whether the pid is still the one that the state file means. What is told of a machine that ends at
     * this moment may then be another process's. */
    INSIDE_GLANCE = 1 << 0,
} InsideFlags;

/* The root directory of the first process, O_PATH. -ESRCH when that is gone. */
int machine_open_root(const Machine *machine, InsideFlags flags, int *ret_fd);
/* PRETTY_NAME= of os-release(5), else NAME=. -ENODATA when it says neither, -errno when there is none to read. */
int machine_read_os_name(const Machine *machine, InsideFlags flags, char **ret);
/* Also when nobody knows. */
bool machine_is_on_host_network(const Machine *machine);
/* Addresses but the loopback's: IPv4 before IPv6, those of the link last. NULL also on the host's network. */
int machine_list_addresses(const Machine *machine, char ***ret);

/* The text of an os-release file. -ENODATA. */
int os_release_parse_name(const char *text, char **ret);
/* /proc/PID/net/fib_trie and /proc/PID/net/if_inet6; each appends what is not there yet. */
int addresses_parse_fib_trie(const char *text, char ***ret);
int addresses_parse_if_inet6(const char *text, char ***ret);
