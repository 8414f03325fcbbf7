/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/procfs.h"

#include "base/cleanup.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PROC_ROOT_INODE 1 /* of every procfs: include/linux/proc_ns.h, PROC_ROOT_INO */

static bool is_procfs(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int procfs_open(void)
{
    _cleanup_close_ int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return is_procfs(fd) && st.st_ino == PROC_ROOT_INODE ? TAKE_FD(fd) : -EXDEV;
}

int procfs_open_at(int proc_fd, const char *name, int flags)
{
    /* "self" is a link, but no magic one, and leads to a directory of the same mount. */
    _cleanup_close_ int fd = resolve_open_on_mount(proc_fd, name, flags | O_NOFOLLOW);

    if (fd < 0)
        return fd;
    return is_procfs(fd) ? TAKE_FD(fd) : -EXDEV;
}
