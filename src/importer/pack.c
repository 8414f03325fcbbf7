/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/stream.h"

#include "base/log.h"
#include "base/text.h"
#include "importer/hash.h"
#include "tree/compare.h"
#include "tree/content.h"
#include "tree/walk.h"
#include "tree/worker.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES     (1U << 20)
#define WARNINGS_MAX     20U
#define LAYER_HOLES_MIN  (1U << 20)
#define CAPABILITY_BYTES 20 /* capability.h, XATTR_CAPS_SZ_2: without the root of a user namespace */

enum { MESSAGE_WARNING, MESSAGE_NEWEST };

typedef struct Pack {
    const StreamRequest *request;
    Worker *worker;
    struct archive *archive;
    const char *prefix; /* of all names; "" for content */
    char *buffer, *zeros;
    unsigned warnings;
    int64_t newest_sec; /* of a layer */
} Pack;

static void pack_done(Pack *pack)
{
    if (pack->archive)
        archive_write_free(pack->archive);
    free(pack->buffer);
    free(pack->zeros);
}

static int fail(Pack *pack, Error *error)
{
    const char *text = archive_error_string(pack->archive);
    int code = archive_errno(pack->archive);

    if (code == EPIPE)
        return error_set(error, -EPIPE, "nobody reads the archive any more");
    return error_set(error, code > 0 ? -code : -EIO, "writing the archive: %s", text ? text : "?");
}

static int warn(Pack *pack, const char *path, const char *text)
{
    _cleanup_free_ char *line = NULL;

    if (pack->warnings++ >= WARNINGS_MAX)
        return 0;
    line = text_format("'%.2000s': %s", path, text);
    return line ? worker_send(pack->worker, MESSAGE_WARNING, line, strlen(line)) : -ENOMEM;
}

static int write_all(Pack *pack, const char *data, size_t size, Error *error)
{
    while (size > 0) {
        la_ssize_t n = archive_write_data(pack->archive, data, size);

        if (n <= 0)
            return fail(pack, error);
        data += n;
        size -= (size_t) n;
    }
    return 0;
}

/* libarchive wants the holes too, and leaves them out by the list that the member got before. */
static int write_hole(Pack *pack, uint64_t size, Error *error)
{
    int r = 0;

    for (; size > 0 && r == 0; size -= MIN(size, BUFFER_BYTES))
        r = write_all(pack, pack->zeros, MIN(size, BUFFER_BYTES), error);
    return r;
}

/* A file that became shorter meanwhile ends in zeros: its size is written already. */
static int write_data(Pack *pack, int fd, uint64_t start, uint64_t end, Error *error)
{
    while (start < end) {
        ssize_t n = pread(fd, pack->buffer, MIN(BUFFER_BYTES, end - start), (off_t) start);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(error, -errno, "reading: %m");
        if (n == 0)
            return write_hole(pack, end - start, error);
        r = write_all(pack, pack->buffer, (size_t) n, error);
        if (r < 0)
            return r;
        start += (uint64_t) n;
    }
    return 0;
}

static int write_content(Pack *pack, int fd, uint64_t size, Error *error)
{
    uint64_t at = 0, start, end;
    int r;

    while ((r = content_next_data(fd, at, size, &start, &end)) > 0) {
        r = write_hole(pack, start - at, error);
        if (r == 0)
            r = write_data(pack, fd, start, end, error);
        if (r < 0)
            return r;
        at = end;
    }
    return write_hole(pack, size - at, error);
}

/* The specification would rather have none in layers, so only those that matter. */
static bool has_large_holes(int fd, uint64_t size)
{
    uint64_t at = 0, start = 0, end = 0, data = 0;

    for (; content_next_data(fd, at, size, &start, &end) > 0; at = end)
        data += end - start;
    return size - data >= LAYER_HOLES_MIN;
}

static void list_holes(struct archive_entry *to, int fd, uint64_t size)
{
    uint64_t at = 0, start = 0, end = 0;

    if (content_next_data(fd, 0, size, &start, &end) > 0 && start == 0 && end == size)
        return;
    while (content_next_data(fd, at, size, &start, &end) > 0) {
        archive_entry_sparse_add_entry(to, (la_int64_t) start, (la_int64_t) (end - start));
        at = end;
    }
    /* The end of a hole at the end. */
    if (at < size)
        archive_entry_sparse_add_entry(to, (la_int64_t) size, 0);
}

/* A layer knows no hosts: capabilities that count in one user namespace only, and marks of overlayfs, mean nothing there.
 */
static bool is_wanted_xattr(const Pack *pack, const TreeXattr *xattr)
{
    if (text_after_prefix(xattr->name, "system."))
        return false;
    if (!pack->request->layer)
        return true;
    return !text_after_prefix(xattr->name, "user.overlay.") &&
           (strcmp(xattr->name, "security.capability") != 0 || xattr->size == CAPABILITY_BYTES);
}

/* Directories that no member of a layer made, and deletions, got the time of their unpacking: that tells nothing about a
 * tree that is compared. */
