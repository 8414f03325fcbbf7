/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: `commit` and `import`: what a container has written, on top of the image that it came from, as a new image. The same files
 *       give the same digests, wherever and whenever: names are sorted, and the only time is that of the youngest file.
 * Never does: read the files itself: a confined child packs them, others unpack what it made.
 * Runs in: the importer. */

#include "importer/load.h"
#include "tree/ids.h"

typedef struct CommitOptions {
    const char *store_path;
    const char *base;                 /* "sha256:HEX" of the image below; NULL: none */
    int tree_fd, lower_fd, merged_fd; /* detached mounts; the two last -EBADF when the tree is everything */
    const IdShift *owner;
    char *const *names, *const *changes; /* NULL: none */
    const char *message, *author, *created_by;
    const char *source;  /* for people here: where the name got this value from; not part of the image */
    const char *input;   /* a tar archive, "-" for stdin, in place of the tree; NULL: the tree */
    bool is_squash;      /* one layer in place of those of `base` */
    int64_t created_sec; /* $SOURCE_DATE_EPOCH; < 0: the youngest file's */
} CommitOptions;

int commit_image(const CommitOptions *options, LoadedImage *ret, Error *error);
