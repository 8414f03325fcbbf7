/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: NewImage, what a source promises, and how docker and OCI sources say so.
 * Never does: believe it: importer/load.c verifies.
 * Runs in: the importer. */

#include "importer/source.h"
#include "store/digest.h"

#include <stdint.h>

typedef struct NewLayer {
    char *member;
    Digest blob; /* empty when the source does not say */
    uint64_t size_bytes;
} NewLayer;

typedef struct NewImage {
    char **names; /* formatted references */
    char *config, *manifest;
    size_t config_size, manifest_size;
    Digest config_digest, manifest_digest; /* of exactly these bytes */
    NewLayer *layers;                      /* lowest first */
    size_t layers_count;
} NewImage;

typedef struct NewImages {
    NewImage *items;
    size_t count;
} NewImages;
void new_images_done(NewImages *images);
#define _cleanup_new_images_ _cleanup_(new_images_done)

/* A zeroed one at the end of the list, or NULL. */
NewImage *new_images_add(NewImages *images);
int new_image_alloc_layers(NewImage *image, size_t count);

/* Takes `member` as the configuration and verifies its digest when there is one. */
int new_image_read_config(NewImage *image, Source *source, const char *member, const Digest *expected, Error *error);

/* Adds the reference that `text` means; one that cannot be a reference is said and left out. */
int new_image_add_name(NewImage *image, const char *text);

/* manifest.json; leaves `manifest` NULL, because such an archive has none. */
int docker_read_images(Source *source, NewImages *ret, Error *error);
/* index.json, over nested indexes, for one architecture. `base_name` names images whose annotation is a tag
 * only. */
int oci_read_images(Source *source, const char *architecture, const char *base_name, NewImages *ret, Error *error);

/* Whatever of both it is. `input` is what the user called it: an image may be named after it. */
int new_images_read(Source *source, const char *input, const char *architecture, NewImages *ret, Error *error);