static void set_time(Pack *pack, const struct stat *st, struct archive_entry *to)
{
    const StreamLayer *layer = pack->request->layer;

    if (pack->request->is_sorted && (S_ISDIR(st->st_mode) || (S_ISCHR(st->st_mode) && st->st_rdev == 0)))
        archive_entry_set_mtime(to, 0, 0);
    else if (layer && st->st_mtim.tv_sec >= layer->latest_sec)
        archive_entry_set_mtime(to, layer->latest_sec, 0);
    else
        archive_entry_set_mtime(to, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    pack->newest_sec = MAX(pack->newest_sec, (int64_t) archive_entry_mtime(to));
}

static int describe(Pack *pack, const WalkEntry *entry, const char *path, struct archive_entry *to, Error *error)
{
    const IdShift *owner = pack->request->owner;
    const struct stat *st = entry->st;
    _cleanup_content_xattrs_ ContentXattrs xattrs = {};
    _cleanup_free_ char *earlier = entry->earlier ? copy_path(pack->prefix, entry->earlier) : NULL;
    int r = 0;

    archive_entry_set_pathname(to, *path ? path : ".");
    archive_entry_set_filetype(to, st->st_mode & S_IFMT);
    archive_entry_set_perm(to, st->st_mode & 07777);
    archive_entry_set_uid(to, id_shift_uid(owner, st->st_uid));
    archive_entry_set_gid(to, id_shift_gid(owner, st->st_gid));
    set_time(pack, st, to);
    if (S_ISLNK(st->st_mode))
        archive_entry_set_symlink(to, entry->link);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        archive_entry_set_rdev(to, st->st_rdev);
    if (entry->earlier) {
        if (!earlier)
            return -ENOMEM;
        archive_entry_set_hardlink(to, earlier);
        return 0;
    }
    if (S_ISREG(st->st_mode)) {
        archive_entry_set_size(to, st->st_size);
        if (!pack->request->layer || has_large_holes(entry->fd, (uint64_t) st->st_size))
            list_holes(to, entry->fd, (uint64_t) st->st_size);
    }
    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
        r = content_read_xattrs(entry->fd, true, &xattrs, error);
    for (size_t i = 0; r == 0 && i < xattrs.count; i++)
        if (is_wanted_xattr(pack, &xattrs.items[i]))
            archive_entry_xattr_add_entry(to, xattrs.items[i].name, xattrs.items[i].value, xattrs.items[i].size);
    return r;
}

static int visit(const WalkEntry *entry, void *userdata, Error *error)
{
    Pack *pack = userdata;
    _cleanup_free_ char *path = copy_path(pack->prefix, entry->path);
    struct archive_entry *to;
    int r;

    if (!path)
        return -ENOMEM;
    if (S_ISSOCK(entry->st->st_mode))
        return warn(pack, path, "left out, because it is a socket");
    to = archive_entry_new();
    if (!to)
        return -ENOMEM;
    r = describe(pack, entry, path, to, error);
    /* A name that is no UTF-8 is a warning only: it is written as it is. */
    if (r == 0 && archive_write_header(pack->archive, to) < ARCHIVE_WARN)
        r = fail(pack, error);
    if (r == 0 && S_ISREG(entry->st->st_mode) && !entry->earlier)
        r = write_content(pack, entry->fd, (uint64_t) entry->st->st_size, error);
    archive_entry_free(to);
    return r < 0 ? error_prefix(error, r, "'%s'", path) : 0;
}

/* --- layers --- */

static int add_whiteout(Pack *pack, const char *directory, const char *name, Error *error)
{
    _cleanup_free_ char *path = text_format("%s%s.wh.%s", directory, *directory ? "/" : "", name);
    struct archive_entry *to = path ? archive_entry_new() : NULL;
    int r = 0;

    if (!to)
        return -ENOMEM;
    archive_entry_set_pathname(to, path);
    archive_entry_set_filetype(to, S_IFREG);
    archive_entry_set_perm(to, 0600);
    archive_entry_set_size(to, 0);
    archive_entry_set_mtime(to, 0, 0);
    if (archive_write_header(pack->archive, to) < ARCHIVE_WARN)
        r = fail(pack, error);
    archive_entry_free(to);
    return r;
}

static int add_whiteouts(Pack *pack, const char *directory, Error *error)
{
    const StreamLayer *layer = pack->request->layer;
    _cleanup_walk_names_ WalkNames names = {};
    int r = layer->lower_fd < 0 ? 0 : compare_list_deleted(layer->lower_fd, layer->merged_fd, directory, &names);

    if (r < 0)
        return error_set(error, r, "cannot read '%.300s' of the image: %s", directory, strerror(-r));
    for (size_t i = 0; i < names.count && r == 0; i++)
        r = add_whiteout(pack, directory, names.items[i], error);
    return r;
}

static int visit_of_layer(const WalkEntry *entry, void *userdata, Error *error)
{
    const char *slash = strrchr(entry->path, '/');
    Pack *pack = userdata;
    int r;

    /* What is deleted is told by what is seen, however overlayfs marks it. */
    if (S_ISCHR(entry->st->st_mode) && entry->st->st_rdev == 0)
        return 0;
    if (text_after_prefix(slash ? slash + 1 : entry->path, ".wh.")) {
        r = warn(pack, entry->path, "left out, because in an image its name would delete another file");
        return r < 0 ? r : 1;
    }
    r = visit(entry, userdata, error);
    return r == 0 && S_ISDIR(entry->st->st_mode) ? add_whiteouts(pack, entry->path, error) : r;
}

static int open_archive(Pack *pack, int fd, Error *error)
{
    pack->archive = archive_write_new();
    pack->buffer = malloc(BUFFER_BYTES);
    pack->zeros = calloc(1, BUFFER_BYTES);
    if (!pack->archive || !pack->buffer || !pack->zeros)
        return -ENOMEM;
    /* No padding to a tape's block at the end of a file. */
    if (archive_write_set_format_pax(pack->archive) != ARCHIVE_OK ||
        /* Attributes as star and GNU tar write them, not also in a form of libarchive's own. */
        archive_write_set_format_option(pack->archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
        archive_write_add_filter_none(pack->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(pack->archive, 1) != ARCHIVE_OK ||
        archive_write_open_fd(pack->archive, fd) != ARCHIVE_OK)
        return fail(pack, error);
    return 0;
}

static int run(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const StreamRequest *request = job->argument;
    _cleanup_(pack_done) Pack pack = {.request = request, .worker = worker};
    _cleanup_free_ char *name = NULL;
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = walk_open(request->tree_fd, request->path, request->flags & COPY_FOLLOW, &fd, &st);

    if (r < 0)
        return error_set(error, r, "cannot open '%s': %s", request->path, strerror(-r));
    r = copy_name_of(request->path, &name);
    pack.prefix = name ? name : "";
    if (r == 0)
        r = open_archive(&pack, job->output_fd, error);
    if (r == 0)
        r = request->layer       ? walk_sorted(fd, &st, visit_of_layer, &pack, error)
            : request->is_sorted ? walk_sorted(fd, &st, visit, &pack, error)
                                 : walk_from(fd, &st, visit, &pack, error);
    if (r == 0 && archive_write_close(pack.archive) != ARCHIVE_OK)
        r = fail(&pack, error);
    if (r == 0 && request->layer)
        r = worker_send(worker, MESSAGE_NEWEST, &pack.newest_sec, sizeof(pack.newest_sec));
    /* After a failure nothing must make the archive look complete. */
    if (r < 0 && pack.archive)
        (void) archive_write_fail(pack.archive);
    return r;
}

static int receive(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    int64_t *newest_sec = userdata;

    if (kind == MESSAGE_NEWEST && newest_sec && size == sizeof(*newest_sec)) {
        memcpy(newest_sec, data, size);
        return 0;
    }
    if (kind != MESSAGE_WARNING)
        return -EPROTO;
    log_warning("%s", data);
    return 0;
}

static int pack_to(const StreamRequest *request, int output_fd, int64_t *ret_newest_sec, Error *error)
{
    WorkerJob job = {
        .name = "pack files",
        .root_fd = -EBADF,
        .output_fd = output_fd,
        .tree_fds = {request->tree_fd},
        .capabilities = copy_capabilities(),
        .run = run,
        .argument = request,
        .receive = receive,
        .userdata = ret_newest_sec,
    };

    if (request->layer) {
        job.tree_fds[1] = request->layer->lower_fd;
        job.tree_fds[2] = request->layer->merged_fd;
    }
    return worker_run(&job, error);
}

int stream_pack(const StreamRequest *request, Error *error)
{
    /* The standard files of a confined child become /dev/null. */
    _cleanup_close_ int output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    return output_fd < 0 ? -errno : pack_to(request, output_fd, NULL, error);
}

int stream_pack_layer(const StreamRequest *request, int64_t *ret_newest_sec, Error *error)
{
    int64_t newest_sec = 0;
    int r = pack_to(request, request->layer->output_fd, &newest_sec, error);

    if (r == 0)
        *ret_newest_sec = newest_sec;
    return r;
}

int stream_hash(const StreamRequest *request, Digest *ret, Error *error)
{
    _cleanup_worker_process_ WorkerProcess process = WORKER_PROCESS_NONE;
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    StreamRequest sorted = *request;
    int fds[2], r, finished;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(error, -errno, "making a pipe: %m");
    read_fd = fds[0];
    write_fd = fds[1];
    sorted.is_sorted = true;
    const WorkerJob job = {.name = "read files",
                           .root_fd = -EBADF,
                           .output_fd = write_fd,
                           .tree_fds = {request->tree_fd},
                           .capabilities = copy_capabilities(),
                           .run = run,
                           .argument = &sorted,
                           .receive = receive};
    r = worker_start(&job, &process, error);
    if (r < 0)
        return r;
    write_fd = safe_close(write_fd);
    /* Its warnings, which are few, fit into the worker's pipe meanwhile. */
    r = hash_stream(read_fd, ret);
    finished = worker_finish(&process, error);
    return finished < 0 ? finished : r;
}
