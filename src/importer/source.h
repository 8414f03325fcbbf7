/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what is to be loaded, as named files: an OCI layout directory, or an archive that a confined process
 *       has taken apart.
 * Never does: know what the files mean; give out a file that could still change.
 * Runs in: the importer. */

#include "base/error.h"
#include "importer/inflate.h"

#include <stdbool.h>

typedef struct Source Source;

/* `path` is a file, a directory or "-" for standard input. work_fd is the addition's directory, borrowed. */
int source_open(const char *path, int work_fd, InflateLimits limits, Source **ret, Error *error);
void source_free(Source *source);
DEFINE_CLEANUP(Source *, source_free)
#define _cleanup_source_ _cleanup_(source_freep)

const char *source_name(const Source *source);
bool source_has(Source *source, const char *name);
/* -ENOENT with a text. */
int source_read(Source *source, const char *name, size_t max_bytes, char **ret, size_t *ret_size, Error *error);
/* Puts the file's bytes as the new file `as` into the work directory: shared when they are there already. */
int source_take(Source *source, const char *name, const char *as, Error *error);
