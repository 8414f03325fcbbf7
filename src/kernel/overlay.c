/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/overlay.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* A directory fd has a name in procfs, short and free of the separators that overlayfs gives a meaning to. */
#define FDS         "/proc/self/fd"
#define FD_PATH_MAX 64
/* Of fsconfig(2), with the terminating 0. */
#define FS_STRING_MAX 256

static int set_path(int fs_fd, const char *key, int fd)
{
    char path[FD_PATH_MAX];

    snprintf(path, sizeof(path), FDS "/%d", fd);
    return sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path, 0);
}

/* Asking the kernel itself would leave a complaint in its log at each start. Test builds can pretend. */
static bool takes_one_by_one(void)
{
    struct utsname name;
    unsigned long major, minor;
    char *end;

    if ((BERTH_TEST_HOOKS && secure_getenv("BERTH_OLD_OVERLAY")) || uname(&name) < 0)
        return false;
    major = strtoul(name.release, &end, 10);
    minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return major > 6 || (major == 6 && minor >= 8);
}

/* The names of the layers, highest first; -E2BIG: they do not fit. */
static int join_lower(const OverlayRequest *request, const char *prefix, char *text, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < request->lower_count; i++) {
        int n = snprintf(text + length, size - length, "%s%s%d", i > 0 ? ":" : "", prefix, request->lower[i]);

        if (n < 0 || (size_t) n >= size - length)
            return -E2BIG;
        length += (size_t) n;
    }
    return (int) length;
}

static int set_lower(int fs_fd, const OverlayRequest *request, bool one_by_one)
{
    char joined[FS_STRING_MAX];
    int r = 0;

    for (size_t i = 0; one_by_one && i < request->lower_count && r == 0; i++)
        r = set_path(fs_fd, "lowerdir+", request->lower[i]);
    if (one_by_one)
        return r;
    r = join_lower(request, FDS "/", joined, sizeof(joined));
    return r < 0 ? r : sys_fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir", joined, 0);
}

static int create_new(const OverlayRequest *request, bool one_by_one)
{
    _cleanup_close_ int fs_fd = sys_fsopen("overlay");
    int r;

    if (fs_fd < 0)
        return fs_fd;
    r = set_lower(fs_fd, request, one_by_one);
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

/* Of the directory where fds have names of a few digits: 500 layers are 2 KiB. */
static int format_options(const OverlayRequest *request, char *text, size_t size)
{
    size_t length = strlen("lowerdir=");
    int r, n = 0;

    memcpy(text, "lowerdir=", length + 1);
    r = join_lower(request, "", text + length, size - length);
    if (r < 0)
        return r;
    length += (size_t) r;
    if (request->upper_fd >= 0)
        n = snprintf(text + length, size - length, ",upperdir=%d,workdir=%d", request->upper_fd, request->work_fd);
    if (n < 0 || (size_t) n >= size - length)
        return -E2BIG;
    length += (size_t) n;
    n = request->label ? snprintf(text + length, size - length, ",context=\"%s\"", request->label) : 0;
    return n < 0 || (size_t) n >= size - length ? -E2BIG : 0;
}

static int create_old(const OverlayRequest *request)
{
    _cleanup_close_ int here_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), made_fd = -EBADF, fd = -EBADF;
    char options[4096]; /* mount(2): a page */
    int r = format_options(request, options, sizeof(options));

    if (r < 0 || here_fd < 0)
        return r < 0 ? r : -errno;
    if (chdir(FDS) < 0)
        return -errno;
    r = sys_mount("overlay", request->place, options);
    if (fchdir(here_fd) < 0 || r < 0)
        return r < 0 ? r : -errno;
    made_fd = open(request->place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (made_fd >= 0)
        fd = mount_clone(made_fd, "", false);
    r = made_fd < 0 ? -errno : fd;
    if (made_fd >= 0)
        (void) mount_detach(made_fd);
    if (r >= 0)
        r = mount_set_attributes(fd, request->attributes, 0, false);
    return r < 0 ? r : TAKE_FD(fd);
}

int overlay_create(const OverlayRequest *request)
{
    int r = create_new(request, takes_one_by_one());

    return r == -E2BIG && request->place ? create_old(request) : r;
}
