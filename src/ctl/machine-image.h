/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: machine images: trees, btrfs subvolumes and raw disks by name below /var/lib/machines and the two directories that
 *       vendors fill, as machinectl(1) has them; the lock of such a name.
 * Never does: look further into one than its os-release, without leaving it.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

#include <errno.h>

#define MACHINE_IMAGE_RAW ".raw"

typedef enum MachineImageKind { MACHINE_IMAGE_DIRECTORY, MACHINE_IMAGE_SUBVOLUME, MACHINE_IMAGE_FILE } MachineImageKind;

typedef struct MachineImage {
    char *name, *path;
    const char *file; /* the last component of `path`: the name, and of a raw disk its suffix */
    int directory_fd; /* that it is in */
    int fd;           /* of the tree (O_RDONLY) or the file */
    bool is_pool;     /* in the directory that images are made, renamed and removed in */
    bool is_read_only;
    MachineImageKind kind;
    uint64_t changed_usec; /* of its top directory, or its content */
    uint64_t usage_bytes;  /* UINT64_MAX: nobody counts it */
} MachineImage;

void machine_image_free(MachineImage *image);
DEFINE_CLEANUP(MachineImage *, machine_image_free)
#define _cleanup_machine_image_ _cleanup_(machine_image_freep)

/* "directory", "subvolume", "raw". */
const char *machine_image_kind_to_string(MachineImageKind kind);

/* What may be the name of a new image: one of a machine. */
bool machine_image_name_is_valid(const char *name);

/* -ENOENT with the nearest name as a hint. */
int machine_image_find(const char *name, MachineImage **ret, Error *error);
/* Sorted by name; the pool hides others of the same name. `hidden` also those whose name begins with a dot: what an
 * operation that was cut off has left. */
int machine_image_list(bool hidden, MachineImage ***ret, size_t *ret_count, Error *error);
void machine_image_list_free(MachineImage **images, size_t count);

/* The directory for new images, made when missing. */
int machine_image_open_pool(int *ret_fd, Error *error);

/* A name that is being worked with, against others who do the same, systemd's programs too (".#NAME.lck" beside it). It goes
 * with its holder. */
typedef struct MachineImageLock {
    int directory_fd, fd;
    char *file;
} MachineImageLock;
#define MACHINE_IMAGE_LOCK_NONE ((MachineImageLock){-EBADF, -EBADF, NULL})
void machine_image_unlock(MachineImageLock *lock);
#define _cleanup_machine_image_lock_ _cleanup_(machine_image_unlock)
int machine_image_lock(int directory_fd, const char *name, MachineImageLock *ret, Error *error);

/* PRETTY_NAME= of os-release, which is hostile text; NULL when there is none to read. */
char *machine_image_read_os(const MachineImage *image);

/* `rename` of an image. */
int machine_image_rename(Ctl *ctl, const char *old_name, const char *new_name, Error *error);

/* -EBUSY when a container that runs has it as its root. */
int machine_image_check_unused(Ctl *ctl, const MachineImage *image, Error *error);
