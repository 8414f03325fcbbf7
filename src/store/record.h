/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the bytes of an image record (images/HEX) and of a layer's .info file.
 * Never does: I/O.
 * Runs in: berthctl and the importer; pure. */

#include "store/store.h"

#define RECORD_MAX_BYTES (1U << 20)

/* Fills id, loaded_usec and layers of `image`; -EINVAL with a text for damaged bytes. `ret_hides` gets for
 * each layer whether its root hides all layers below it (may be NULL). Unknown members are ignored. */
int record_parse_image(const char *text, size_t size, StoreImage *image, bool **ret_hides, Error *error);
/* NULL: no memory. `hides` has layers_count items. */
char *record_format_image(const StoreImage *image, const bool *hides, const char *source);

typedef struct LayerInfo {
    uint64_t unpacked_bytes, entries;
    bool hides_lower; /* the layer's root directory is opaque, which overlayfs cannot express for a root */
    StoreRoot root;   /* set when the layer has an entry for its root */
} LayerInfo;

int record_parse_layer(const char *text, size_t size, LayerInfo *ret, Error *error);
char *record_format_layer(const LayerInfo *info);
