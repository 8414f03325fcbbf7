/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/tar.h"

#include <errno.h>
#include <string.h>

static la_ssize_t read_callback(struct archive *archive, void *userdata, const void **ret)
{
    TarReader *reader = userdata;
    ssize_t n = inflater_read(reader->inflater, ret, &reader->problem);

    if (n < 0)
        archive_set_error(archive, (int) -n, "%s", "reading failed");
    return n < 0 ? -1 : n;
}

static int fail(TarReader *reader, Error *error)
{
    const char *text = archive_error_string(reader->archive);
    int code = archive_errno(reader->archive);

    if (reader->problem.code != 0) {
        code = reader->problem.code;
        error_move(error, &reader->problem);
        return code;
    }
    if (code == ENOMEM)
        return error_set(error, -ENOMEM, "the archive needs more memory than is allowed");
    return error_hint(error, error_set(error, -EBADMSG, "the archive is damaged or cut off: %s", text ? text : "?"),
                      "make or download the file again");
}

void tar_close(TarReader *reader)
{
    if (reader->archive)
        archive_read_free(reader->archive);
    error_done(&reader->problem);
    *reader = (TarReader){};
}

int tar_open(TarReader *reader, Inflater *inflater, Error *error)
{
    *reader = (TarReader){.inflater = inflater, .archive = archive_read_new()};
    if (!reader->archive)
        return -ENOMEM;
    if (archive_read_support_format_tar(reader->archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(reader->archive) != ARCHIVE_OK ||
        archive_read_open(reader->archive, reader, NULL, read_callback, NULL) != ARCHIVE_OK)
        return fail(reader, error);
    return 0;
}

int tar_next(TarReader *reader, struct archive_entry **ret, const char **ret_warning, Error *error)
{
    int r = archive_read_next_header(reader->archive, ret);

    *ret_warning = NULL;
    if (r == ARCHIVE_EOF)
        return 0;
    if (r == ARCHIVE_WARN)
        *ret_warning = archive_error_string(reader->archive);
    else if (r != ARCHIVE_OK)
        return fail(reader, error);
    reader->name = archive_entry_pathname(*ret);
    if (!reader->name)
        return error_set(error, -EBADMSG, "the archive has a member whose name cannot be read");
    return 1;
}

static int write_at(int fd, const char *data, size_t size, int64_t offset)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, data, size, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        offset += n;
        size -= (size_t) n;
    }
    return 0;
}

int tar_write_content(TarReader *reader, struct archive_entry *entry, int fd, uint64_t max_bytes, uint64_t *written,
                      Error *error)
{
    int64_t size = archive_entry_size(entry), end = 0;

    if (size < 0 || (uint64_t) size > max_bytes)
        return error_set(error, -EFBIG, "the file of %lld bytes is larger than the %llu allowed", (long long) size,
                         (unsigned long long) max_bytes);
    for (;;) {
        const void *block;
        size_t block_size;
        int64_t offset;
        int r = archive_read_data_block(reader->archive, &block, &block_size, &offset);

        if (r == ARCHIVE_EOF)
            break;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return fail(reader, error);
        if (offset < 0 || offset > size || (int64_t) block_size > size - offset)
            return error_set(error, -EBADMSG, "the file has content beyond its size");
        r = write_at(fd, block, block_size, offset);
        if (r < 0)
            return error_set(error, r, "writing: %s", strerror(-r));
        *written += block_size;
        end = MAX(end, offset + (int64_t) block_size);
    }
    /* A hole at the end. */
    if (end < size && ftruncate(fd, size) < 0)
        return error_set(error, -errno, "setting the size: %m");
    return 0;
}
