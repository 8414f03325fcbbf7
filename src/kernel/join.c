/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/join.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

typedef struct Reply {
    int result;
    _Alignas(max_align_t) char bytes[JOIN_REPLY_MAX];
} Reply;

static int enter(int pidfd)
{
    if (pidfd >= 0)
        return setns(pidfd, CLONE_NEWNS) < 0 ? -errno : 0;
    return unshare(CLONE_NEWNS) < 0 ? -errno : mount_set_propagation("/", MS_PRIVATE);
}

/* The host's /proc is opened before: the one in there is the container's, which may be anything. */
static _Noreturn void child_main(int pidfd, JoinFunction function, const void *argument, int socket_fd)
{
    int proc_fd = procfs_open(), host_fds_fd = proc_fd < 0 ? proc_fd : procfs_open_at(proc_fd, "self/fd", O_PATH);
    int fd = -EBADF;
    Reply reply = {};

    (void) process_set_dumpable(false);
    reply.result = host_fds_fd < 0 ? host_fds_fd : enter(pidfd);
    if (reply.result == 0)
        reply.result = function(host_fds_fd, argument, reply.bytes, &fd);
    _exit(socket_send(socket_fd, &reply, sizeof(reply), &fd, fd >= 0 ? 1 : 0) < 0);
}

int join_mounts(int pidfd, JoinFunction function, const void *argument, void *reply, size_t reply_size, int *ret_fd)
{
    _cleanup_close_ int own_fd = -EBADF, child_fd = -EBADF, child_pidfd = -EBADF, fd = -EBADF;
    int pair[2], fds[SOCKET_FDS_MAX], code, r;
    size_t fds_count = 0;
    bool is_signaled;
    Reply answer = {};
    ssize_t n;
    pid_t pid;

    if (reply_size > sizeof(answer.bytes))
        return -EINVAL;
    r = socket_make_pair(pair);
    if (r < 0)
        return r;
    own_fd = pair[0];
    child_fd = pair[1];
    pid = process_clone(0, -EBADF, &child_pidfd);
    if (pid < 0)
        return pid;
    if (pid == 0)
        child_main(pidfd, function, argument, child_fd);
    child_fd = safe_close(child_fd);
    n = socket_receive(own_fd, &answer, sizeof(answer), fds, &fds_count);
    (void) process_wait(child_pidfd, &code, &is_signaled);
    if (n < 0)
        return (int) n;
    fd = fds_count > 0 ? fds[0] : -EBADF;
    if (n != sizeof(answer))
        return -EIO;
    if (answer.result < 0)
        return answer.result;
    if (reply)
        memcpy(reply, answer.bytes, reply_size);
    if (ret_fd)
        *ret_fd = TAKE_FD(fd);
    return answer.result;
}
