/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: `verify`: whether the store holds what its names promise, byte for byte, and putting aside what does not.
 * Never does: repair: loading or pulling an image again does.
 * Runs in: the importer; files of layers are read by confined children. */

#include "store/verify.h"

typedef struct VerifyOptions {
    const char *store_path;
    char *const *images; /* NULL or empty: all, and all names */
    bool has_trees;      /* unpack each layer once more and compare */
    StoreReport report;
    void *userdata;
} VerifyOptions;

int verify_store(const VerifyOptions *options, Error *error);
