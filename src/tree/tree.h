/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making entries below one directory: those of an image layer, in overlay form, or of a copy, also in a directory
 *       that somebody hostile is changing at the same time.
 * Never does: open a path other than beneath that directory; read what was written.
 * Runs in: a confined child (and in the fuzz target). */

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

typedef struct Tree Tree;

typedef enum TreeFlags {
    /* Others may change what is below the directory meanwhile, and much of it was there before. A directory neither
     * takes the place of something else (-ENOTDIR) nor makes room for it (-EISDIR), one that was there stays as it is,
     * files make room only with TREE_REPLACE (-EEXIST), no link is followed, device nodes are not made (-EPERM). */
    TREE_LIVE = 1 << 0,
    TREE_REPLACE = 1 << 1,
    TREE_SET_EXISTING = 1 << 2, /* directories that were there get the attributes of their entries */
} TreeFlags;

/* root_fd is borrowed. */
int tree_new(int root_fd, TreeFlags flags, Tree **ret);
/* Of parents that no entry made, and of what this process makes before it gives it away; root unless set. */
void tree_set_default_owner(Tree *tree, uid_t uid, gid_t gid);
void tree_free(Tree *tree);
DEFINE_CLEANUP(Tree *, tree_free)
#define _cleanup_tree_ _cleanup_(tree_freep)

/* Makes the missing directories of a normalised path and opens (O_PATH) the last. */
int tree_open_directory(Tree *tree, const char *path, int *ret_fd, Error *error);

typedef struct TreeXattr {
    const char *name;
    const void *value;
    size_t size;
} TreeXattr;

typedef struct TreeEntry {
    const char *path; /* normalised */
    mode_t mode;      /* with the type */
    uid_t uid;
    gid_t gid;
    dev_t device;
    const char *link; /* target of a symbolic link, verbatim */
    struct timespec mtime;
    const TreeXattr *xattrs;
    size_t xattrs_count;
} TreeEntry;

/* Each makes an entry, in place of what has its name; a directory over a directory changes its attributes
 * only. A missing parent becomes 0755. Regular files: tree_begin_file() gives the fd to write to,
 * tree_finish_file() sets the attributes. `ret_skipped` counts extended attributes that the file system
 * refused. */
int tree_add_directory(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error);
int tree_begin_file(Tree *tree, const TreeEntry *entry, int *ret_fd, Error *error);
int tree_finish_file(Tree *tree, const TreeEntry *entry, int fd, unsigned *ret_skipped, Error *error);
int tree_add_special(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error);
/* `target` is a normalised path of an earlier entry. -EXDEV and -EMLINK as link(2). */
int tree_add_hardlink(Tree *tree, const char *path, const char *target, Error *error);

/* Deletion of something in lower layers; applied by tree_finish(), because it never concerns this layer's own
 * entries, whichever came first. `name` is the last component behind ".wh.". */
int tree_add_whiteout(Tree *tree, const char *parent, const char *name, Error *error);
int tree_add_opaque(Tree *tree, const char *path, Error *error);

/* Whiteouts, then the times of directories. Directories that must hide lower ones go to `opaque`: the mark is
 * trusted.overlay.opaque, which takes a capability that this process does not have. */
typedef int (*TreeOpaque)(const char *path, void *userdata);
int tree_finish(Tree *tree, TreeOpaque opaque, void *userdata, Error *error);
