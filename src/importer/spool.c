/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/spool.h"

#include "importer/member.h"
#include "importer/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define FILE_MAX_BYTES (UINT64_C(1) << 40)

static int write_file(TarReader *tar, struct archive_entry *entry, int dir_fd, unsigned number, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    uint64_t written = 0;
    char name[16];

    snprintf(name, sizeof(name), "%u", number);
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, -errno, "making a temporary file: %m");
    return tar_write_content(tar, entry, fd, FILE_MAX_BYTES, &written, error);
}

static int spool_member(TarReader *tar, struct archive_entry *entry, int dir_fd, unsigned number, SpoolMember member,
                        void *userdata, Error *error)
{
    const char *hardlink = archive_entry_hardlink(entry), *symlink = archive_entry_symlink(entry);
    _cleanup_free_ char *path = NULL;
    int r = member_normalise(tar->name, &path, error);

    if (r < 0)
        return r;
    if (hardlink)
        return member(SPOOL_HARDLINK, number, path, hardlink, userdata);
    if (archive_entry_filetype(entry) == AE_IFLNK)
        return member(SPOOL_SYMLINK, number, path, symlink ? symlink : "", userdata);
    if (archive_entry_filetype(entry) != AE_IFREG)
        return 0;
    r = write_file(tar, entry, dir_fd, number, error);
    return r < 0 ? r : member(SPOOL_FILE, number, path, "", userdata);
}

int spool_archive(int input_fd, int dir_fd, InflateLimits limits, SpoolMember member, void *userdata, Error *error)
{
    _cleanup_inflater_ Inflater *inflater = NULL;
    _cleanup_tar_ TarReader tar = {};
    int r = inflater_new(input_fd, 0, limits, &inflater);

    if (r == 0)
        r = tar_open(&tar, inflater, error);
    for (unsigned number = 0; r == 0; number++) {
        struct archive_entry *entry = NULL;
        const char *warning = NULL;

        r = tar_next(&tar, &entry, &warning, error);
        if (r <= 0)
            break;
        if (number >= SPOOL_MEMBERS_MAX)
            return error_set(error, -EFBIG, "the archive has more than %u members", SPOOL_MEMBERS_MAX);
        r = spool_member(&tar, entry, dir_fd, number, member, userdata, error);
        if (r < 0)
            return error_prefix(error, r, "member '%.300s'", tar.name);
    }
    /* A checksum at the end of the outer compression is part of the archive. */
    return r < 0 ? r : inflater_drain(inflater, error);
}
