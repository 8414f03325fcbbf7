/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a layer's way through the two confined children, and the verdict about its digests.
 * Never does: publish anything; fetch anything.
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
    int input_fd; /* where the blob comes from while it is unpacked: its bytes become the new file blob_name. Borrowed;
                     <= 0: that file is there */
} UnpackRequest;

/* *ret_info is filled when there is a tree. -EBADMSG when a digest is another one; the tree is then
 * worthless. */
int unpack_layer(const UnpackRequest *request, StreamResult *ret_stream, LayerInfo *ret_info, Error *error);

/* The same in two parts, so that several layers are on their way at once. The request must stay where it is. */
typedef struct UnpackJob UnpackJob;
int unpack_start(const UnpackRequest *request, UnpackJob **ret, Error *error);
int unpack_finish(UnpackJob *job, StreamResult *ret_stream, LayerInfo *ret_info, Error *error);
/* Ends its processes. */
void unpack_job_free(UnpackJob *job);
DEFINE_CLEANUP(UnpackJob *, unpack_job_free)
#define _cleanup_unpack_job_ _cleanup_(unpack_job_freep)
