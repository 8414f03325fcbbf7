/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/journal-send.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* Room for a line of 1 MiB with its fields. The kernel doubles it: socket(7). */
#define SEND_BUFFER_BYTES (2 << 20)

static int connect_journal(int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};

    return connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

int journal_open(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    (void) connect_journal(fd);
    return fd;
}

/* writev(2) may stop short; journald takes an entry whole or not at all. */
static int write_parts(int fd, const struct iovec *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t done = 0; done < parts[i].iov_len;) {
            ssize_t n = write(fd, (const char *) parts[i].iov_base + done, parts[i].iov_len - done);

            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return n < 0 ? -errno : -EIO;
            done += (size_t) n;
        }
    return 0;
}

static int send_by_memfd(int fd, const struct iovec *parts, size_t count)
{
    _cleanup_close_ int memfd = memfd_create("journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {};
    struct msghdr message = {
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int r;

    if (memfd < 0)
        return -errno;
    r = write_parts(memfd, parts, count);
    if (r < 0)
        return r;
    if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &memfd, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A datagram may be as large as the send buffer. Better than a memfd: where SELinux is enforcing, journald may not receive
 * one of every sender's, and what it holds is lost without a word. Needs CAP_NET_ADMIN. False: it was raised before, or
 * cannot be. */
static bool raise_send_buffer(int fd)
{
    int size = SEND_BUFFER_BYTES, now = 0;
    socklen_t length = sizeof(now);

    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &length) < 0 || now >= size)
        return false;
    return setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0;
}

static int try_send(int fd, const struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *) (uintptr_t) parts, .msg_iovlen = count};

    if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
        return 0;
    if (errno == EMSGSIZE && raise_send_buffer(fd) && sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
        return 0;
    if (errno == EMSGSIZE || errno == ENOBUFS)
        return send_by_memfd(fd, parts, count);
    return -errno;
}

int journal_send(int fd, const struct iovec *parts, size_t count)
{
    int r = try_send(fd, parts, count);

    if ((r == -ECONNREFUSED || r == -ENOTCONN || r == -ECONNRESET) && connect_journal(fd) == 0)
        r = try_send(fd, parts, count);
    return r;
}

int journal_send_once(const void *entry, size_t size)
{
    _cleanup_close_ int fd = journal_open();
    struct iovec part = {(void *) (uintptr_t) entry, size};

    return fd < 0 ? fd : journal_send(fd, &part, 1);
}

size_t journal_add_field(char *buffer, size_t size, size_t at, const char *name, const char *value)
{
    int n;

    if (!value || strchr(value, '\n'))
        return at;
    n = snprintf(buffer + at, size - at, "%s=%s\n", name, value);
    return n > 0 && (size_t) n < size - at ? at + (size_t) n : at;
}
