/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/mount.h"

#include "base/cleanup.h"
#include "kernel/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* fsconfig(2) takes key and value apart; keys are short names of our own or of a checked mount option. */
static int set_option(int fs_fd, const char *option)
{
    const char *equals = strchr(option, '=');
    char key[64];
    size_t length;

    if (!equals)
        return sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0);
    length = (size_t) (equals - option);
    if (length >= sizeof(key))
        return -EINVAL;
    memcpy(key, option, length);
    key[length] = 0;
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int mount_create(const char *type, const char *source, char *const *options, MountAttributes attributes)
{
    _cleanup_close_ int fs_fd = sys_fsopen(type);
    int r;

    if (fs_fd < 0)
        return fs_fd;
    if (source) {
        r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", source, 0);
        if (r < 0)
            return r;
    }
    for (char *const *option = options; option && *option; option++) {
        r = set_option(fs_fd, *option);
        if (r < 0)
            return r;
    }
    r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r < 0)
        return r;
    return sys_fsmount(fs_fd, (unsigned) attributes);
}

int mount_set_label(int mount_fd, const char *label)
{
    /* fsmount(2) gives an O_PATH fd, which fsetxattr(2) does not take. */
    _cleanup_close_ int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || fsetxattr(fd, XATTR_NAME_SELINUX, label, strlen(label), 0) < 0 ? -errno : 0;
}

int mount_create_proc(int pidns_fd, MountAttributes attributes)
{
    _cleanup_close_ int fs_fd = sys_fsopen("proc");
    int r;

    if (fs_fd < 0)
        return fs_fd;
    r = sys_fsconfig(fs_fd, FSCONFIG_SET_FD, "pidns", NULL, pidns_fd);
    if (r == 0)
        r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r : sys_fsmount(fs_fd, (unsigned) attributes);
}

int mount_clone(int dir_fd, const char *path, bool recursive)
{
    unsigned flags = AT_EMPTY_PATH | (recursive ? (unsigned) AT_RECURSIVE : 0);
    struct mount_attr attributes = {.propagation = 1 << 18 /* MS_PRIVATE */};
    _cleanup_close_ int fd = sys_open_tree(dir_fd, path, OPEN_TREE_CLONE | flags);
    int r;

    if (fd < 0)
        return fd;
    r = sys_mount_setattr(fd, "", flags, &attributes);
    return r < 0 ? r : TAKE_FD(fd);
}

int mount_attach(int mount_fd, int target_fd)
{
    return sys_move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mount_attach_beneath(int mount_fd, int target_fd)
{
    return sys_move_mount(mount_fd, "", target_fd, "",
                          MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_BENEATH);
}

int mount_detach_by(int fds_fd, int mount_fd)
{
    char name[16];

    snprintf(name, sizeof(name), "%d", mount_fd);
    return fchdir(fds_fd) < 0 ? -errno : sys_umount2(name, MNT_DETACH);
}

int mount_detach(int mount_fd)
{
    char path[64];

    /* umount2(2) takes a path only; the magic link of an O_PATH fd of ours is the fd itself. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
    return sys_umount2(path, MNT_DETACH);
}

int mount_set_attributes(int mount_fd, MountAttributes set, MountAttributes clear, bool recursive)
{
    /* The times of access are one setting of several bits: what is set replaces all of it (mount_setattr(2)). */
    struct mount_attr attributes = {.attr_set = set,
                                    .attr_clr = clear | (set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0)};

    return sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? (unsigned) AT_RECURSIVE : 0), &attributes);
}

int mount_map_ids(int mount_fd, int userns_fd, bool recursive)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) userns_fd};

    return sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? (unsigned) AT_RECURSIVE : 0), &attributes);
}

int mount_set_propagation(const char *path, uint64_t propagation)
{
    struct mount_attr attributes = {.propagation = propagation};

    return sys_mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes);
}

int mount_pivot(int root_fd)
{
    int r;

    if (fchdir(root_fd) < 0)
        return -errno;
    /* pivot_root(2), NOTES: with both arguments the same directory the old root is stacked on the new one, and
     * detaching "." takes it away without a place of its own. */
    r = sys_pivot_root(".", ".");
    if (r < 0)
        return r;
    r = sys_umount2(".", MNT_DETACH);
    if (r < 0)
        return r;
    return chdir("/") < 0 ? -errno : 0;
}
