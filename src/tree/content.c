/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/content.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define BUFFER_BYTES     (256U << 10)
#define UNKNOWN_MAX      (64U << 20)
#define XATTRS_MAX       256U
#define XATTRS_MAX_BYTES (1U << 20)

int content_next_data(int fd, uint64_t offset, uint64_t size, uint64_t *ret_start, uint64_t *ret_end)
{
    off_t start = lseek(fd, (off_t) offset, SEEK_DATA), end;

    if (start < 0) {
        if (errno == ENXIO)
            return 0;
        /* A file system that knows no holes. */
        *ret_start = offset;
        *ret_end = size;
        return offset < size;
    }
    if ((uint64_t) start >= size)
        return 0;
    end = lseek(fd, start, SEEK_HOLE);
    *ret_start = (uint64_t) start;
    *ret_end = end < 0 || (uint64_t) end > size ? size : (uint64_t) end;
    return 1;
}

/* read(2) and write(2); 0 when the file ended before `end`, 1 when all is copied. */
static int copy_by_buffer(int from_fd, int to_fd, uint64_t *offset, uint64_t end)
{
    _cleanup_free_ char *buffer = malloc(BUFFER_BYTES);

    if (!buffer)
        return -ENOMEM;
    while (*offset < end) {
        ssize_t n = pread(from_fd, buffer, MIN(BUFFER_BYTES, end - *offset), (off_t) *offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t m = pwrite(to_fd, buffer + done, (size_t) (n - done), (off_t) *offset + done);

            if (m < 0 && errno != EINTR)
                return -errno;
            done += MAX(m, 0);
        }
        *offset += (uint64_t) n;
    }
    return 1;
}

static int copy_range(int from_fd, int to_fd, uint64_t start, uint64_t end)
{
    while (start < end) {
        off_t from = (off_t) start, to = (off_t) start;
        ssize_t n = copy_file_range(from_fd, &from, to_fd, &to, MIN(end - start, UINT64_C(1) << 30), 0);

        if (n < 0 && errno == EINTR)
            continue;
        /* What the kernel cannot copy between these two file systems (or says is of no length: procfs) is read. */
        if (n <= 0)
            return copy_by_buffer(from_fd, to_fd, &start, end);
        start += (uint64_t) n;
    }
    return 1;
}

static int copy_unknown(int from_fd, int to_fd, Error *error)
{
    uint64_t offset = 0;
    int r = copy_by_buffer(from_fd, to_fd, &offset, UNKNOWN_MAX);

    if (r > 0)
        return error_set(error, -EFBIG, "it says that it is empty and does not end");
    /* A pipe, a directory of procfs and the like in the place of a file have no content to copy. */
    return r < 0 && r != -EAGAIN ? error_set(error, r, "copying the content: %s", strerror(-r)) : 0;
}

int content_copy(int from_fd, int to_fd, uint64_t size, Error *error)
{
    uint64_t start = 0, end = 0;
    int r;

    if (size == 0)
        return copy_unknown(from_fd, to_fd, error);
    if (ioctl(to_fd, FICLONE, from_fd) == 0)
        return 0;
    while ((r = content_next_data(from_fd, end, size, &start, &end)) > 0) {
        r = copy_range(from_fd, to_fd, start, end);
        if (r < 0)
            return error_set(error, r, "copying the content: %s", strerror(-r));
        if (r == 0)
            break;
    }
    if (ftruncate(to_fd, (off_t) size) < 0)
        return error_set(error, -errno, "setting the size: %m");
    return 0;
}

void content_xattrs_done(ContentXattrs *xattrs)
{
    free(xattrs->items);
    free(xattrs->names);
    free(xattrs->values);
}

static bool is_wanted(const char *name, bool with_rights)
{
    if (text_after_prefix(name, "user."))
        return true;
    return with_rights && (strcmp(name, "security.capability") == 0 || text_after_prefix(name, "system.posix_acl_"));
}

int content_read_xattrs(int fd, bool with_rights, ContentXattrs *ret, Error *error)
{
    _cleanup_content_xattrs_ ContentXattrs xattrs = {};
    size_t used = 0;
    ssize_t size = flistxattr(fd, NULL, 0);

    if (size <= 0)
        return 0; /* none, or a file system without */
    xattrs.names = malloc((size_t) size);
    xattrs.items = calloc(XATTRS_MAX, sizeof(TreeXattr));
    if (!xattrs.names || !xattrs.items)
        return -ENOMEM;
    size = flistxattr(fd, xattrs.names, (size_t) size);
    for (const char *name = xattrs.names; size > 0 && name < xattrs.names + size; name += strlen(name) + 1) {
        ssize_t n;

        if (!is_wanted(name, with_rights))
            continue;
        if (xattrs.count == XATTRS_MAX)
            return error_set(error, -EFBIG, "it has more than %u extended attributes", XATTRS_MAX);
        if (!xattrs.values)
            xattrs.values = malloc(XATTRS_MAX_BYTES);
        if (!xattrs.values)
            return -ENOMEM;
        n = fgetxattr(fd, name, xattrs.values + used, XATTRS_MAX_BYTES - used);
        if (n < 0 && errno == ENODATA)
            continue;
        if (n < 0)
            return error_set(error, -errno, "reading the extended attribute %s: %m", name);
        xattrs.items[xattrs.count++] = (TreeXattr){name, xattrs.values + used, (size_t) n};
        used += (size_t) n;
    }
    *ret = xattrs;
    xattrs = (ContentXattrs){};
    return 0;
}
