/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: bytes and layers on their way from the puller: small ones into memory, layers through the unpacking children into
 *       the store, several at a time.
 * Never does: know what a document means.
 * Runs in: the importer. */

#include "pull/client.h"
#include "store/add.h"
#include "store/image-manifest.h"

/* At most (a manifest) or exactly (a blob) max_bytes; not verified. *ret has a NUL behind it. ret_media_type may be NULL. */
int fetch_bytes(PullClient *client, WireKind kind, const char *what, uint64_t max_bytes, char **ret, size_t *ret_size,
                char **ret_media_type, Error *error);

typedef struct FetchContext {
    Store *store;
    StoreAddition *addition;
    PullClient *client;
    bool has_no_size_limit;
} FetchContext;

typedef struct FetchedLayers {
    StoreLayer *items; /* lowest first */
    bool *hides;
    size_t count;
    StoreRoot root;
} FetchedLayers;
void fetched_layers_done(FetchedLayers *layers);

/* All layers are verified and published when it returns 0. Those that an image here has already are not fetched. */
int fetch_layers(const FetchContext *context, const ImageDocument *manifest, const ImageConfig *config,
                 FetchedLayers *ret, Error *error);
