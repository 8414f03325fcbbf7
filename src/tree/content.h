/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the content and the extended attributes of one file, by fd.
 * Never does: open anything.
 * Runs in: a confined child. */

#include "base/error.h"
#include "tree/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* Copies `size` bytes, fewer when the file became shorter: by sharing extents where the file system can, without the
 * holes. A file that grows meanwhile is copied up to `size`, so that nobody can make this endless. Files of unknown
 * size (procfs says 0) are read to their end, which is -EFBIG beyond 64 MiB. */
int content_copy(int from_fd, int to_fd, uint64_t size, Error *error);

/* The next run of data at or after `offset` and below `size`: 1, or 0 when only a hole follows. */
int content_next_data(int fd, uint64_t offset, uint64_t size, uint64_t *ret_start, uint64_t *ret_end);

/* What a copy takes along: user.* always, file capabilities and access control lists only with `with_rights` (they give
 * rights to owners that a copy otherwise does not keep). Never trusted.*, which would steer overlayfs, nor labels, which
 * are the policy's to give. */
typedef struct ContentXattrs {
    TreeXattr *items;
    size_t count;
    char *names, *values;
} ContentXattrs;
int content_read_xattrs(int fd, bool with_rights, ContentXattrs *ret, Error *error);
void content_xattrs_done(ContentXattrs *xattrs);
#define _cleanup_content_xattrs_ _cleanup_(content_xattrs_done)
