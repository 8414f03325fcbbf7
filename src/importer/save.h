/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: `save`: images of the store into an archive or a directory, blobs byte for byte, so that every digest stays (OCI
 *       image layout, image-layout.md; docker-archive as Docker 25 writes it: an OCI layout with a manifest.json).
 * Never does: write to a name that exists already; let a damaged blob out: each is hashed on its way.
 * Runs in: the importer. It parses nothing but JSON. */

#include "base/error.h"

typedef enum SaveFormat { SAVE_OCI_ARCHIVE, SAVE_DOCKER_ARCHIVE, SAVE_OCI_DIRECTORY, _SAVE_FORMAT_MAX } SaveFormat;

typedef struct SaveOptions {
    const char *store_path;
    SaveFormat format;
    const char *output; /* path of a file or, for the last format, a directory; NULL: stdout */
    char *const *images;
} SaveOptions;

/* -EINVAL. */
int save_format_parse(const char *text, SaveFormat *ret, Error *error);

/* All or nothing where there is a path: an archive gets its name when it is complete and on the disk. */
int save_images(const SaveOptions *options, Error *error);
