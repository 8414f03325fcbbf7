/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: finding what is wrong with names and records, and putting what is damaged aside, so that it is absent and no longer
 *       wrong: loading or pulling the image again repairs it.
 * Never does: hash (importer/verify.c does, and tells here what to put aside); remove anything.
 * Runs in: the importer, while it holds a StoreAddition: so nothing is collected meanwhile. */

#include "store/store.h"

typedef struct StoreProblem {
    const char *kind; /* "name", "image", "blob", "layer" */
    const char *name; /* the reference, or "sha256:HEX" */
    const char *text; /* what is wrong */
    bool is_aside;    /* it is in quarantine/ now */
} StoreProblem;
typedef int (*StoreReport)(const StoreProblem *problem, void *userdata);

/* Reports references that are damaged or mean an image that is not there, and records that are damaged. A record that is in
 * use stays: it is what keeps its layers. */
int store_verify_names(Store *store, StoreReport report, void *userdata, Error *error);

/* Moves a blob, that is `fd` at this moment, or a layer with its .info to quarantine/. 0 done, 1 it is another one by now. */
int store_put_blob_aside(Store *store, const Digest *digest, int fd);
int store_put_layer_aside(Store *store, const Digest *diff_id);
