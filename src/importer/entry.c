/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/entry.h"

#include "base/text.h"

#include <archive.h>
#include <errno.h>
#include <string.h>

#define ID_MAX 4294967294LL /* (uid_t) -1 means "leave it" to chown(2) */

/* trusted.* would let an image steer overlayfs itself (redirects, metadata-only copies, opaque marks of its
 * own making), and labels are given by the host's policy. */
static bool is_wanted_xattr(const char *name)
{
    return !text_after_prefix(name, "trusted.") && strcmp(name, "security.selinux") != 0 && strchr(name, '.');
}

static int read_xattrs(struct archive_entry *entry, TreeXattr *xattrs, size_t *ret_count, Error *error)
{
    size_t count = 0;

    (void) archive_entry_xattr_reset(entry);
    for (;;) {
        TreeXattr xattr;

        if (archive_entry_xattr_next(entry, &xattr.name, &xattr.value, &xattr.size) != ARCHIVE_OK)
            break;
        if (!xattr.name || !is_wanted_xattr(xattr.name))
            continue;
        if (count == ENTRY_XATTRS_MAX)
            return error_set(error, -EFBIG, "it has more than %u extended attributes", ENTRY_XATTRS_MAX);
        if (!xattr.value)
            xattr.value = "";
        xattrs[count++] = xattr;
    }
    *ret_count = count;
    return 0;
}

int entry_read(struct archive_entry *entry, const char *path, TreeXattr *xattrs, TreeEntry *ret, Error *error)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    long nsec = archive_entry_mtime_nsec(entry);

    if (uid < 0 || uid > ID_MAX || gid < 0 || gid > ID_MAX)
        return error_set(error, -EINVAL, "its owner %lld:%lld is not a user and a group", (long long) uid,
                         (long long) gid);
    ret->path = path;
    ret->mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
    ret->uid = (uid_t) uid;
    ret->gid = (gid_t) gid;
    ret->device = archive_entry_rdev(entry);
    ret->link = archive_entry_symlink(entry);
    ret->mtime =
        (struct timespec){.tv_sec = archive_entry_mtime(entry), .tv_nsec = nsec >= 0 && nsec < 1000000000L ? nsec : 0};
    ret->xattrs = xattrs;
    return read_xattrs(entry, xattrs, &ret->xattrs_count, error);
}
