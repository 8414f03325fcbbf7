/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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

int socket_bind_at(int directory_fd, const char *name)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int yes = 1, r;

    if (strlen(name) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, name, strlen(name));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
        (unlinkat(directory_fd, name, 0) < 0 && errno != ENOENT) || fchdir(directory_fd) < 0)
        return -errno;
    r = bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
    if (chdir("/") < 0 && r == 0)
        r = -errno;
    if (r == 0 && fchmodat(directory_fd, name, 0666, 0) < 0)
        r = -errno;
    return r < 0 ? r : TAKE_FD(fd);
}

ssize_t socket_receive_from(int fd, void *data, size_t size, pid_t *ret_pid)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
        struct cmsghdr align;
    } control = {};
    struct iovec vector = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    pid_t pid = 0;
    ssize_t n;

    do
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred sender;

            memcpy(&sender, CMSG_DATA(header), sizeof(sender));
            pid = sender.pid;
        } else if (header->cmsg_type == SCM_RIGHTS)
            for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int received;

                memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
                (void) safe_close(received);
            }
    }
    *ret_pid = pid;
    return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}
