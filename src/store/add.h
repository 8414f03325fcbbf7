/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how something gets into the store, whole or not at all: a private directory to work in, and the
 *       order in which finished work gets its names (data on disk, layers and blobs, image, references).
 * Never does: check digests: the caller names only what it has verified.
 * Runs in: the importer . */

#include "store/record.h"
#include "store/store.h"

/* While it lives, no garbage is collected. */
typedef struct StoreAddition StoreAddition;
int store_begin_addition(Store *store, StoreAddition **ret, Error *error);
/* Removes the private directory, then collects what this and others left unreferenced. */
void store_end_addition(StoreAddition *addition);
DEFINE_CLEANUP(StoreAddition *, store_end_addition)
#define _cleanup_store_addition_ _cleanup_(store_end_additionp)

/* The private directory, borrowed: a kill of this process makes it garbage. */
int store_addition_fd(const StoreAddition *addition);

/* 0 and its .info when the layer is there, whole; -ENOENT. */
int store_load_layer(const Store *store, const Digest *diff_id, LayerInfo *ret);

/* The image of that manifest when it is there whole (without its configuration); it cannot be removed until the addition
 * ends. -ENOENT. */
int store_hold_image(StoreAddition *addition, const Digest *manifest, StoreImage **ret, Error *error);
/* Whether a blob of that size is there. */
bool store_has_blob(const Store *store, const Digest *digest, uint64_t size_bytes);

/* A file of the private directory becomes a blob, a directory becomes a layer, once both are on the disk.
 * `tree_name` NULL: the layer is there already. When another process was faster with the layer, its copy
 * stays. */
typedef struct StoreNewLayer {
    Digest diff_id, blob;
    const char *blob_name, *tree_name;
    LayerInfo info;
} StoreNewLayer;
int store_publish_layer(StoreAddition *addition, const StoreNewLayer *layer, Error *error);

/* A manifest or configuration. */
int store_publish_blob(StoreAddition *addition, const Digest *digest, const void *data, size_t size, Error *error);

/* The image exists, durably, when it returns. From `image` counts: manifest, id, loaded_usec, layers. `hides`
 * has layers_count items (LayerInfo.hides_lower). Holds the image against removal until the addition ends. */
int store_publish_image(StoreAddition *addition, const StoreImage *image, const bool *hides, const char *source,
                        Error *error);

/* Lets a name mean an image that was published before. */
int store_publish_reference(StoreAddition *addition, const char *name, const Digest *manifest, const char *source,
                            Error *error);
