/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/compare.h"

#include "base/text.h"
#include "kernel/beneath.h"
#include "tree/copy.h"
#include "tree/same.h"
#include "tree/walk.h"
#include "tree/worker.h"

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

/* 1 it was there and is not any more. A whiteout of a layer that stands alone is no file either. */
static int is_deleted(int lower_fd, int merged_fd, const char *path)
{
    struct stat st;
    int r = exists(merged_fd, path, &st);

    if (r != 0)
        return MIN(r, 0);
    r = exists(lower_fd, path, &st);
    return r > 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0 ? 0 : r;
}

int compare_list_deleted(int lower_fd, int merged_fd, const char *path, WalkNames *ret)
{
    _cleanup_close_ int fd = beneath_open_plain(lower_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY);
    _cleanup_walk_names_ WalkNames names = {};
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    size_t count = 0;
    int r;

    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0;
    if (!directory)
        return fd < 0 ? fd : -errno;
    TAKE_FD(fd);
    r = walk_read_names(directory, &names);
    closedir(directory);
    for (size_t i = 0; r >= 0 && i < names.count; i++) {
        _cleanup_free_ char *child = copy_path(path, names.items[i]);

        r = child ? is_deleted(lower_fd, merged_fd, child) : -ENOMEM;
        if (r > 0) {
            char *name = names.items[count];

            names.items[count++] = names.items[i];
            names.items[i] = name;
        }
    }
    if (r < 0)
        return r;
    for (size_t i = count; i < names.count; i++)
        free(names.items[i]);
    names.count = count;
    *ret = names;
    names = (WalkNames){};
    return 0;
}

static int tell_deleted(const Compare *compare, const char *path)
{
    _cleanup_walk_names_ WalkNames names = {};
    int r = compare_list_deleted(compare->request->lower_fd, compare->request->merged_fd, path, &names);

    for (size_t i = 0; i < names.count && r == 0; i++) {
        _cleanup_free_ char *child = copy_path(path, names.items[i]);

        r = child ? tell(compare, CHANGE_DELETED, child) : -ENOMEM;
    }
    return r;
}

static int visit(const WalkEntry *entry, void *userdata, Error *error)
{
    const Compare *compare = userdata;
    bool is_same = false;
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
        if (r > 0 && compare->request->is_exact) {
            int same = same_entry(entry, compare->request->lower_fd, error);

            if (same < 0)
                return error_set(error, same, "cannot compare '%.300s': %s", entry->path, strerror(-same));
            is_same = same > 0;
        }
        if (!is_same && tell(compare, r > 0 ? CHANGE_CHANGED : CHANGE_ADDED, entry->path) < 0)
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
