/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: ImageConfig, the typed content of an OCI or Docker image configuration (OCI image spec, config.md).
 * Never does: I/O; act on what it read. Nothing here may widen what a container can do: it is hostile.
 * Runs in: berthctl on the hot path of a start, and the importer; pure. */

#include "base/error.h"
#include "store/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_CONFIG_MAX_BYTES  (8U << 20)
#define IMAGE_CONFIG_MAX_LAYERS 500U /* what overlayfs takes as lower directories */

typedef struct ImageLabel {
    char *key, *value;
} ImageLabel;

typedef struct ImageHistory {
    char *created, *created_by, *author, *comment; /* each may be NULL */
    bool is_empty_layer;
} ImageHistory;

/* Healthcheck: Docker's, and so of most images. Times in nanoseconds, 0: not said. */
typedef struct ImageHealthCheck {
    char **test; /* CMD and words, CMD-SHELL and a text, NONE; unchecked */
    uint64_t interval_nsec, timeout_nsec, start_period_nsec, start_interval_nsec, retries;
} ImageHealthCheck;

/* Lists are NULL when absent; absent strings are NULL. */
typedef struct ImageConfig {
    char *architecture, *variant, *os, *author;
    char *created;         /* RFC 3339 as it stood there */
    uint64_t created_usec; /* since the epoch; 0 unknown */

    char **entrypoint;
    bool has_entrypoint; /* also true for an empty list, which differs from none */
    char **cmd;
    char **env; /* "KEY=VALUE" */
    char *working_dir, *user, *stop_signal;
    char **volumes;       /* sorted inside paths, unchecked */
    char **exposed_ports; /* sorted "80/tcp", unchecked */
    ImageHealthCheck health;
    ImageLabel *labels; /* sorted by key */
    size_t labels_count;

    Digest *diff_ids; /* lowest layer first */
    size_t diff_ids_count;
    ImageHistory *history;
    size_t history_count;
} ImageConfig;

void image_config_free(ImageConfig *config);
DEFINE_CLEANUP(ImageConfig *, image_config_free)
#define _cleanup_image_config_ _cleanup_(image_config_freep)

/* -EINVAL with the place ("config.Env[3] is not a string"), -EFBIG, -ENOMEM. Unknown fields are ignored, as
 * the specification asks; a duplicate key is an error, because readers disagree about which one counts. */
int image_config_parse(const char *json, size_t size, ImageConfig **ret, Error *error);

/* The label's value, or NULL. */
const char *image_config_find_label(const ImageConfig *config, const char *key);
