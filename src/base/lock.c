/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/lock.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int lock_file(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

static int lock_record_exclusive(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &lock);
}

static int lock_record_shared(int fd)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &lock);
}

static int take(int dir_fd, const char *name, int (*lock)(int fd), int *ret_fd)
{
    for (;;) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat held, named;

        if (fd < 0)
            return -errno;
        if (lock(fd) < 0)
            return errno == EWOULDBLOCK || errno == EACCES ? -EBUSY : -errno;
        /* The file may have been removed between open and lock: a lock on a nameless file excludes nobody. */
        if (fstat(fd, &held) < 0)
            return -errno;
        if (fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 || held.st_ino != named.st_ino)
            continue;
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
}

int lock_take(int dir_fd, const char *name, int *ret_fd)
{
    return take(dir_fd, name, lock_file, ret_fd);
}

bool lock_is_taken(int dir_fd, const char *name)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    /* Shared, so that two who ask at once do not see each other. */
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static bool is_old(int dir_fd, const char *name, time_t age_sec)
{
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_mtime <= time(NULL) - age_sec;
}

void lock_sweep(int dir_fd, unsigned age_sec, LockIsNeeded is_needed, void *userdata)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!directory) {
        safe_close(fd);
        return;
    }
    while ((entry = readdir(directory))) {
        _cleanup_close_ int lock_fd = -EBADF;

        if (is_old(dir_fd, entry->d_name, (time_t) age_sec) && lock_take(dir_fd, entry->d_name, &lock_fd) == 0 &&
            !is_needed(entry->d_name, lock_fd, userdata))
            (void) unlinkat(dir_fd, entry->d_name, 0);
    }
    closedir(directory);
}

int lock_take_record(int dir_fd, const char *name, bool shared, int *ret_fd)
{
    return take(dir_fd, name, shared ? lock_record_shared : lock_record_exclusive, ret_fd);
}

void lock_forget_record(int dir_fd, const char *name, int fd)
{
    struct stat held, named;

    /* Who takes the name next opens the same file as those who share it now, and must go on doing so. Once it was forgotten
     * the name may be somebody else's. */
    if (lock_record_exclusive(fd) == 0 && fstat(fd, &held) == 0 &&
        fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && held.st_ino == named.st_ino)
        (void) unlinkat(dir_fd, name, 0);
}
