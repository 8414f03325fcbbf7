/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the store's own files share and nobody else may know: the struct, file names, locks.
 * Never does: appear in an include outside src/store/.
 * Runs in: berthctl and the importer. */

#include "base/strv.h"
#include "store/store.h"

#include <stdio.h>

#define STORE_REFS_DIR       "refs"
#define STORE_IMAGES_DIR     "images"
#define STORE_BLOBS_DIR      "blobs/sha256"
#define STORE_LAYERS_DIR     "layers"
#define STORE_TMP_DIR        "tmp"
#define STORE_QUARANTINE_DIR "quarantine"
#define STORE_LOCK_FILE      "lock"
#define STORE_LAYER_INFO     ".info" /* behind a layer's hex digits */

struct Store {
    char *path;
    int fd; /* its directory, open for reading */
};

/* "DIR/HEX" in the caller's buffer. */
typedef struct StorePath {
    char text[sizeof(STORE_BLOBS_DIR) + DIGEST_HEX_SIZE + sizeof(STORE_LAYER_INFO)];
} StorePath;
static inline StorePath store_path(const char *dir, const Digest *digest, const char *suffix)
{
    StorePath path;

    snprintf(path.text, sizeof(path.text), "%s/%s%s", dir, digest->hex, suffix);
    return path;
}

/* Opens a directory or file of the store and takes flock(2) on it; `operation` as there. The lock belongs to
 * the open file description: it lives as long as any copy of the fd. -EWOULDBLOCK with LOCK_NB. */
int store_lock(const Store *store, const char *path, int operation, int *ret_fd);

/* Opens `name` of tmp/ with an exclusive lock that shows that its owner lives. */
int store_make_temporary(const Store *store, char **ret_name, int *ret_fd);
/* Removes the temporary directories whose owner is gone. Never fails: what cannot be removed is left for
 * later. */
void store_sweep_temporaries(const Store *store);

/* The image's lock (flock(2), LOCK_SH) and record, once both belong together. -ENOENT, -EUCLEAN. */
int store_open_image(const Store *store, const Digest *manifest, StoreImage **ret, Error *error);

/* As store_find_image(), without the configuration: a damaged one can be removed all the same. */
int store_resolve(const Store *store, const char *name, StoreImage **ret, Error *error);

/* The names in a directory of the store that `accept` takes; others are skipped. */
typedef bool (*StoreNameFilter)(const char *name);
int store_list_names(const Store *store, const char *dir, StoreNameFilter accept, char ***ret, Error *error);
bool store_is_hex_name(const char *name);
