/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/resolve.h"

#include "base/cleanup.h"
#include "kernel/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLVE_RULE (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* openat2() answers -EAGAIN when a rename elsewhere made it unsure about ".."; a racing container can cause that at
 * will, so the number of tries is bounded. */
static int resolve_with(int root_fd, const char *inside_path, int flags, uint64_t rule)
{
    int r = -EAGAIN;

    for (unsigned attempt = 0; attempt < 64 && r == -EAGAIN; attempt++)
        r = sys_openat2(root_fd, inside_path, flags, 0, rule);
    return r;
}

int resolve_open(int root_fd, const char *inside_path, int flags)
{
    return resolve_with(root_fd, inside_path, flags, RESOLVE_RULE);
}

int resolve_open_on_mount(int root_fd, const char *inside_path, int flags)
{
    return resolve_with(root_fd, inside_path, flags, RESOLVE_RULE | RESOLVE_NO_XDEV);
}

/* The length of the leading components of `path` that end before `end`, without trailing slashes. */
static size_t parent_length(const char *path, size_t end)
{
    while (end > 0 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    while (end > 1 && path[end - 1] == '/')
        end--;
    return end;
}

/* Makes the last component of `path` in its parent, which must exist. */
static int make_last(int root_fd, char *path, ResolveKind kind, uint64_t rule)
{
    _cleanup_close_ int parent_fd = -EBADF, fd = -EBADF;
    size_t length = strlen(path), parent;
    const char *name;
    char saved;

    while (length > 1 && path[length - 1] == '/')
        path[--length] = 0;
    parent = parent_length(path, length);
    name = path + parent + strspn(path + parent, "/");
    if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;

    saved = path[parent];
    path[parent] = 0;
    parent_fd = resolve_with(root_fd, parent > 0 ? path : ".", O_PATH | O_DIRECTORY, rule);
    path[parent] = saved;
    if (parent_fd < 0)
        return parent_fd;

    if (kind == RESOLVE_DIRECTORY)
        return mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
    fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return fd < 0 && errno != EEXIST ? -errno : 0;
}

static int open_kind(int root_fd, const char *path, ResolveKind kind, uint64_t rule)
{
    _cleanup_close_ int fd = resolve_with(root_fd, path, O_PATH, rule);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (kind == RESOLVE_DIRECTORY && !S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if (kind == RESOLVE_FILE && S_ISDIR(st.st_mode))
        return -EISDIR;
    return TAKE_FD(fd);
}

static int make_with(int root_fd, const char *inside_path, ResolveKind kind, uint64_t rule, int *ret_fd)
{
    char path[PATH_MAX];
    size_t length = strlen(inside_path);
    int fd;

    fd = open_kind(root_fd, inside_path, kind, rule);
    if (fd >= 0) {
        *ret_fd = fd;
        return 0;
    }
    if (fd != -ENOENT)
        return fd;
    if (length >= sizeof(path))
        return -ENAMETOOLONG;

    /* Missing parents first, shortest prefix first. Each is resolved anew: the container may move them, but beneath
     * the root is where every one of them lands. */
    for (size_t i = 1; i <= length; i++) {
        int r;

        if (i < length && inside_path[i] != '/')
            continue;
        if (inside_path[i - 1] == '/')
            continue;
        memcpy(path, inside_path, i);
        path[i] = 0;
        fd = resolve_with(root_fd, path, O_PATH, rule);
        if (fd >= 0) {
            safe_close(fd);
            continue;
        }
        if (fd != -ENOENT)
            return fd;
        r = make_last(root_fd, path, i < length && strspn(inside_path + i, "/") < length - i ? RESOLVE_DIRECTORY : kind,
                      rule);
        if (r < 0)
            return r;
    }

    fd = open_kind(root_fd, inside_path, kind, rule);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

int resolve_make(int root_fd, const char *inside_path, ResolveKind kind, int *ret_fd)
{
    return make_with(root_fd, inside_path, kind, RESOLVE_RULE, ret_fd);
}

int resolve_make_plain_directory(int root_fd, const char *inside_path, int *ret_fd)
{
    return make_with(root_fd, inside_path, RESOLVE_DIRECTORY, RESOLVE_RULE | RESOLVE_NO_SYMLINKS, ret_fd);
}
