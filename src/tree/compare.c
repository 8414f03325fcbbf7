/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/compare.h"

#include "base/text.h"
#include "kernel/beneath.h"
#include "tree/copy.h"
#include "tree/walk.h"
#include "tree/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { MESSAGE_ADDED, MESSAGE_CHANGED, MESSAGE_DELETED };

typedef struct Compare {
    const CompareRequest *request;
    Worker *worker;
} Compare;

/* --- in the child --- */

static int tell(const Compare *compare, ChangeKind kind, const char *path)
{
    unsigned message = kind == CHANGE_ADDED     ? MESSAGE_ADDED
                       : kind == CHANGE_CHANGED ? MESSAGE_CHANGED
                                                : MESSAGE_DELETED;

    return worker_send(compare->worker, message, path, strlen(path));
}

/* 1 it is there, 0 it is not. */
static int exists(int mount_fd, const char *path, struct stat *ret)
{
    _cleanup_close_ int fd = beneath_open_plain(mount_fd, path, O_PATH | O_NOFOLLOW);

    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0;
    if (fd < 0)
        return fd;
    return fstat(fd, ret) < 0 ? -errno : 1;
}

/* What was in a directory and is not any more. */
static int tell_deleted(const Compare *compare, const char *path)
{
    _cleanup_close_ int fd = beneath_open_plain(compare->request->lower_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int r = 0;

    if (!directory)
        return fd < 0 ? fd : -errno;
    TAKE_FD(fd);
    while (r == 0 && (entry = readdir(directory))) {
        _cleanup_free_ char *child = copy_path(path, entry->d_name);
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        r = child ? exists(compare->request->merged_fd, child, &st) : -ENOMEM;
        /* A whiteout of a layer that stands alone is no file either. */
        if (r == 0 && exists(compare->request->lower_fd, child, &st) > 0 && !(S_ISCHR(st.st_mode) && st.st_rdev == 0))
            r = tell(compare, CHANGE_DELETED, child);
        else
            r = MIN(r, 0);
    }
    closedir(directory);
    return r;
}

static int visit(const WalkEntry *entry, void *userdata, Error *error)
{
    const Compare *compare = userdata;
    struct stat lower;
    int r = 1;

    if (S_ISCHR(entry->st->st_mode) && entry->st->st_rdev == 0)
        return 0;
    if (entry->path[0]) {
        r = exists(compare->request->lower_fd, entry->path, &lower);
        if (r < 0)
            return error_set(error, r, "cannot look at '%.300s': %s", entry->path, strerror(-r));
        if (r > 0 && S_ISCHR(lower.st_mode) && lower.st_rdev == 0)
            r = 0;
        if (tell(compare, r > 0 ? CHANGE_CHANGED : CHANGE_ADDED, entry->path) < 0)
            return -EPIPE;
    } else if (fstat(compare->request->lower_fd, &lower) < 0)
        return -errno;
    if (r > 0 && S_ISDIR(entry->st->st_mode) && S_ISDIR(lower.st_mode)) {
        r = tell_deleted(compare, entry->path);
        return r < 0 ? error_set(error, r, "cannot read '%.300s': %s", entry->path, strerror(-r)) : 0;
    }
    return 0;
}

static int run(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    Compare compare = {job->argument, worker};
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = walk_open(compare.request->upper_fd, ".", false, &fd, &st);

    return r < 0 ? r : walk_from(fd, &st, visit, &compare, error);
}

/* --- in the parent --- */

static int receive(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    static const ChangeKind kinds[] = {
        [MESSAGE_ADDED] = CHANGE_ADDED, [MESSAGE_CHANGED] = CHANGE_CHANGED, [MESSAGE_DELETED] = CHANGE_DELETED};
    const CompareRequest *request = userdata;

    return kind < ELEMENTSOF(kinds) ? request->change(kinds[kind], data, request->userdata) : -EPROTO;
}

int compare_run(const CompareRequest *request, Error *error)
{
    const WorkerJob job = {
        .name = "compare files",
        .root_fd = -EBADF,
        .tree_fds = {request->upper_fd, request->lower_fd, request->merged_fd},
        .capabilities = copy_capabilities(),
        .run = run,
        .argument = request,
        .receive = receive,
        .userdata = (void *) (uintptr_t) request,
    };

    return worker_run(&job, error);
}
