/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/copy.h"

#include "base/text.h"
#include "kernel/resolve.h"
#include "tree/content.h"
#include "tree/walk.h"
#include "tree/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <time.h>

#define WARNINGS_MAX 20U

#define PROGRESS_NSEC 200000000

enum { MESSAGE_WARNING, MESSAGE_PROGRESS };

typedef struct Progress {
    uint64_t entries, bytes;
} Progress;

typedef struct Copy {
    const CopyRequest *request;
    Worker *worker;
    Tree *tree;
    CopyTarget target;
    struct stat base; /* of the directory that the copy goes to */
    unsigned warnings, skipped_xattrs;
    Progress progress;
    struct timespec told; /* when it was last told */
} Copy;

static void copy_done(Copy *copy)
{
    tree_free(copy->tree);
    copy_target_done(&copy->target);
}

uint64_t copy_capabilities(void)
{
    return UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FOWNER |
           UINT64_C(1) << CAP_FSETID | UINT64_C(1) << CAP_SETFCAP;
}

TreeFlags copy_tree_flags(CopyFlags flags)
{
    return TREE_LIVE | (flags & COPY_REPLACE ? TREE_REPLACE : 0) | (flags & COPY_RIGHTS ? TREE_SET_EXISTING : 0);
}

void copy_target_done(CopyTarget *target)
{
    target->base_fd = safe_close(target->base_fd);
    free(TAKE_PTR(target->prefix));
}

/* The length without slashes and "." at the end; of "/" and "." it is 0. */
static size_t trimmed_length(const char *path)
{
    size_t length = strlen(path);

    for (;;) {
        if (length > 0 && path[length - 1] == '/')
            length--;
        else if (length > 0 && path[length - 1] == '.' && (length == 1 || path[length - 2] == '/'))
            length--;
        else
            return length;
    }
}

