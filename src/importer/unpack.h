/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a layer's way through the two confined children, and the verdict about its digests.
 * Never does: publish anything.
 * Runs in: the importer. */

#include "importer/layer.h"
#include "store/record.h"

typedef struct UnpackRequest {
    int work_fd;           /* where blob and tree are, borrowed */
    const char *blob_name; /* there */
    const char *tree_name; /* to be made there; NULL: only verify */
    const char *label;     /* what messages call the layer */
    Digest blob;           /* empty: whatever it is */
    Digest diff_id;        /* the same; only for a layer that was made here */
    const LayerLimits *limits;
} UnpackRequest;

/* *ret_info is filled when there is a tree. -EBADMSG when a digest is another one; the tree is then
 * worthless. */
int unpack_layer(const UnpackRequest *request, StreamResult *ret_stream, LayerInfo *ret_info, Error *error);
