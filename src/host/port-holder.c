/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/port-holder.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/port.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MAX_BYTES (16U << 20)
#define TCP_LISTENS     10U /* TCP_LISTEN, as /proc/net/tcp has it (proc_net_tcp(5)) */

/* The inode of the socket on this port in a table like /proc/net/tcp; 0: there is none. */
static unsigned long find_inode(const char *path, bool is_tcp, uint16_t number)
{
    _cleanup_free_ char *text = NULL;

    if (file_read_at(AT_FDCWD, path, TABLE_MAX_BYTES, &text, NULL) < 0)
        return 0;
    for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
        unsigned port = 0, state = 0;
        unsigned long inode = 0;

        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &port, &state,
                   &inode) == 3 &&
            port == number && (!is_tcp || state == TCP_LISTENS))
            return inode;
    }
    return 0;
}

static bool is_number(const char *name)
{
    return name[0] && name[strspn(name, "0123456789")] == 0;
}

static bool has_socket(const char *pid, const char *wanted)
{
    _cleanup_free_ char *path = text_format("/proc/%s/fd", pid);
    _cleanup_strv_ char **fds = NULL;
    _cleanup_close_ int dir_fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;

    if (dir_fd < 0 || file_list_at(dir_fd, ".", is_number, &fds) < 0)
        return false;
    STRV_FOREACH (fd, fds) {
        char target[64] = "";

        if (readlinkat(dir_fd, *fd, target, sizeof(target) - 1) > 0 && strcmp(target, wanted) == 0)
            return true;
    }
    return false;
}

/* "NAME (process PID)"; NULL: nobody who can be seen from here. */
static char *find_process(unsigned long inode)
{
    _cleanup_free_ char *wanted = text_format("socket:[%lu]", inode);
    _cleanup_strv_ char **pids = NULL;

    if (inode == 0 || !wanted || file_list_at(AT_FDCWD, "/proc", is_number, &pids) < 0)
        return NULL;
    STRV_FOREACH (pid, pids) {
        _cleanup_free_ char *path = text_format("/proc/%s/comm", *pid), *comm = NULL, *escaped = NULL;

        if (!has_socket(*pid, wanted) || !path || file_read_at(AT_FDCWD, path, 64, &comm, NULL) < 0)
            continue;
        comm[strcspn(comm, "\n")] = 0;
        escaped = text_escape(comm, SIZE_MAX);
        return escaped ? text_format("'%s' (process %s)", escaped, *pid) : NULL;
    }
    return NULL;
}

int port_holder_explain(int protocol, uint16_t number, Error *error)
{
    const char *name = port_protocol_name(protocol);
    _cleanup_free_ char *holder = NULL;

    for (unsigned i = 0; i < 2 && !holder && protocol != IPPROTO_SCTP; i++) {
        _cleanup_free_ char *path = text_format("/proc/net/%s%s", name, i == 0 ? "" : "6");

        if (path)
            holder = find_process(find_inode(path, protocol == IPPROTO_TCP, number));
    }
    return error_hint(error,
                      error_set(error, -EADDRINUSE, "the port %u/%s is in use on this host%s%s", number, name,
                                holder ? " by " : "", holder ? holder : ""),
                      "publish it under another: -p HOST:PORT");
}
