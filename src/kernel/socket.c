/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int socket_make_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

int socket_send(int fd, const void *data, size_t size, const int *fds, size_t fds_count)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
        struct cmsghdr align;
    } control = {};
    struct iovec vector = {.iov_base = (void *) (size_t) data, .iov_len = size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    if (fds_count > SOCKET_FDS_MAX)
        return -E2BIG;
    if (fds_count > 0) {
        struct cmsghdr *header;

        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds_count);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fds_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fds_count);
    }
    while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t *ret_fds_count)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
        struct cmsghdr align;
    } control = {};
    struct iovec vector = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    size_t count = 0;
    ssize_t n;

    /* A peer that closed with data of ours unread makes this ECONNRESET, once, and before what it had sent itself: the
     * reason why it went is behind the error (unix_release_sock() of the kernel). */
    for (bool was_reset = false;; was_reset = was_reset || errno == ECONNRESET) {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset)))
            break;
    }
    if (n < 0)
        return -errno;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        size_t have;

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        have = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < have; i++) {
            int received;

            memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (count < SOCKET_FDS_MAX)
                fds[count++] = received;
            else
                (void) safe_close(received);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        while (count > 0)
            (void) safe_close(fds[--count]);
        return -EMSGSIZE;
    }
    *ret_fds_count = count;
    return n;
}
