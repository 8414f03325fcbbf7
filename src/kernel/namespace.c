/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/namespace.h"

#include "base/cleanup.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* A file of the host's procfs about a process, or with pid 0 about the caller. */
static int open_of_process(pid_t pid, const char *directory, const char *name, int flags)
{
    char path[64];
    int fd;

    if (pid > 0)
        snprintf(path, sizeof(path), "/proc/%d/%s%s", (int) pid, directory, name);
    else
        snprintf(path, sizeof(path), "/proc/self/%s%s", directory, name);
    fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int namespace_open(pid_t pid, const char *kind)
{
    return open_of_process(pid, "ns/", kind, O_RDONLY);
}

int namespace_enter(int fd, int flags)
{
    return setns(fd, flags) < 0 ? -errno : 0;
}

int namespace_make(int flags)
{
    return unshare(flags) < 0 ? -errno : 0;
}

int namespace_write_map(pid_t pid, const char *file, const char *text)
{
    _cleanup_close_ int fd = open_of_process(pid, "", file, O_WRONLY);
    size_t length = strlen(text);

    if (fd < 0)
        return fd;
    /* One write(2): the kernel takes no second one. */
    return write(fd, text, length) == (ssize_t) length ? 0 : errno ? -errno : -EIO;
}

int namespace_set_file_ids(uid_t uid, gid_t gid)
{
    uint64_t permitted = 0;
    int r;

    /* Both calls tell the id before and never fail; an id that is none tells the one that is there now. */
    (void) setfsgid(gid);
    (void) setfsuid(uid);
    if (setfsgid((gid_t) -1) != (int) gid || setfsuid((uid_t) -1) != (int) uid)
        return -EPERM;
    r = process_get_capabilities(&permitted);
    if (r == 0)
        r = process_set_capabilities(permitted);
    /* A change of ids may have made us dumpable, as sysctl fs.suid_dumpable has it. */
    return r < 0 ? r : process_set_dumpable(false);
}

int namespace_open_path(const char *path, int kind)
{
    _cleanup_close_ int path_fd = open(path, O_PATH | O_CLOEXEC), fd = -EBADF;
    char number[16];
    struct statfs fs;

    if (path_fd < 0 || fstatfs(path_fd, &fs) < 0)
        return -errno;
    if (fs.f_type != NSFS_MAGIC)
        return -EINVAL;
    snprintf(number, sizeof(number), "%d", path_fd);
    fd = open_of_process(0, "fd/", number, O_RDONLY);
    if (fd < 0)
        return fd;
    return ioctl(fd, NS_GET_NSTYPE) == kind ? TAKE_FD(fd) : -EINVAL;
}

int namespace_is_own(int fd, const char *kind)
{
    _cleanup_close_ int own_fd = namespace_open(0, kind);
    struct stat a, b;

    if (own_fd < 0)
        return own_fd;
    if (fstat(fd, &a) < 0 || fstat(own_fd, &b) < 0)
        return -errno;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int namespace_make_time(const char *const *lines)
{
    _cleanup_close_ int fd = -EBADF;

    if (unshare(CLONE_NEWTIME) < 0)
        return -errno;
    fd = open_of_process(0, "", "timens_offsets", O_WRONLY);
    if (fd < 0)
        return fd;
    for (; *lines; lines++)
        if (write(fd, *lines, strlen(*lines)) < 0)
            return -errno;
    return 0;
}

int namespace_make_user(const char *map)
{
    int pidfd = -EBADF, sockets[2], fd, r, code = 0;
    bool is_signaled = false;
    char byte;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid = process_clone(CLONE_NEWUSER, -EBADF, &pidfd);
    if (pid == 0) {
        /* The namespace is there as long as we are, or somebody has an fd of it. */
        safe_close(sockets[0]);
        (void) read(sockets[1], &byte, 1);
        _exit(0);
    }
    safe_close(sockets[1]);
    if (pid < 0) {
        safe_close(sockets[0]);
        return pid;
    }
    r = namespace_write_map(pid, "uid_map", map);
    if (r == 0)
        r = namespace_write_map(pid, "gid_map", map);
    fd = r < 0 ? r : namespace_open(pid, "user");
    safe_close(sockets[0]);
    (void) process_wait(pidfd, &code, &is_signaled);
    safe_close(pidfd);
    return fd;
}
