/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/overlay.h"

#include "base/cleanup.h"
#include "kernel/syscall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A directory fd has a name in procfs, short and free of the separators that overlayfs gives a meaning to. */
#define FD_PATH_MAX 64

static int set_path(int fs_fd, const char *key, int fd)
{
    char path[FD_PATH_MAX];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path, 0);
}

/* One call for each layer since Linux 6.8; before, all in one string. */
static int set_lower(int fs_fd, const int *lower, size_t count)
{
    char joined[256];
    size_t length = 0;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = set_path(fs_fd, "lowerdir+", lower[i]);
    if (r != -EINVAL)
        return r;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(joined + length, sizeof(joined) - length, "%s/proc/self/fd/%d", i > 0 ? ":" : "", lower[i]);

        if (n < 0 || (size_t) n >= sizeof(joined) - length)
            return -E2BIG;
        length += (size_t) n;
    }
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir", joined, 0);
}

int overlay_create(const OverlayRequest *request)
{
    _cleanup_close_ int fs_fd = sys_fsopen("overlay");
    int r;

    if (fs_fd < 0)
        return fs_fd;
    r = set_lower(fs_fd, request->lower, request->lower_count);
    if (r == 0 && request->upper_fd >= 0)
        r = set_path(fs_fd, "upperdir", request->upper_fd);
    if (r == 0 && request->upper_fd >= 0)
        r = set_path(fs_fd, "workdir", request->work_fd);
    if (r == 0 && request->label)
        r = sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", request->label, 0);
    if (r == 0)
        r = sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r : sys_fsmount(fs_fd, (unsigned) request->attributes);
}
