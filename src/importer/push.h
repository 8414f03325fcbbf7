/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: an image of the store into a registry, byte for byte as it came or was made here.
 * Never does: compress anything anew, which would change its digests; send what is there.
 * Runs in: the importer. */

#include "importer/pull.h"

#include <stdlib.h>

typedef struct PushedImage {
    char *name; /* there */
    Digest manifest;
    uint64_t sent_bytes;
} PushedImage;
static inline void pushed_image_done(PushedImage *pushed)
{
    free(pushed->name);
}
#define _cleanup_pushed_image_ _cleanup_(pushed_image_done)

/* `destination` NULL: the name it has here. */
int push_image(const PullImageOptions *options, const char *image, const char *destination, PushedImage *ret,
               Error *error);
