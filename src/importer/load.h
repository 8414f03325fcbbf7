/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: `load`: from a file or directory to images in the store, all of them or none.
 * Never does: print results.
 * Runs in: the importer. */

#include "base/error.h"
#include "store/digest.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct LoadOptions {
    const char *store_path, *input;
    const char *name;         /* instead of the names in there; NULL: those */
    const char *architecture; /* as images call it; NULL: this machine's */
    bool has_no_size_limit;
} LoadOptions;

typedef struct LoadedImage {
    char **names;
    Digest manifest, id;
    size_t layers_count;
    uint64_t unpacked_bytes;
    bool is_unchanged; /* pull: the name meant it already, or its image was here */
} LoadedImage;

typedef struct LoadResult {
    LoadedImage *images;
    size_t count;
} LoadResult;
void load_result_done(LoadResult *result);
#define _cleanup_load_result_ _cleanup_(load_result_done)

int load_images(const LoadOptions *options, LoadResult *ret, Error *error);
