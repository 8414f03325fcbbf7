/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where `save` writes: a tar archive (to a file that gets its name at the end, or to an open one) or a directory.
 * Never does: know what is written.
 * Runs in: the importer. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Sink Sink;

/* `path` NULL: an archive to stdout. A directory is made, or must be empty. -EEXIST, -ENOTEMPTY. */
int sink_open(const char *path, bool is_directory, Sink **ret, Error *error);
/* Takes away what was not finished. */
void sink_free(Sink *sink);
DEFINE_CLEANUP(Sink *, sink_free)
#define _cleanup_sink_ _cleanup_(sink_freep)

/* One file: begin, write exactly `size` bytes in any number of pieces, then the next. `name` is one of ours:
 * "blobs/sha256/HEX". */
int sink_begin(Sink *sink, const char *name, uint64_t size, Error *error);
int sink_write(Sink *sink, const void *data, size_t size, Error *error);

/* On the disk, and by its name, when it returns. */
int sink_finish(Sink *sink, Error *error);
