/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/volume.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define REMOVED_PREFIX ".#removed-"
#define DATA           "data"
#define FILL           "fill"

int volumes_open(int data_fd, bool create, int *ret_fd)
{
    return data_fd < 0 ? -ENOENT : file_open_directory_at(data_fd, "volumes", create, 0700, ret_fd);
}

static DIR *open_list(int fd)
{
    int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own_fd < 0 ? NULL : fdopendir(own_fd);

    if (!directory)
        safe_close(own_fd);
    return directory;
}

int volumes_list(int volumes_fd, char ***ret)
{
    _cleanup_strv_ char **names = NULL;
    int r = file_list_at(volumes_fd, ".", text_is_name, &names);

    if (r < 0)
        return r;
    *ret = TAKE_PTR(names);
    return 0;
}

void volume_done(Volume *volume)
{
    volume->fd = safe_close(volume->fd);
    volume->data_fd = safe_close(volume->data_fd);
}

static int open_directory(int fd, const char *name, int flags, mode_t mode, bool create, int *ret_fd)
{
    int directory_fd;

    if (create && mkdirat(fd, name, mode) < 0 && errno != EEXIST)
        return -errno;
    directory_fd = openat(fd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory_fd < 0)
        return -errno;
    *ret_fd = directory_fd;
    return 0;
}

/* Whether the name still leads to what was locked: it may have been removed before the lock was had. */
static bool is_current(int volumes_fd, const char *name, int fd)
{
    struct stat own, named;

    return fstat(fd, &own) == 0 && fstatat(volumes_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* Whoever wants to know whether a volume is used takes the lock for a moment: that is not a use. */
static int lock_volume(int fd, VolumeFlags flags)
{
    const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};

    if (flags & VOLUME_UNLOCKED)
        return 0;
    for (unsigned i = 0; flock(fd, flags & VOLUME_EXCLUSIVE ? LOCK_EX | LOCK_NB : LOCK_SH) < 0; i++) {
        if (errno != EINTR && errno != EWOULDBLOCK)
            return -errno;
        if (errno == EWOULDBLOCK && i >= 4)
            return -EBUSY;
        if (errno == EWOULDBLOCK)
            nanosleep(&moment, NULL);
    }
    return 0;
}

int volume_open(int volumes_fd, const char *name, VolumeFlags flags, Volume *ret)
{
    bool create = flags & VOLUME_CREATE;
    int r;

    if (!text_is_name(name))
        return -EINVAL;
    for (;;) {
        _cleanup_volume_ Volume volume = VOLUME_NONE;

        r = open_directory(volumes_fd, name, O_RDONLY, 0700, create, &volume.fd);
        if (r < 0)
            return r;
        r = lock_volume(volume.fd, flags);
        if (r < 0)
            return r;
        if (!is_current(volumes_fd, name, volume.fd))
            continue;
        /* Also of one whose maker was killed between the two. */
        r = open_directory(volume.fd, DATA, O_PATH, 0755, !(flags & VOLUME_UNLOCKED), &volume.data_fd);
        if (r < 0 && !(flags & VOLUME_UNLOCKED))
            return r;
        *ret = volume;
        volume = VOLUME_NONE;
        return 0;
    }
}

bool volume_is_used(const Volume *volume)
{
    if (flock(volume->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    (void) flock(volume->fd, LOCK_UN);
    return false;
}

/* What is below the directory may change, the directory itself never does again. */
uint64_t volume_made_usec(const Volume *volume)
{
    struct statx st;

    return statx(volume->fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) == 0 && (st.stx_mask & STATX_BTIME)
               ? (uint64_t) st.stx_btime.tv_sec * 1000000 + st.stx_btime.tv_nsec / 1000
               : 0;
}

int volume_remove(int volumes_fd, const char *name)
{
    _cleanup_free_ char *aside = text_format(REMOVED_PREFIX "%s", name);

    if (!aside)
        return -ENOMEM;
    (void) file_remove_tree_at(volumes_fd, aside);
    if (renameat(volumes_fd, name, volumes_fd, aside) < 0)
        return -errno;
    return file_remove_tree_at(volumes_fd, aside);
}

void volumes_sweep(int volumes_fd)
{
    DIR *directory = open_list(volumes_fd);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        if (text_after_prefix(entry->d_name, REMOVED_PREFIX))
            (void) file_remove_tree_at(volumes_fd, entry->d_name);
    if (directory)
        closedir(directory);
}

int volume_is_empty(const Volume *volume)
{
    DIR *directory = open_list(volume->data_fd);
    const struct dirent *entry;
    int r = 1;

    if (!directory)
        return -errno;
    while (r > 0 && (entry = readdir(directory)))
        r = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    return r;
}

int volume_begin_fill(const Volume *volume, int *ret_fd)
{
    int r = file_remove_tree_at(volume->fd, FILL);

    return r < 0 && r != -ENOENT ? r : open_directory(volume->fd, FILL, O_RDONLY, 0755, true, ret_fd);
}

/* rename(2) takes an empty directory's place in one act. */
int volume_finish_fill(const Volume *volume)
{
    return renameat(volume->fd, FILL, volume->fd, DATA) < 0 ? -errno : 0;
}
