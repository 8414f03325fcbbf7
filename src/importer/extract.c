/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/stream.h"

#include "base/log.h"
#include "base/text.h"
#include "importer/entry.h"
#include "importer/layer.h"
#include "importer/member.h"
#include "importer/tar.h"
#include "kernel/namespace.h"
#include "tree/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WARNINGS_MAX 20U

enum { MESSAGE_WARNING };

typedef struct Extract {
    Tree *tree; /* borrowed */
    const IdShift *owner;
    bool has_rights;
    int (*warning)(const char *text, void *userdata);
    void *userdata;
    TarReader tar;
    unsigned warnings, skipped_xattrs;
    uint64_t entries, written;
} Extract;

static void extract_done(Extract *extract)
{
    tar_close(&extract->tar);
}

static int warn(Extract *extract, const char *name, const char *text)
{
    _cleanup_free_ char *line = NULL;

    if (extract->warnings++ >= WARNINGS_MAX)
        return 0;
    line = text_format("'%.2000s': %s", name, text);
    return line ? extract->warning(line, extract->userdata) : -ENOMEM;
}

static int add_file(Extract *extract, struct archive_entry *entry, const TreeEntry *file, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r = tree_begin_file(extract->tree, file, &fd, error);

    if (r == 0)
        r = tar_write_content(&extract->tar, entry, fd, layer_default_limits.file_max_bytes, &extract->written, error);
    return r < 0 ? r : tree_finish_file(extract->tree, file, fd, &extract->skipped_xattrs, error);
}

static int add_hardlink(Extract *extract, const char *path, const char *target, Error *error)
{
    _cleanup_free_ char *normal = NULL;
    int r = member_normalise(target, &normal, error);

    return r < 0 ? error_prefix(error, r, "it is a hard link to '%.200s'", target)
                 : tree_add_hardlink(extract->tree, path, normal, error);
}

/* Set-ID bits and the attributes that give rights stay behind like the owners that they belong to. */
static void take_rights(TreeEntry *entry, TreeXattr *xattrs)
{
    size_t count = 0;

    entry->mode &= S_IFMT | 01777;
    for (size_t i = 0; i < entry->xattrs_count; i++)
        if (text_after_prefix(xattrs[i].name, "user."))
            xattrs[count++] = xattrs[i];
    entry->xattrs_count = count;
}

static int add_entry(Extract *extract, struct archive_entry *entry, const char *path, Error *error)
{
    const char *hardlink = archive_entry_hardlink(entry);
    TreeXattr xattrs[ENTRY_XATTRS_MAX];
    TreeEntry made = {};
    int r;

    if (hardlink)
        return add_hardlink(extract, path, hardlink, error);
    r = entry_read(entry, path, xattrs, &made, error);
    if (r < 0)
        return r;
    if (!extract->has_rights)
        take_rights(&made, xattrs);
    made.uid = id_shift_uid(extract->owner, made.uid);
    made.gid = id_shift_gid(extract->owner, made.gid);
    switch (made.mode & S_IFMT) {
    case S_IFDIR:
        return tree_add_directory(extract->tree, &made, &extract->skipped_xattrs, error);
    case S_IFREG:
        return add_file(extract, entry, &made, error);
    case S_IFLNK:
        if (text_is_empty(made.link))
            return error_set(error, -EINVAL, "it is a symbolic link to nothing");
        return tree_add_special(extract->tree, &made, &extract->skipped_xattrs, error);
    case S_IFIFO:
        return tree_add_special(extract->tree, &made, &extract->skipped_xattrs, error);
    default:
        return warn(extract, path, "left out, because it is a device node or a socket");
    }
}

static int add_member(Extract *extract, struct archive_entry *entry, Error *error)
{
    _cleanup_free_ char *path = NULL;
    int r;

    if (++extract->entries > layer_default_limits.entries_max)
        return error_set(error, -EFBIG, "the archive has more than %llu members",
                         (unsigned long long) layer_default_limits.entries_max);
    r = member_normalise(extract->tar.name, &path, error);
    if (r == 0)
        r = add_entry(extract, entry, path, error);
    return r < 0 ? error_prefix(error, r, "member '%.300s'", extract->tar.name) : 0;
}

