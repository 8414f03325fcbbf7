/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/beneath.h"

#include "kernel/syscall.h"

#include <errno.h>

#define BENEATH_RULE (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
#define PLAIN_RULE   (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)

static int open_with(int dir_fd, const char *path, int flags, uint64_t rule)
{
    int r = -EAGAIN;

    /* -EAGAIN: a rename elsewhere made the kernel unsure about "..". */
    for (unsigned attempt = 0; attempt < 64 && r == -EAGAIN; attempt++)
        r = sys_openat2(dir_fd, path, flags, 0, rule);
    return r;
}

int beneath_open(int dir_fd, const char *path, int flags)
{
    return open_with(dir_fd, path, flags, BENEATH_RULE);
}

int beneath_open_plain(int dir_fd, const char *path, int flags)
{
    return open_with(dir_fd, path, flags, PLAIN_RULE);
}
