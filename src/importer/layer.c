/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/layer.h"

#include "base/file.h"
#include "base/text.h"
#include "importer/entry.h"
#include "importer/member.h"
#include "importer/tar.h"
#include "tree/tree.h"

#include <errno.h>
#include <string.h>

#define WHITEOUT_PREFIX ".wh."
#define AUFS_PREFIX     ".wh..wh." /* the deletion marks' own housekeeping, from aufs */
#define OPAQUE_NAME     ".wh..wh..opq"
#define WARNINGS_MAX    20U

/* Zeros compress a thousand times, so a ratio alone would forbid honest images. */
const LayerLimits layer_default_limits = {
    .inflate = {.slack_bytes = UINT64_C(512) << 20, .ratio = 200},
    .entries_max = 2000000,
    .file_max_bytes = UINT64_C(1) << 40,
};

typedef struct Unpack {
    const LayerLimits *limits;
    const LayerEvents *events;
    Tree *tree;
    TarReader tar;
    UnpackResult result;
    unsigned warnings;
} Unpack;

static void unpack_done(Unpack *unpack)
{
    tree_free(unpack->tree);
    tar_close(&unpack->tar);
}

static int warn(Unpack *unpack, const char *name, const char *text)
{
    _cleanup_free_ char *line = NULL;

    if (unpack->warnings++ >= WARNINGS_MAX)
        return 0;
    line = text_format("'%s': %s", name, text);
    return line ? unpack->events->warning(line, unpack->events->userdata) : -ENOMEM;
}

static int add_file(Unpack *unpack, struct archive_entry *entry, const TreeEntry *file, unsigned *skipped, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r = tree_begin_file(unpack->tree, file, &fd, error);

    if (r == 0)
        r = tar_write_content(&unpack->tar, entry, fd, unpack->limits->file_max_bytes, &unpack->result.unpacked_bytes,
                              error);
    return r < 0 ? r : tree_finish_file(unpack->tree, file, fd, skipped, error);
}

static int add_hardlink(Unpack *unpack, const char *path, const char *target, Error *error)
{
    _cleanup_free_ char *normal = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    /* Some tools write targets as seen from inside the container. */
    r = member_normalise(target + strspn(target, "/"), &normal, &problem);
    if (r < 0)
        return error_set(error, r, "it is a hard link to '%.200s': %s", target, problem.text ? problem.text : "");
    return tree_add_hardlink(unpack->tree, path, normal, error);
}

static int add_entry(Unpack *unpack, struct archive_entry *entry, const char *path, Error *error)
{
    const char *hardlink = archive_entry_hardlink(entry);
    TreeXattr xattrs[ENTRY_XATTRS_MAX];
    TreeEntry made = {};
    unsigned skipped = 0;
    int r;

    if (hardlink)
        return add_hardlink(unpack, path, hardlink, error);
    r = entry_read(entry, path, xattrs, &made, error);
    if (r < 0)
        return r;
    switch (made.mode & S_IFMT) {
    case S_IFDIR:
        unpack->result.has_root |= path[0] == 0;
        r = tree_add_directory(unpack->tree, &made, &skipped, error);
        break;
    case S_IFREG:
        r = add_file(unpack, entry, &made, &skipped, error);
        break;
    case S_IFLNK:
        if (text_is_empty(made.link))
            return error_set(error, -EINVAL, "it is a symbolic link to nothing");
        r = tree_add_special(unpack->tree, &made, &skipped, error);
        break;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        r = tree_add_special(unpack->tree, &made, &skipped, error);
        break;
    default: /* a socket: it means nothing without the process behind it */
        return warn(unpack, path, "left out, because it is a socket or of an unknown type");
    }
    unpack->result.skipped_xattrs += skipped;
    return r;
}

