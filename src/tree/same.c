/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/same.h"

#include "base/file.h"
#include "kernel/beneath.h"
#include "tree/content.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_BYTES 65536

static bool is_same_stat(const struct stat *one, const struct stat *other)
{
    if (one->st_mode != other->st_mode || one->st_uid != other->st_uid || one->st_gid != other->st_gid)
        return false;
    if (S_ISDIR(one->st_mode))
        return true;
    return one->st_size == other->st_size && one->st_rdev == other->st_rdev &&
           one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static int is_same_link(const char *link, int other_fd)
{
    char other[PATH_MAX];
    ssize_t n = readlinkat(other_fd, "", other, sizeof(other));

    return n < 0 ? -errno : (size_t) n == strlen(link) && memcmp(link, other, (size_t) n) == 0;
}

static bool has_xattr(const ContentXattrs *xattrs, const TreeXattr *wanted)
{
    for (size_t i = 0; i < xattrs->count; i++) {
        const TreeXattr *item = &xattrs->items[i];

        if (strcmp(item->name, wanted->name) == 0)
            return item->size == wanted->size &&
                   (item->size == 0 || memcmp(item->value, wanted->value, item->size) == 0);
    }
    return false;
}

static int has_same_xattrs(int fd, int other_fd, Error *error)
{
    _cleanup_content_xattrs_ ContentXattrs one = {}, other = {};
    int r = content_read_xattrs(fd, true, &one, error);

    if (r == 0)
        r = content_read_xattrs(other_fd, true, &other, error);
    if (r < 0 || one.count != other.count)
        return MIN(r, 0);
    for (size_t i = 0; i < one.count; i++)
        if (!has_xattr(&other, &one.items[i]))
            return 0;
    return 1;
}

static int has_same_content(int fd, int other_fd)
{
    for (;;) {
        char one[CHUNK_BYTES], other[CHUNK_BYTES];
        ssize_t n = file_read_all(fd, one, sizeof(one)), m = file_read_all(other_fd, other, sizeof(other));

        if (n < 0 || m < 0)
            return (int) MIN(n, m);
        if (n != m || memcmp(one, other, (size_t) n) != 0)
            return 0;
        if (n == 0)
            return 1;
    }
}

int same_entry(const WalkEntry *entry, int other_mount_fd, Error *error)
{
    const char *path = *entry->path ? entry->path : ".";
    _cleanup_close_ int path_fd = beneath_open_plain(other_mount_fd, path, O_PATH | O_NOFOLLOW), other_fd = -EBADF;
    struct stat st;
    int r;

    if (path_fd < 0)
        return path_fd;
    if (fstat(path_fd, &st) < 0)
        return -errno;
    if (!is_same_stat(entry->st, &st))
        return 0;
    if (entry->link)
        return is_same_link(entry->link, path_fd);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 1;
    other_fd = beneath_open_plain(other_mount_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (other_fd < 0)
        return other_fd;
    r = has_same_xattrs(entry->fd, other_fd, error);
    return r <= 0 || !S_ISREG(st.st_mode) ? r : has_same_content(entry->fd, other_fd);
}
