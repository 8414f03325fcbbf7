/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/idmap.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef EROFS_SUPER_MAGIC_V1
#define EROFS_SUPER_MAGIC_V1 0xe0f5e1e2
#endif

static unsigned kernel_version(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
        return 0;
    return major * 1000 + minor;
}

/* On a tree of its own, so that nothing is changed. */
static bool try_to_map(int fd)
{
    _cleanup_close_ int userns_fd = namespace_make_user("0 1 1"), mount_fd = -EBADF;

    if (userns_fd < 0)
        return false;
    mount_fd = mount_clone(fd, "", false);
    return mount_fd >= 0 && mount_map_ids(mount_fd, userns_fd, false) == 0;
}

bool idmap_is_supported(int fd)
{
    /* The file systems' FS_ALLOW_IDMAP, and the release that brought it. */
    static const struct {
        unsigned magic, since;
    } known[] = {
        {EXT4_SUPER_MAGIC, 5012}, {XFS_SUPER_MAGIC, 5012}, {BTRFS_SUPER_MAGIC, 5015},
        {F2FS_SUPER_MAGIC, 5018}, {TMPFS_MAGIC, 6003},     {EROFS_SUPER_MAGIC_V1, 5019},
    };
    struct stat st, dev;
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
        return false;
    /* devtmpfs calls itself a tmpfs, and cannot. */
    if (fs.f_type == TMPFS_MAGIC && stat("/dev", &dev) == 0 && st.st_dev == dev.st_dev)
        return try_to_map(fd);
    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if ((unsigned) fs.f_type == known[i].magic)
            return kernel_version() >= known[i].since;
    return try_to_map(fd);
}

bool idmap_takes_overlay(void)
{
    return kernel_version() >= 5019;
}
