/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/btrfs.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

bool btrfs_is_subvolume(int fd)
{
    struct statfs fs;
    struct stat st;

    return fstatfs(fd, &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

static int copy_name(char *to, size_t size, const char *name)
{
    if (strlen(name) >= size)
        return -ENAMETOOLONG;
    memcpy(to, name, strlen(name) + 1);
    return 0;
}

int btrfs_make_snapshot(int source_fd, int parent_fd, const char *name, bool read_only)
{
    struct btrfs_ioctl_vol_args_v2 arguments = {.fd = source_fd, .flags = read_only ? BTRFS_SUBVOL_RDONLY : 0};
    int r = copy_name(arguments.name, sizeof(arguments.name), name);

    return r < 0 ? r : ioctl(parent_fd, BTRFS_IOC_SNAP_CREATE_V2, &arguments) < 0 ? -errno : 0;
}

int btrfs_remove_subvolume(int parent_fd, const char *name)
{
    struct btrfs_ioctl_vol_args arguments = {};
    int r = copy_name(arguments.name, sizeof(arguments.name), name);

    return r < 0 ? r : ioctl(parent_fd, BTRFS_IOC_SNAP_DESTROY, &arguments) < 0 ? -errno : 0;
}

int btrfs_get_read_only(int fd, bool *ret)
{
    uint64_t flags = 0;

    if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
        return -errno;
    *ret = flags & BTRFS_SUBVOL_RDONLY;
    return 0;
}

int btrfs_set_read_only(int fd, bool read_only)
{
    uint64_t flags = 0;

    if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
        return -errno;
    flags = read_only ? flags | BTRFS_SUBVOL_RDONLY : flags & ~(uint64_t) BTRFS_SUBVOL_RDONLY;
    return ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) < 0 ? -errno : 0;
}

int btrfs_set_limit(int fd, uint64_t limit_bytes)
{
    /* The group of the subvolume itself is the one with its id: 0 stands for it. */
    struct btrfs_ioctl_qgroup_limit_args arguments = {
        .lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = limit_bytes}};

    if (ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &arguments) == 0)
        return 0;
    return errno == EINVAL ? -ENOTCONN : -errno;
}
