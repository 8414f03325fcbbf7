/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/append.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Opens it and takes its lock. 1: somebody has moved it away meanwhile. */
static int open_locked(int dir_fd, const char *name, int *ret_fd, uint64_t *ret_size)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat held, named;

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    if (fstat(fd, &held) < 0)
        return -errno;
    if (fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 || named.st_ino != held.st_ino)
        return 1;
    *ret_fd = TAKE_FD(fd);
    *ret_size = (uint64_t) held.st_size;
    return 0;
}

int append_record_at(int dir_fd, const char *name, const void *data, size_t size, uint64_t max_bytes)
{
    char older[256];
    int n = snprintf(older, sizeof(older), "%s:1", name);

    if (n < 0 || (size_t) n >= sizeof(older))
        return -ENAMETOOLONG;
    if (size > max_bytes)
        return -EMSGSIZE;
    for (;;) {
        _cleanup_close_ int fd = -EBADF;
        uint64_t present = 0;
        int r = open_locked(dir_fd, name, &fd, &present);

        if (r > 0)
            continue;
        if (r < 0)
            return r;
        if (present + size <= max_bytes)
            return file_write_all(fd, data, size);
        /* Whoever waits for the lock of the old one sees that the name leads elsewhere. */
        if (renameat(dir_fd, name, dir_fd, older) < 0)
            return -errno;
    }
}
