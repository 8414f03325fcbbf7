/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/walk.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 512

typedef struct Walk {
    WalkVisitor visit;
    void *userdata;
    dev_t device;
    unsigned depth;
} Walk;

static int walk_object(Walk *walk, int fd);

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static int walk_children(Walk *walk, int fd)
{
    int directory_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(closedirp) DIR *directory = NULL;
    const struct dirent *entry;
    int r = 0;

    if (directory_fd < 0)
        return -errno;
    directory = fdopendir(directory_fd);
    if (!directory) {
        r = -errno;
        safe_close(directory_fd);
        return r;
    }
    if (++walk->depth > DEPTH_MAX)
        return -ELOOP;
    while (r >= 0 && (errno = 0, entry = readdir(directory))) {
        _cleanup_close_ int child_fd = -EBADF;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        child_fd = openat(directory_fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (child_fd < 0 && errno == ENOENT)
            continue;
        r = child_fd < 0 ? -errno : walk_object(walk, child_fd);
    }
    if (r >= 0 && !entry && errno != 0)
        r = -errno;
    walk->depth--;
    return r < 0 ? r : 0;
}

static int walk_object(Walk *walk, int fd)
{
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (walk->depth == 0)
        walk->device = st.st_dev;
    else if (st.st_dev != walk->device)
        return 0;
    r = walk->visit(fd, &st, walk->userdata);
    return r == 0 && S_ISDIR(st.st_mode) ? walk_children(walk, fd) : r;
}

int walk_tree(int fd, WalkVisitor visit, void *userdata)
{
    Walk walk = {.visit = visit, .userdata = userdata};
    int r = walk_object(&walk, fd);

    return r < 0 ? r : 0;
}
