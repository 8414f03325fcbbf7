/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/selinux.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#define SELINUXFS "/sys/fs/selinux"

SelinuxMode selinux_probe_mode(void)
{
    _cleanup_close_ int root_fd = open(SELINUXFS, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
    struct statfs fs;
    char value = 0;

    /* Without SELinux the directory is not there, or a plain one of sysfs. */
    if (root_fd < 0 || fstatfs(root_fd, &fs) < 0 || fs.f_type != SELINUX_MAGIC)
        return SELINUX_MODE_DISABLED;
    fd = openat(root_fd, "enforce", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, &value, 1) != 1)
        return SELINUX_MODE_DISABLED;
    return value == '1' ? SELINUX_MODE_ENFORCING : SELINUX_MODE_PERMISSIVE;
}

const char *selinux_mode_to_string(SelinuxMode mode)
{
    static const char *const names[_SELINUX_MODE_MAX] = {
        [SELINUX_MODE_DISABLED] = "disabled",
        [SELINUX_MODE_PERMISSIVE] = "permissive",
        [SELINUX_MODE_ENFORCING] = "enforcing",
    };

    return names[mode];
}
