/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: one layer blob, from its first compressed byte to a tree in overlay form (OCI image spec, layer.md).
 * Never does: choose where; trust anything in it.
 * Runs in: two confined children joined by a pipe (and the fuzz target). The one that hashes does not parse
 *          the archive: whoever takes over the parser can spoil the layer that he made himself, but not put
 *          it in the place of another. */

#include "base/error.h"
#include "importer/inflate.h"
#include "store/digest.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct LayerLimits {
    InflateLimits inflate;
    uint64_t entries_max, file_max_bytes;
} LayerLimits;
extern const LayerLimits layer_default_limits;

/* Plain data: both travel through pipes. */
typedef struct StreamResult {
    Digest blob, diff_id;
    uint64_t blob_bytes, plain_bytes;
    bool is_zstd;
} StreamResult;

typedef struct UnpackResult {
    uint64_t unpacked_bytes, entries, skipped_xattrs;
    bool hides_lower, has_root; /* has_root: it has an entry for its root directory */
} UnpackResult;

/* Called for each directory below the root that must get trusted.overlay.opaque=y, and for what should be
 * said. */
typedef struct LayerEvents {
    int (*opaque)(const char *path, void *userdata);
    int (*warning)(const char *text, void *userdata);
    void *userdata;
} LayerEvents;

/* Inflates and hashes; the plain bytes go to plain_fd, those that were read to copy_fd, unless these are <= 0. */
int layer_stream(int blob_fd, int plain_fd, int copy_fd, const LayerLimits *limits, StreamResult *ret, Error *error);

/* Reads plain tar to the end of the stream. */
int layer_unpack(int plain_fd, int root_fd, const LayerLimits *limits, const LayerEvents *events, UnpackResult *ret,
                 Error *error);
