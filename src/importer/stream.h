/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: files of a container's root as a tar stream, and back: what `berthctl cp` with "-" and `export` do.
 * Never does: open the root by a path of the host: it comes as a detached mount without devices.
 * Runs in: the importer; the work in a confined child that has the mount and the stream. */

#include "base/error.h"
#include "store/digest.h"
#include "tree/copy.h"

/* What is different when the archive is to be a layer of an image (OCI image spec, layer.md): it comes out the same for the
 * same files, tells what is deleted, and leaves out what only this host gave a meaning to. */
typedef struct StreamLayer {
    int lower_fd, merged_fd; /* what the root is a change of, and both together; -EBADF: it is everything */
    int output_fd;           /* instead of stdout */
    int64_t latest_sec;      /* files that are younger become so old (reproducible-builds.org); INT64_MAX: none */
} StreamLayer;

typedef struct StreamRequest {
    int tree_fd;      /* the root's mount */
    const char *path; /* in it */
    CopyFlags flags;  /* pack: COPY_FOLLOW; unpack: COPY_PARENTS, COPY_RIGHTS */
    const IdShift *owner;
    const StreamLayer *layer; /* pack: NULL for no layer */
    bool is_sorted;           /* pack: to compare trees, see stream_hash() */
} StreamRequest;

/* Writes the file or tree at `path` to stdout; its members' names begin with the last component of `path`, but for what
 * is in "/" or "a/.". Owners are those that the inside sees. */
int stream_pack(const StreamRequest *request, Error *error);

/* The same for a layer. *ret_newest_sec is when the youngest file in it was changed, 0 when it has none. */
int stream_pack_layer(const StreamRequest *request, int64_t *ret_newest_sec, Error *error);

/* The digest of the tree as an archive, sorted: two trees with the same one have the same files. */
int stream_hash(const StreamRequest *request, Digest *ret, Error *error);

/* Reads an archive, compressed or not, from stdin into the directory at `path`. */
int stream_unpack(const StreamRequest *request, Error *error);

/* The work of stream_unpack() without the process around it, for the fuzz target: into `tree`, which takes no devices. */
int stream_read(int fd, Tree *tree, const IdShift *owner, bool has_rights,
                int (*warning)(const char *text, void *userdata), void *userdata, Error *error);
