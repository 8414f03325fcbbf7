/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/sink.h"

#include "base/file.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct Sink {
    struct archive *archive; /* NULL: a directory */
    char *path, *temporary;  /* of an archive with a name: what it is called until it is complete */
    int fd;                  /* the archive's file or the directory */
    int file_fd;             /* the present file of a directory */
    bool is_new;             /* the directory was made here */
};

void sink_free(Sink *sink)
{
    if (!sink)
        return;
    if (sink->archive) {
        (void) archive_write_fail(sink->archive);
        archive_write_free(sink->archive);
    }
    if (sink->temporary)
        (void) unlink(sink->temporary);
    safe_close(sink->file_fd);
    safe_close(sink->fd);
    free(sink->temporary);
    free(sink->path);
    free(sink);
}

static int fail(const Sink *sink, Error *error)
{
    const char *text = archive_error_string(sink->archive);
    int code = archive_errno(sink->archive);

    if (code == EPIPE)
        return error_set(error, -EPIPE, "nobody reads the archive any more");
    return error_set(error, code > 0 ? -code : -EIO, "writing the archive: %s", text ? text : "?");
}

static int open_archive(Sink *sink, Error *error)
{
    if (sink->path) {
        if (faccessat(AT_FDCWD, sink->path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return error_hint(error, error_set(error, -EEXIST, "%s exists already", sink->path),
                              "remove it, or choose another name");
        sink->temporary = text_format("%s.XXXXXX", sink->path);
        sink->fd = sink->temporary ? mkostemp(sink->temporary, O_CLOEXEC) : -ENOMEM;
        if (sink->fd < 0) {
            free(TAKE_PTR(sink->temporary));
            return error_set(error, -errno, "making %s: %m", sink->path);
        }
    } else
        sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    sink->archive = archive_write_new();
    if (!sink->archive)
        return -ENOMEM;
    if (archive_write_set_format_pax_restricted(sink->archive) != ARCHIVE_OK ||
        archive_write_add_filter_none(sink->archive) != ARCHIVE_OK ||
        archive_write_open_fd(sink->archive, sink->fd) != ARCHIVE_OK)
        return fail(sink, error);
    return 0;
}

static bool is_empty(int fd)
{
    _cleanup_close_ int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own_fd < 0 ? NULL : fdopendir(own_fd);
    const struct dirent *entry;
    bool is = directory != NULL;

    if (!directory)
        return false;
    TAKE_FD(own_fd);
    while (is && (entry = readdir(directory)))
        is = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    return is;
}

static int open_directory(Sink *sink, Error *error)
{
    int r = file_open_directory_at(AT_FDCWD, sink->path, true, 0700, &sink->fd);

    if (r == 0 && !is_empty(sink->fd))
        r = -ENOTEMPTY;
    if (r == 0 && (mkdirat(sink->fd, "blobs", 0700) < 0 || mkdirat(sink->fd, "blobs/sha256", 0700) < 0))
        r = -errno;
    return r < 0 ? error_set(error, r, "making the directory %s: %s", sink->path, strerror(-r)) : 0;
}

int sink_open(const char *path, bool is_directory, Sink **ret, Error *error)
{
    _cleanup_sink_ Sink *sink = calloc(1, sizeof(*sink));
    int r;

    if (!sink)
        return -ENOMEM;
    sink->fd = sink->file_fd = -EBADF;
    sink->path = path ? strdup(path) : NULL;
    if (path && !sink->path)
        return -ENOMEM;
    r = is_directory ? open_directory(sink, error) : open_archive(sink, error);
    if (r == 0)
        *ret = TAKE_PTR(sink);
    return r;
}

static int begin_member(Sink *sink, const char *name, uint64_t size, Error *error)
{
    struct archive_entry *entry = archive_entry_new();
    int r = 0;

    if (!entry)
        return -ENOMEM;
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, S_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t) size);
    archive_entry_set_mtime(entry, 0, 0);
    if (archive_write_header(sink->archive, entry) != ARCHIVE_OK)
        r = fail(sink, error);
    archive_entry_free(entry);
    return r;
}

int sink_begin(Sink *sink, const char *name, uint64_t size, Error *error)
{
    if (sink->archive)
        return begin_member(sink, name, size, error);
    safe_close(sink->file_fd);
    sink->file_fd = openat(sink->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return sink->file_fd < 0 ? error_set(error, -errno, "making %s/%s: %m", sink->path, name) : 0;
}

int sink_write(Sink *sink, const void *data, size_t size, Error *error)
{
    const char *at = data;
    int r;

    if (!sink->archive) {
        r = file_write_all(sink->file_fd, data, size);
        return r < 0 ? error_set(error, r, "writing to %s: %s", sink->path, strerror(-r)) : 0;
    }
    while (size > 0) {
        la_ssize_t n = archive_write_data(sink->archive, at, size);

        if (n <= 0)
            return fail(sink, error);
        at += n;
        size -= (size_t) n;
    }
    return 0;
}

/* A new name is on the disk when its directory is (fsync(2)). */
static int sync_parent(const Sink *sink)
{
    const char *last = strrchr(sink->path, '/');
    _cleanup_free_ char *parent = last ? strndup(sink->path, (size_t) (last - sink->path) + 1) : strdup(".");
    _cleanup_close_ int fd = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;

    if (!parent)
        return -ENOMEM;
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int sink_finish(Sink *sink, Error *error)
{
    int r;

    if (sink->archive && archive_write_close(sink->archive) != ARCHIVE_OK)
        return fail(sink, error);
    /* A pipe cannot be synced, and need not. */
    if (sink->path && (sink->archive ? fsync(sink->fd) : syncfs(sink->fd)) < 0)
        return error_set(error, -errno, "writing %s to the disk: %m", sink->path);
    if (!sink->temporary)
        return 0;
    if (renameat2(AT_FDCWD, sink->temporary, AT_FDCWD, sink->path, RENAME_NOREPLACE) < 0)
        return error_set(error, -errno, "making %s: %m", sink->path);
    free(TAKE_PTR(sink->temporary));
    r = sync_parent(sink);
    return r < 0 ? error_set(error, r, "writing the name %s to the disk: %s", sink->path, strerror(-r)) : 0;
}
