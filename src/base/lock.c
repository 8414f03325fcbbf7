/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/lock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

int lock_take(int dir_fd, const char *name, int *ret_fd)
{
    for (;;) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat held, named;

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
        /* The file may have been removed between open and lock: a lock on a nameless file excludes nobody. */
        if (fstat(fd, &held) < 0)
            return -errno;
        if (fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 || held.st_ino != named.st_ino)
            continue;
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
}

bool lock_is_taken(int dir_fd, const char *name)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    /* Shared, so that two who ask at once do not see each other. */
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
