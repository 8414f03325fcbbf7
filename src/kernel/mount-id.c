/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/mount-id.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

int mount_identify(int fd, MountIdentity *ret)
{
    struct statx st = {};

    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, &st) < 0)
        return -errno;
    if (!(st.stx_mask & STATX_MNT_ID_UNIQUE) && statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
        return -errno;
    *ret = (MountIdentity){.id = st.stx_mnt_id, .is_root = st.stx_attributes & STATX_ATTR_MOUNT_ROOT};
    return 0;
}
