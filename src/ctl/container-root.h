/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the root of a container, running or not, as a detached mount without devices, set-ID programs or programs at all:
 *       what file verbs work on.
 * Never does: attach anything on the host; look at a file inside.
 * Runs in: berthctl. */

#include "ctl/ctl.h"
#include "tree/ids.h"

typedef enum ContainerRootFlags {
    CONTAINER_ROOT_WRITE = 1 << 0,   /* read-only otherwise */
    CONTAINER_ROOT_NO_BELOW = 1 << 1 /* without what is mounted below it */
} ContainerRootFlags;

typedef struct ContainerRoot {
    int mount_fd;
    IdMap uids, gids; /* of its user namespace */
    /* Of a stopped one: nobody may start it while we write to its files; its image stays. */
    Roster *roster;
    char *name;
    int lock_fd;
    StoreImage *image;
} ContainerRoot;

void container_root_done(ContainerRoot *root);
#define _cleanup_container_root_ _cleanup_(container_root_done)

/* A running container's root is that of its mount namespace with all that is mounted there; a stopped one's is put
 * together as its next start would do it, without volumes and other mounts. */
int container_root_open(Ctl *ctl, const char *name, ContainerRootFlags flags, ContainerRoot *ret, Error *error);

/* The two sides of a container that keeps apart what it writes: its upper directory, and what is below. -EOPNOTSUPP for one
 * that does not. */
typedef struct ContainerSides {
    int upper_fd, lower_fd;
    StoreImage *image;
} ContainerSides;
void container_sides_done(ContainerSides *sides);
#define _cleanup_container_sides_ _cleanup_(container_sides_done)
/* The layers of an image, put together to be read: a detached mount. */
int container_root_mount_image(Ctl *ctl, const StoreImage *image, int *ret_fd);
int container_sides_open(Ctl *ctl, const char *name, ContainerSides *ret, Error *error);
