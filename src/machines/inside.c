/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/inside.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/resolve.h"
#include "machines/roster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OS_RELEASE_MAX_BYTES (64U << 10)
#define NET_MAX_BYTES        (256U << 10)
#define ADDRESSES_MAX        64

int machine_open_root(const Machine *machine, InsideFlags flags, int *ret_fd)
{
    _cleanup_close_ int leader = flags & INSIDE_GLANCE ? -EBADF : machine_open_leader(machine), fd = -EBADF;
    struct pollfd poll_one = {leader, POLLIN, 0};
    char path[64];

    if (leader < 0 && !(flags & INSIDE_GLANCE))
        return leader;
    snprintf(path, sizeof(path), "/proc/%llu/root", (unsigned long long) machine->leader);
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    /* It still lives, so the pid was its own when the link was followed. */
    if (leader >= 0 && poll(&poll_one, 1, 0) != 0)
        return -ESRCH;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* --- the operating system --- */

/* The value behind "KEY=" at the start of a line, as a shell reads it. */
static int find_value(const char *text, const char *key, char **ret)
{
    size_t length = strlen(key);

    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");

        if (size > length && strncmp(line, key, length) == 0 && line[length] == '=') {
            _cleanup_strv_ char **words = NULL;
            _cleanup_free_ char *value = strndup(line + length + 1, size - length - 1);
            int r = value ? text_split_words(value, &words) : -ENOMEM;

            if (r == -ENOMEM)
                return r;
            if (r == 0 && words && words[0] && words[0][0]) {
                *ret = strdup(words[0]);
                return *ret ? 0 : -ENOMEM;
            }
        }
        line += size + (line[size] == '\n');
    }
    return -ENODATA;
}

int os_release_parse_name(const char *text, char **ret)
{
    int r = find_value(text, "PRETTY_NAME", ret);

    return r == -ENODATA ? find_value(text, "NAME", ret) : r;
}

/* Looked at before it is opened: to open a FIFO may block, and to open a device may do something. */
static int open_os_release(int root_fd, InsideFlags flags)
{
    static const char *const places[] = {"/etc/os-release", "/usr/lib/os-release"};
    _cleanup_close_ int path_fd = -EBADF;
    char path[64];
    struct stat st;
    int fd;

    for (size_t i = 0; path_fd < 0 && i < ELEMENTSOF(places); i++)
        path_fd = flags & INSIDE_GLANCE ? resolve_open_on_mount(root_fd, places[i], O_PATH)
                                        : resolve_open(root_fd, places[i], O_PATH);
    if (path_fd < 0)
        return path_fd;
    if (fstat(path_fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOTSUP;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int machine_read_os_name(const Machine *machine, InsideFlags flags, char **ret)
{
    _cleanup_close_ int root_fd = -EBADF, fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    int r = machine_open_root(machine, flags, &root_fd);

    if (r < 0)
        return r;
    fd = open_os_release(root_fd, flags);
    if (fd < 0)
        return fd;
    r = file_read_fd(fd, OS_RELEASE_MAX_BYTES, &text, NULL);
    return r < 0 ? r : os_release_parse_name(text, ret);
}

/* --- addresses --- */

static int add_address(char ***list, int family, const void *bytes)
{
    char text[INET6_ADDRSTRLEN];

    if (!inet_ntop(family, bytes, text, sizeof(text)))
        return -EINVAL;
    if (strv_contains(*list, text) || strv_length(*list) >= ADDRESSES_MAX)
        return 0;
    return strv_append(list, text);
}

/* A tree of prefixes; a leaf is "|-- 10.0.0.2", and the line below it says what it is: "/32 host LOCAL". */
int addresses_parse_fib_trie(const char *text, char ***ret)
{
    struct in_addr leaf = {};
    bool has_leaf = false;

    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n"), blanks = strspn(line, " ");
        const char *entry = line + MIN(blanks, size), *address = text_after_prefix(entry, "|-- ");

        if (address) {
            char word[INET_ADDRSTRLEN] = "";
            size_t length = MIN(strcspn(address, " \n"), sizeof(word) - 1);

            memcpy(word, address, length);
            word[length] = 0;
            has_leaf = inet_pton(AF_INET, word, &leaf) == 1;
        } else if (has_leaf && text_after_prefix(entry, "/32 host LOCAL")) {
            int r = ntohl(leaf.s_addr) >> 24 == 127 ? 0 : add_address(ret, AF_INET, &leaf);

            if (r < 0)
                return r;
        }
        line += size + (line[size] == '\n');
    }
    return 0;
}

/* "fe80000000000000…  IFINDEX PREFIX SCOPE FLAGS NAME", numbers in hexadecimal. */
static bool parse_inet6_line(const char *line, struct in6_addr *ret)
{
    for (size_t i = 0; i < 16; i++) {
        unsigned byte = 0;

        for (size_t k = 0; k < 2; k++) {
            char c = line[2 * i + k];
            unsigned digit = c >= '0' && c <= '9'   ? (unsigned) (c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned) (c - 'a') + 10
                                                    : 16;

            if (digit > 15)
                return false;
            byte = byte << 4 | digit;
        }
        ret->s6_addr[i] = (uint8_t) byte;
    }
    return line[32] == ' ';
}

int addresses_parse_if_inet6(const char *text, char ***ret)
{
    for (int pass = 0; pass < 2; pass++)
        for (const char *line = text; *line;) {
            struct in6_addr address = {};
            size_t size = strcspn(line, "\n");

            if (size > 32 && parse_inet6_line(line, &address) && !IN6_IS_ADDR_LOOPBACK(&address) &&
                (pass == 1) == (bool) IN6_IS_ADDR_LINKLOCAL(&address)) {
                int r = add_address(ret, AF_INET6, &address);

                if (r < 0)
                    return r;
            }
            line += size + (line[size] == '\n');
        }
    return 0;
}

/* Without entering it: a file below /proc/PID/net is of that process's namespace. "" when it cannot be read. */
static int read_net(const Machine *machine, const char *file, char *text, size_t size)
{
    _cleanup_close_ int fd = -EBADF;
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%llu/net/%s", (unsigned long long) machine->leader, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -errno : file_read_all(fd, text, size - 1);
    text[MAX(n, 0)] = 0;
    return n < 0 ? (int) n : 0;
}

bool machine_is_on_host_network(const Machine *machine)
{
    char path[64], theirs[64], ours[64];
    ssize_t n, m;

    snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long) machine->leader);
    n = readlink(path, theirs, sizeof(theirs));
    m = readlink("/proc/self/ns/net", ours, sizeof(ours));
    return n <= 0 || (n == m && memcmp(theirs, ours, (size_t) n) == 0);
}

int machine_list_addresses(const Machine *machine, char ***ret)
{
    _cleanup_strv_ char **list = NULL;
    _cleanup_free_ char *text = NULL;
    int r = 0;

    if (machine->leader == 0 || machine_is_on_host_network(machine))
        return 0;
    text = malloc(NET_MAX_BYTES);
    if (!text)
        return -ENOMEM;
    if (read_net(machine, "fib_trie", text, NET_MAX_BYTES) == 0)
        r = addresses_parse_fib_trie(text, &list);
    if (r == 0 && read_net(machine, "if_inet6", text, NET_MAX_BYTES) == 0)
        r = addresses_parse_if_inet6(text, &list);
    if (r == 0)
        *ret = TAKE_PTR(list);
    return r;
}
