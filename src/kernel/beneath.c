/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/beneath.h"

#include "kernel/syscall.h"

#include <errno.h>

#define BENEATH_RULE (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

int beneath_open(int dir_fd, const char *path, int flags)
{
    int r = -EAGAIN;

    /* -EAGAIN: a rename elsewhere made the kernel unsure about "..". */
    for (unsigned attempt = 0; attempt < 64 && r == -EAGAIN; attempt++)
        r = sys_openat2(dir_fd, path, flags, 0, BENEATH_RULE);
    return r;
}
