/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: an image from a registry into the store: which documents and layers are needed, and their way from the puller
 *       through the children that hash and unpack into the store, several at a time.
 * Never does: speak to a registry (berth-puller does, confined); believe a byte of what comes.
 * Runs in: the importer. */

#include "importer/load.h"

typedef struct PullImageOptions {
    const char *store_path, *auth_file, *tls_verify, *platform; /* platform: OS/ARCH[/VARIANT]; NULL: this machine's */
    bool has_no_size_limit, has_progress;
} PullImageOptions;

/* `text` may be short. Adds to `result`. */
int pull_image(const PullImageOptions *options, const char *text, LoadResult *result, Error *error);

/* -EINVAL. The parts are the caller's; *ret_variant may be NULL. */
int platform_parse(const char *text, char **ret_architecture, char **ret_variant, Error *error);
