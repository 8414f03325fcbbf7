/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/tty.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int tty_open_pair(int pts_fd, int *ret_primary_fd, int *ret_peer_fd)
{
    _cleanup_close_ int primary_fd = openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_close_ int peer_fd = -EBADF;
    struct stat st;
    int unlock = 0;

    if (primary_fd < 0)
        return -errno;
    /* 5:2 is ptmx: anything else is no devpts. */
    if (fstat(primary_fd, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
        return -ENODEV;
    if (ioctl(primary_fd, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    peer_fd = ioctl(primary_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer_fd < 0)
        return -errno;
    *ret_primary_fd = TAKE_FD(primary_fd);
    *ret_peer_fd = TAKE_FD(peer_fd);
    return 0;
}

int tty_take_control(int fd)
{
    return ioctl(fd, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

int tty_set_size(int fd, uint16_t rows, uint16_t columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};

    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

void tty_get_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns)
{
    struct winsize size = {};

    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        size = (struct winsize){};
    *ret_rows = size.ws_row;
    *ret_columns = size.ws_col;
}

int tty_set_raw(int fd, struct termios *ret_saved)
{
    struct termios raw;

    if (tcgetattr(fd, ret_saved) < 0)
        return -errno;
    raw = *ret_saved;
    cfmakeraw(&raw);
    return tcsetattr(fd, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

void tty_restore(int fd, const struct termios *saved)
{
    (void) tcsetattr(fd, TCSADRAIN, saved);
}