/* Names that begin with ".wh." are not files (layer.md, "Whiteouts"). 1: `path` was one and is dealt with. */
static int add_mark(Unpack *unpack, const char *path, Error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    _cleanup_free_ char *parent = strndup(path, slash ? (size_t) (slash - path) : 0);
    int r;

    if (!parent)
        return -ENOMEM;
    for (const char *part = parent; *part; part += strspn(part, "/")) {
        if (text_after_prefix(part, AUFS_PREFIX))
            return 1;
        if (text_after_prefix(part, WHITEOUT_PREFIX))
            return error_set(error, -EINVAL, "it is below a deletion mark");
        part += strcspn(part, "/");
    }
    if (!text_after_prefix(name, WHITEOUT_PREFIX))
        return 0;
    if (strcmp(name, OPAQUE_NAME) == 0)
        r = tree_add_opaque(unpack->tree, parent, error);
    else if (text_after_prefix(name, AUFS_PREFIX))
        r = 0;
    else
        r = tree_add_whiteout(unpack->tree, parent, name + strlen(WHITEOUT_PREFIX), error);
    return r < 0 ? r : 1;
}

static int add_member(Unpack *unpack, struct archive_entry *entry, Error *error)
{
    _cleanup_free_ char *path = NULL;
    int r;

    if (++unpack->result.entries > unpack->limits->entries_max)
        return error_set(error, -EFBIG, "the layer has more than %llu entries",
                         (unsigned long long) unpack->limits->entries_max);
    r = member_normalise(unpack->tar.name, &path, error);
    if (r == 0)
        r = add_mark(unpack, path, error);
    if (r == 0)
        r = add_entry(unpack, entry, path, error);
    return r < 0 ? error_prefix(error, r, "member '%.300s'", unpack->tar.name) : 0;
}

static int on_opaque(const char *path, void *userdata)
{
    Unpack *unpack = userdata;

    if (path[0] == 0) {
        unpack->result.hides_lower = true;
        return 0;
    }
    return unpack->events->opaque(path, unpack->events->userdata);
}

static int add_members(Unpack *unpack, Error *error)
{
    for (;;) {
        struct archive_entry *entry = NULL;
        const char *warning = NULL;
        int r = tar_next(&unpack->tar, &entry, &warning, error);

        if (r <= 0)
            return r;
        if (warning)
            r = warn(unpack, unpack->tar.name, warning);
        if (r >= 0)
            r = add_member(unpack, entry, error);
        if (r < 0)
            return r;
    }
}

int layer_stream(int blob_fd, int plain_fd, int copy_fd, const LayerLimits *limits, StreamResult *ret, Error *error)
{
    _cleanup_inflater_ Inflater *inflater = NULL;
    StreamResult result = {};
    int r = inflater_new(blob_fd, 0, limits->inflate, &inflater);

    if (r == 0 && copy_fd > 0)
        inflater_set_copy(inflater, copy_fd);
    while (r == 0) {
        const void *data;
        ssize_t n = inflater_read(inflater, &data, error);

        if (n < 0)
            return (int) n;
        if (n == 0)
            break;
        if (plain_fd > 0)
            r = file_write_all(plain_fd, data, (size_t) n);
    }
    if (r == 0)
        r = inflater_digests(inflater, &result.blob, &result.diff_id);
    if (r < 0)
        return r;
    result.blob_bytes = inflater_input_bytes(inflater);
    result.plain_bytes = inflater_plain_bytes(inflater);
    result.is_zstd = strcmp(inflater_format_name(inflater), "zstd") == 0;
    *ret = result;
    return 0;
}

int layer_unpack(int plain_fd, int root_fd, const LayerLimits *limits, const LayerEvents *events, UnpackResult *ret,
                 Error *error)
{
    _cleanup_inflater_ Inflater *inflater = NULL;
    _cleanup_(unpack_done) Unpack unpack = {.limits = limits, .events = events};
    int r = inflater_new(plain_fd, INFLATE_PLAIN, (InflateLimits){}, &inflater);

    if (r == 0)
        r = tree_new(root_fd, 0, &unpack.tree);
    if (r == 0)
        r = tar_open(&unpack.tar, inflater, error);
    if (r == 0)
        r = add_members(&unpack, error);
    if (r == 0)
        r = tree_finish(unpack.tree, on_opaque, &unpack, error);
    /* What follows the end of the archive is part of the layer's digest. */
    if (r == 0)
        r = inflater_drain(inflater, error);
    if (r < 0)
        return r;
    *ret = unpack.result;
    return 0;
}
