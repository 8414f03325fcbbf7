/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: copying files and trees between two roots, of which either may belong to somebody hostile.
 * Never does: look at anything outside the two mounts that it is given; copy devices and sockets; run a program.
 * Runs in: copy_run() in berthctl, the work in a confined child that has nothing but the two mounts. */

#include "base/error.h"
#include "tree/ids.h"
#include "tree/tree.h"

#include <stdint.h>

typedef enum CopyFlags {
    COPY_FOLLOW = 1 << 0,  /* a source that is a link stands for what it leads to */
    COPY_EXACT = 1 << 1,   /* the target names the copy itself; otherwise a directory takes the copy in */
    COPY_PARENTS = 1 << 2, /* make the target's missing parents */
    COPY_REPLACE = 1 << 3, /* files make room for files */
    COPY_RIGHTS = 1 << 4,  /* with set-ID bits, file capabilities and access control lists; directories that exist take
                              the attributes of their source */
} CopyFlags;

/* A path in a root: links in it are followed as from inside that root. The mount is detached, and nodev. */
typedef struct CopyPlace {
    int mount_fd;
    const char *path;
} CopyPlace;

typedef struct CopyRequest {
    CopyPlace from, to;
    const char *name; /* of the copy in a directory that takes it in: copy_name_of() */
    CopyFlags flags;
    const IdShift *owner;
    void (*warning)(const char *text);
    void (*progress)(uint64_t entries, uint64_t bytes); /* some times a second; NULL: nobody looks */
} CopyRequest;

/* A source that ends in "/." stands for what is in it. */
int copy_run(const CopyRequest *request, Error *error);

/* Where a copy goes: a directory that is there, and the path of the copy below it ("" for the directory itself). */
typedef struct CopyTarget {
    int base_fd;
    char *prefix;
} CopyTarget;
void copy_target_done(CopyTarget *target);
#define _cleanup_copy_target_ _cleanup_(copy_target_done)
/* `name` is what the copy is called in a directory; NULL: its content goes right in. */
int copy_find_target(const CopyPlace *to, const char *name, bool is_directory, CopyFlags flags, CopyTarget *ret,
                     Error *error);

/* The name that a source has in another directory; NULL in *ret when its content is meant ("/", "a/.", ".."). */
int copy_name_of(const char *path, char **ret);
/* A path of the copy. NULL: no memory. */
char *copy_path(const char *prefix, const char *path);
/* The flags of the tree that takes the copy. */
TreeFlags copy_tree_flags(CopyFlags flags);
/* What the confined child is allowed to. */
uint64_t copy_capabilities(void);