static size_t last_component(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

static bool names_content(const char *path)
{
    size_t length = strlen(path), start = last_component(path, length);

    return strcmp(path + start, ".") == 0 || trimmed_length(path) == 0;
}

static bool is_dotdot(const char *name, size_t length)
{
    return length == 2 && memcmp(name, "..", 2) == 0;
}

int copy_name_of(const char *path, char **ret)
{
    size_t length = trimmed_length(path), start = last_component(path, length);
    char *name = NULL;

    if (!names_content(path) && !is_dotdot(path + start, length - start)) {
        name = strndup(path + start, length - start);
        if (!name)
            return -ENOMEM;
    }
    *ret = name;
    return 0;
}

char *copy_path(const char *prefix, const char *path)
{
    return text_format("%s%s%s", prefix, *prefix && *path ? "/" : "", path);
}

static int say_target(const char *path, int code, Error *error)
{
    return error_set(error, code, "cannot open the target '%s': %s", path, strerror(-code));
}

/* The deepest directory above the target that is there; without COPY_PARENTS that must be its parent. The rest is the
 * prefix: the tree makes it. */
static int find_parent(const CopyPlace *to, CopyFlags flags, CopyTarget *target, Error *error)
{
    size_t length = trimmed_length(to->path), end = length;

    for (;;) {
        size_t start = last_component(to->path, end);
        _cleanup_free_ char *parent = strndup(to->path, start);
        int fd;

        if (!parent)
            return -ENOMEM;
        if (end == 0 || is_dotdot(to->path + start, end - start))
            return say_target(to->path, -ENOENT, error);
        fd = resolve_open(to->mount_fd, start > 0 ? parent : ".", O_PATH | O_DIRECTORY);
        if (fd >= 0) {
            target->base_fd = fd;
            target->prefix = strndup(to->path + start, length - start);
            return target->prefix ? 0 : -ENOMEM;
        }
        if (fd == -ENOENT && !(flags & COPY_PARENTS))
            return error_hint(error, error_set(error, fd, "the directory '%s' does not exist", parent),
                              "--mkdir makes it");
        if (fd != -ENOENT)
            return say_target(parent, fd, error);
        end = start;
        while (end > 0 && to->path[end - 1] == '/')
            end--;
    }
}

int copy_find_target(const CopyPlace *to, const char *name, bool is_directory, CopyFlags flags, CopyTarget *ret,
                     Error *error)
{
    _cleanup_copy_target_ CopyTarget target = {.base_fd = -EBADF};
    size_t length = strlen(to->path);
    int r;

    target.base_fd = resolve_open(to->mount_fd, to->path, O_PATH | O_DIRECTORY);
    if (target.base_fd >= 0) {
        bool takes_in = !(flags & COPY_EXACT) && name;

        if (!is_directory && !takes_in)
            return error_set(error, -EISDIR, "the target '%s' is a directory", to->path);
        target.prefix = strdup(takes_in ? name : "");
        if (!target.prefix)
            return -ENOMEM;
    } else if (target.base_fd != -ENOENT && target.base_fd != -ENOTDIR && target.base_fd != -ELOOP)
        return say_target(to->path, target.base_fd, error);
    else if (!is_directory && length > trimmed_length(to->path))
        return say_target(to->path, target.base_fd, error);
    else {
        r = find_parent(to, flags, &target, error);
        if (r < 0)
            return r;
    }
    *ret = target;
    target = (CopyTarget){.base_fd = -EBADF};
    return 0;
}

/* --- in the child --- */

static int warn(Copy *copy, const char *path, const char *text)
{
    _cleanup_free_ char *line = NULL;

    if (copy->warnings++ >= WARNINGS_MAX)
        return 0;
    line = text_format("'%.2000s': %s", path, text);
    return line ? worker_send(copy->worker, MESSAGE_WARNING, line, strlen(line)) : -ENOMEM;
}

static int copy_file(Copy *copy, const WalkEntry *entry, const TreeEntry *made, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r = tree_begin_file(copy->tree, made, &fd, error);

    if (r == 0)
        r = content_copy(entry->fd, fd, (uint64_t) entry->st->st_size, error);
    return r < 0 ? r : tree_finish_file(copy->tree, made, fd, &copy->skipped_xattrs, error);
}

/* Names of one file stay so, as far as the target can: it may consist of several file systems. */
static int link_file(Copy *copy, const WalkEntry *entry, const TreeEntry *made, Error *error)
{
    _cleanup_free_ char *earlier = copy_path(copy->target.prefix, entry->earlier);
    _cleanup_error_ Error why = {};
    int r = earlier ? tree_add_hardlink(copy->tree, made->path, earlier, &why) : -ENOMEM;

    if (r == -EXDEV || r == -EMLINK)
        return copy_file(copy, entry, made, error);
    if (r < 0)
        error_move(error, &why);
    return r;
}

static int copy_one(Copy *copy, const WalkEntry *entry, const char *path, Error *error)
{
    const CopyRequest *request = copy->request;
    bool has_rights = request->flags & COPY_RIGHTS;
    const struct stat *st = entry->st;
    _cleanup_content_xattrs_ ContentXattrs xattrs = {};
    TreeEntry made = {
        .path = path,
        .mode = st->st_mode & (has_rights ? 0177777 : S_IFMT | 01777),
        .uid = id_shift_uid(request->owner, st->st_uid),
        .gid = id_shift_gid(request->owner, st->st_gid),
        .link = entry->link,
        .mtime = st->st_mtim,
    };
    int r = 0;

    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
        r = content_read_xattrs(entry->fd, has_rights, &xattrs, error);
    if (r < 0)
        return r;
    made.xattrs = xattrs.items;
    made.xattrs_count = xattrs.count;
    switch (st->st_mode & S_IFMT) {
    case S_IFDIR:
        return tree_add_directory(copy->tree, &made, &copy->skipped_xattrs, error);
    case S_IFREG:
        return entry->earlier ? link_file(copy, entry, &made, error) : copy_file(copy, entry, &made, error);
    case S_IFLNK:
    case S_IFIFO:
        return tree_add_special(copy->tree, &made, &copy->skipped_xattrs, error);
    default:
        if (entry->path[0])
            return warn(copy, entry->path, "left out, because it is a device node or a socket");
        return error_set(error, -EPERM, "it is a device node or a socket");
    }
}

static int tell_progress(Copy *copy, const WalkEntry *entry)
{
    struct timespec now;

    copy->progress.entries++;
    copy->progress.bytes += S_ISREG(entry->st->st_mode) ? (uint64_t) entry->st->st_size : 0;
    if (!copy->request->progress || clock_gettime(CLOCK_MONOTONIC, &now) < 0 ||
        (now.tv_sec - copy->told.tv_sec) * 1000000000L + (now.tv_nsec - copy->told.tv_nsec) < PROGRESS_NSEC)
        return 0;
    copy->told = now;
    return worker_send(copy->worker, MESSAGE_PROGRESS, &copy->progress, sizeof(copy->progress));
}

static int visit(const WalkEntry *entry, void *userdata, Error *error)
{
    Copy *copy = userdata;
    _cleanup_free_ char *path = copy_path(copy->target.prefix, entry->path);
    int r;

    if (!path)
        return -ENOMEM;
    if (strlen(path) >= PATH_MAX)
        return error_set(error, -ENAMETOOLONG, "'%.60s...' is deeper than paths can be (%d bytes)", path, PATH_MAX - 1);
    if (S_ISDIR(entry->st->st_mode) && entry->st->st_dev == copy->base.st_dev && entry->st->st_ino == copy->base.st_ino)
        return error_set(error, -ELOOP, "'%s' cannot be copied into itself", copy->request->from.path);
    r = copy_one(copy, entry, path, error);
    if (r == 0)
        r = tell_progress(copy, entry);
    if (r == -ENOMEM || r == 0)
        return r;
    return error_prefix(error, r, "copying '%.300s'", entry->path[0] ? entry->path : copy->request->from.path);
}

static int run(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const CopyRequest *request = job->argument;
    const char *from = request->from.path;
    _cleanup_(copy_done) Copy copy = {.request = request, .worker = worker, .target.base_fd = -EBADF};
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = walk_open(request->from.mount_fd, from, request->flags & COPY_FOLLOW, &fd, &st);

    if (r < 0)
        return error_set(error, r, "cannot open '%s': %s", from, strerror(-r));
    r = copy_find_target(&request->to, request->name, S_ISDIR(st.st_mode), request->flags, &copy.target, error);
    if (r == 0)
        r = tree_new(copy.target.base_fd, copy_tree_flags(request->flags), &copy.tree);
    if (r < 0)
        return r;
    if (fstat(copy.target.base_fd, &copy.base) < 0)
        return -errno;
    tree_set_default_owner(copy.tree, request->owner->uid, request->owner->gid);
    r = walk_from(fd, &st, visit, &copy, error);
    if (r == 0)
        r = tree_finish(copy.tree, NULL, NULL, error);
    if (r == 0 && copy.skipped_xattrs > 0)
        r = warn(&copy, copy.target.prefix, "the file system does not take all extended attributes");
    return r;
}

/* --- in the parent --- */

static int receive(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    const CopyRequest *request = userdata;
    Progress progress;

    if (kind == MESSAGE_PROGRESS && size == sizeof(progress)) {
        memcpy(&progress, data, sizeof(progress));
        if (request->progress)
            request->progress(progress.entries, progress.bytes);
        return 0;
    }
    if (kind != MESSAGE_WARNING)
        return -EPROTO;
    if (request->warning)
        request->warning(data);
    return 0;
}

int copy_run(const CopyRequest *request, Error *error)
{
    const WorkerJob job = {
        .name = "copy",
        .root_fd = -EBADF,
        .tree_fds = {request->from.mount_fd, request->to.mount_fd},
        .capabilities = copy_capabilities(),
        .run = run,
        .argument = request,
        .receive = receive,
        .userdata = (void *) (uintptr_t) request,
    };

    return worker_run(&job, error);
}
