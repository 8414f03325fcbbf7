/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/overlay.h"

#include "base/cleanup.h"
#include "kernel/join.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* overlayfs takes directories of its own mount namespace only: the same directory, as the copy of the namespace has it. */
static int find_again(int fd, int *ret)
{
    char name[64], path[4096];
    _cleanup_close_ int again_fd = -EBADF;
    struct stat st, again;
    ssize_t n;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    n = readlink(name, path, sizeof(path) - 1);
    if (n < 0)
        return -errno;
    path[n] = 0;
    again_fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (again_fd < 0 || fstat(fd, &st) < 0 || fstat(again_fd, &again) < 0)
        return -errno;
    if (st.st_dev != again.st_dev || st.st_ino != again.st_ino)
        return -ESTALE;
    *ret = TAKE_FD(again_fd);
    return 0;
}

/* In a child that is over afterwards: its fds go with it. */
static int create(int fds_fd, const void *argument, void *reply, int *ret_fd)
{
    OverlayRequest request = *(const OverlayRequest *) argument;
    int lower[OVERLAY_LAYERS_MAX], r = request.lower_count > OVERLAY_LAYERS_MAX ? -E2BIG : 0;

    (void) fds_fd;
    (void) reply;
    for (size_t i = 0; i < request.lower_count && r == 0; i++)
        r = find_again(request.lower[i], &lower[i]);
    if (r == 0 && request.upper_fd >= 0)
        r = find_again(request.upper_fd, &request.upper_fd);
    if (r == 0 && request.upper_fd >= 0)
        r = find_again(request.work_fd, &request.work_fd);
    if (r < 0)
        return r;
    request.lower = lower;
    request.place = "/run";
    r = overlay_create(&request);
    if (r >= 0)
        *ret_fd = r;
    return r < 0 ? r : 0;
}

int overlay_create_apart(const OverlayRequest *request)
{
    int fd = overlay_create(request), r;

    if (fd != -E2BIG)
        return fd;
    r = join_mounts(-EBADF, create, request, NULL, 0, &fd);
    return r < 0 ? r : fd;
}
