/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/pipe.h"

#include "base/cleanup.h"
#include "kernel/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FIFO_NAME   "fifo"
#define CONTEXT_MAX 4096

static int make_fifo(const char *context, int ret_fds[2])
{
    char option[CONTEXT_MAX], *options[] = {option, (char *) "mode=0700", (char *) "nr_inodes=2", NULL};
    _cleanup_close_ int mount_fd = -EBADF, read_fd = -EBADF, write_fd = -EBADF;
    int n = snprintf(option, sizeof(option), "context=%s", context);

    if (n < 0 || (size_t) n >= sizeof(option))
        return -ENAMETOOLONG;
    mount_fd = mount_create("tmpfs", NULL, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV);
    if (mount_fd < 0)
        return mount_fd;
    if (mkfifoat(mount_fd, FIFO_NAME, 0600) < 0)
        return -errno;
    /* Non-blocking, or opening one end would wait for the other: fifo(7). */
    read_fd = openat(mount_fd, FIFO_NAME, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (read_fd < 0)
        return -errno;
    write_fd = openat(mount_fd, FIFO_NAME, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    /* Without a name, as a pipe is: pipe_give() tells by that. */
    if (write_fd < 0 || fcntl(read_fd, F_SETFL, O_RDONLY) < 0 || unlinkat(mount_fd, FIFO_NAME, 0) < 0)
        return -errno;
    ret_fds[0] = TAKE_FD(read_fd);
    ret_fds[1] = TAKE_FD(write_fd);
    return 0;
}

int pipe_give(int fd, uid_t uid, gid_t gid)
{
    struct statfs fs;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0 || !S_ISFIFO(st.st_mode) ||
        (fs.f_type != PIPEFS_MAGIC && (fs.f_type != TMPFS_MAGIC || st.st_nlink > 0)))
        return 0;
    return fchown(fd, uid, gid) < 0 ? -errno : 0;
}

int pipe_make(const char *context, int ret_fds[2])
{
    if (context)
        return make_fifo(context, ret_fds);
    return pipe2(ret_fds, O_CLOEXEC) < 0 ? -errno : 0;
}
