/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: --filter for images: reference=PATTERN, label=KEY[=VALUE], until=AGE or TIME, dangling=BOOL.
 * Never does: remove or print anything.
 * Runs in: berthctl. */

#include "store/store.h"

#include <stdbool.h>

#define IMAGE_FILTER_KEYS "reference", "label", "until", "dangling"

typedef struct ImageFilter {
    char *const *filters; /* borrowed */
    uint64_t until_usec;  /* only what is older; UINT64_MAX: all */
    bool has_dangling, is_dangling;
} ImageFilter;

/* The keys have been checked (ctl/filter.h). -EINVAL for values that mean nothing. */
int image_filter_parse(char *const *filters, ImageFilter *ret, Error *error);
/* Labels are read from the image's configuration; one that cannot be read has none. */
bool image_filter_matches(const ImageFilter *filter, Store *store, const StoreImage *image);