static int add_members(Extract *extract, Error *error)
{
    for (;;) {
        struct archive_entry *entry = NULL;
        const char *warning = NULL;
        int r = tar_next(&extract->tar, &entry, &warning, error);

        if (r <= 0)
            return r;
        if (warning)
            r = warn(extract, extract->tar.name, warning);
        if (r >= 0)
            r = add_member(extract, entry, error);
        if (r < 0)
            return r;
    }
}

int stream_read(int fd, Tree *tree, const IdShift *owner, bool has_rights,
                int (*warning)(const char *text, void *userdata), void *userdata, Error *error)
{
    _cleanup_inflater_ Inflater *inflater = NULL;
    _cleanup_(extract_done) Extract extract = {
        .tree = tree, .owner = owner, .has_rights = has_rights, .warning = warning, .userdata = userdata};
    /* No guard against streams that grow: what is piped here is wanted, and stays in one container. */
    int r = inflater_new(fd, 0, (InflateLimits){}, &inflater);

    if (r == 0)
        r = tar_open(&extract.tar, inflater, error);
    if (r == 0)
        r = add_members(&extract, error);
    if (r == 0)
        r = tree_finish(tree, NULL, NULL, error);
    /* So that whoever writes to us does not see a broken pipe. */
    if (r == 0)
        r = inflater_drain(inflater, error);
    if (r == 0 && extract.skipped_xattrs > 0)
        r = warn(&extract, "-", "the file system does not take all extended attributes");
    return r;
}

static int send_warning(const char *text, void *userdata)
{
    return worker_send(userdata, MESSAGE_WARNING, text, strlen(text));
}

static int run(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const StreamRequest *request = job->argument;
    const CopyPlace to = {request->tree_fd, request->path};
    TreeFlags flags = copy_tree_flags(request->flags | COPY_REPLACE);
    _cleanup_copy_target_ CopyTarget target = {.base_fd = -EBADF};
    _cleanup_tree_ Tree *above = NULL, *tree = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r;

    /* The target is the directory itself, also when an archive says nothing of it. */
    r = copy_find_target(&to, NULL, true, request->flags, &target, error);
    if (r < 0)
        return r;
    if (target.prefix[0] && !(request->flags & COPY_PARENTS))
        return error_hint(error, error_set(error, -ENOENT, "'%s' is not a directory that exists", request->path),
                          "--mkdir makes it");
    r = tree_new(target.base_fd, flags, &above);
    if (r < 0)
        return r;
    tree_set_default_owner(above, request->owner->uid, request->owner->gid);
    r = tree_open_directory(above, target.prefix, &fd, error);
    if (r == 0)
        r = tree_new(fd, flags, &tree);
    if (r < 0)
        return r;
    tree_set_default_owner(tree, request->owner->uid, request->owner->gid);
    return stream_read(job->input_fd, tree, request->owner, request->flags & COPY_RIGHTS, send_warning, worker, error);
}

static int receive(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    if (kind != MESSAGE_WARNING)
        return -EPROTO;
    log_warning("%s", data);
    return 0;
}

int stream_unpack(const StreamRequest *request, Error *error)
{
    /* The standard files of a confined child become /dev/null. */
    _cleanup_close_ int input_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    const WorkerJob job = {
        .name = "unpack files",
        .root_fd = -EBADF,
        .input_fd = input_fd,
        .tree_fds = {request->tree_fd},
        .capabilities = copy_capabilities(),
        .run = run,
        .argument = request,
        .receive = receive,
    };

    if (input_fd < 0)
        return -errno;
    /* Files seen through a map of ids can only be made by one who has an id in it. */
    if (request->owner->uids && !request->owner->to_inside) {
        int r = namespace_set_file_ids(request->owner->uid, request->owner->gid);

        if (r < 0)
            return error_set(error, r, "cannot make files for user %u: %s", request->owner->uid, strerror(-r));
    }
    return worker_run(&job, error);
}
