/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making the entries of one layer below one directory, in overlay form.
 * Never does: open a path other than beneath that directory; read what was written.
 * Runs in: a confined child whose "/" is that directory (and in the fuzz target). */

#include "base/error.h"

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

typedef struct Tree Tree;

/* root_fd is borrowed. */
int tree_new(int root_fd, Tree **ret);
void tree_free(Tree *tree);
DEFINE_CLEANUP(Tree *, tree_free)
#define _cleanup_tree_ _cleanup_(tree_freep)

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
 * only. A missing parent becomes 0755 root:root. Regular files: tree_begin_file() gives the fd to write to,
 * tree_finish_file() sets the attributes. `ret_skipped` counts extended attributes that the file system
 * refused. */
int tree_add_directory(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error);
int tree_begin_file(Tree *tree, const TreeEntry *entry, int *ret_fd, Error *error);
int tree_finish_file(Tree *tree, const TreeEntry *entry, int fd, unsigned *ret_skipped, Error *error);
int tree_add_special(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error);
/* `target` is a normalised path of an earlier entry. */
int tree_add_hardlink(Tree *tree, const char *path, const char *target, Error *error);

/* Deletion of something in lower layers; applied by tree_finish(), because it never concerns this layer's own
 * entries, whichever came first. `name` is the last component behind ".wh.". */
int tree_add_whiteout(Tree *tree, const char *parent, const char *name, Error *error);
int tree_add_opaque(Tree *tree, const char *path, Error *error);

/* Whiteouts, then the times of directories. Directories that must hide lower ones go to `opaque`: the mark is
 * trusted.overlay.opaque, which takes a capability that this process does not have. */
typedef int (*TreeOpaque)(const char *path, void *userdata);
int tree_finish(Tree *tree, TreeOpaque opaque, void *userdata, Error *error);
