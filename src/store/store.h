/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading and removing what the store holds: references, images, layers, and the locks between them.
 * Never does: hash, inflate or unpack anything (the importer does); link more than jansson.
 * Runs in: berthctl and the importer, as root on the host.
 *
 * On disk, below one directory that only root may enter:
 *
 *   refs/NAME         one line per value that the name ever had, newest last; see store/refs.h
 *   images/HEX        one record per complete image, HEX being its manifest's digest; also its lock:
 *                     who uses the layers holds it shared, who removes the image takes it exclusively
 *   blobs/sha256/HEX  manifests, configurations and layers, byte for byte as they came
 *   layers/HEX/       one layer's tree in overlay form, HEX being its DiffID: one copy for all images
 *   layers/HEX.info   how large it is and what it says about its root
 *   tmp/NAME/         work in progress, locked by its owner; without one it is swept by who comes next
 *   quarantine/       what was found damaged, until an administrator removes it
 *   lock              held shared while something is added, exclusively while garbage is collected
 *
 * A name exists only when what it promises is complete and on the disk: data, then layers and blobs, then
 * images, then refs. */

#include "base/error.h"
#include "store/digest.h"
#include "store/image-config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_DEFAULT_PATH "/var/lib/berth"

typedef struct Store Store;

typedef enum StoreOpenFlags {
    STORE_OPEN_CREATE = 1 << 0, /* make what is missing */
} StoreOpenFlags;

/* -ENOENT when there is no store and STORE_OPEN_CREATE is not given; -EPERM when somebody else could write to
 * it. */
int store_open(const char *path, StoreOpenFlags flags, Store **ret, Error *error);
void store_free(Store *store);
DEFINE_CLEANUP(Store *, store_free)
#define _cleanup_store_ _cleanup_(store_freep)

/* Borrowed: for *at() calls with the relative names that StoreImage holds. */
int store_get_fd(const Store *store);
const char *store_get_path(const Store *store);

typedef struct StoreLayer {
    Digest diff_id;
    Digest blob;             /* as it is in blobs/, compressed or not */
    uint64_t blob_bytes;     /* of that blob */
    uint64_t unpacked_bytes; /* content of its regular files; 0 unknown */
} StoreLayer;

/* What an image says about its root directory. The mount shows the attributes of the highest layer's
 * directory, also when that layer says nothing about it: give these to the writable layer on top. */
typedef struct StoreRoot {
    bool is_set;
    mode_t mode; /* without the type */
    uid_t uid;
    gid_t gid;
} StoreRoot;

typedef struct StoreImage {
    char *reference; /* the name that it was found by or is listed under; NULL when it has none */
    Digest manifest; /* the digest of the image's manifest */
    Digest id;       /* the image ID: the digest of its configuration */
    uint64_t loaded_usec;

    ImageConfig *config; /* NULL in lists: store_find_image() fills it */

    StoreLayer *layers; /* as the configuration lists them, lowest first */
    size_t layers_count;
    StoreRoot root;

    /* What to mount, lowest first, relative to the store's directory ("layers/HEX"). It may be shorter than
     * `layers`: a layer that occurs twice is kept where it is highest (overlayfs refuses a directory twice,
     * and the lower one can show nothing that the higher one does not), and a layer whose root is opaque
     * hides all below. Empty for an image without layers. NULL in lists. */
    char **layer_paths;

    /* Holds the image: while any copy of this fd is open, nobody can remove the image or its layers. Hand a
     * duplicate to whatever outlives this struct. O_CLOEXEC. -EBADF in lists. */
    int lock_fd;
} StoreImage;

void store_image_free(StoreImage *image);
DEFINE_CLEANUP(StoreImage *, store_image_free)
#define _cleanup_store_image_ _cleanup_(store_image_freep)

/* `name` is a reference (see reference_list_candidates() for what a short one may mean), a reference with a
 * manifest digest, or an image ID: "sha256:HEX" or at least 4 hex digits of its beginning. References come
 * before IDs. -ENOENT with the nearest name as a hint, -EINVAL for what is neither, -ENOTUNIQ for an ID that
 * begins two images, -EUCLEAN for an image whose record or configuration is damaged (the others stay usable).
 */
int store_find_image(Store *store, const char *name, StoreImage **ret, Error *error);

/* The same without the configuration, for an image whose configuration or layers may be damaged. */
int store_find_record(Store *store, const char *name, StoreImage **ret, Error *error);

/* One StoreImage per reference and one, without a name, for each image that has none; sorted by name. Damaged
 * entries are left out and their messages appended to `ret_damaged` (may be NULL). */
typedef struct StoreImageList {
    StoreImage **images;
    size_t count;
} StoreImageList;
void store_image_list_done(StoreImageList *list);
#define _cleanup_store_image_list_ _cleanup_(store_image_list_done)
int store_list_images(Store *store, StoreImageList *ret, char ***ret_damaged, Error *error);

/* The bytes of a blob, for `inspect` and the like; -EFBIG above `max_bytes`. Not verified again. */
int store_read_blob(Store *store, const Digest *digest, size_t max_bytes, char **ret, size_t *ret_size, Error *error);

typedef enum StoreRemoveFlags {
    STORE_REMOVE_FORCE = 1 << 0, /* an image with several names loses them all; one in use loses only its names */
} StoreRemoveFlags;

typedef struct StoreRemoved {
    char **untagged; /* references that are gone */
    char **deleted;  /* images that are gone, "sha256:HEX" of the ID */
    bool is_swept;   /* false: something is being loaded; it will collect what is now unused */
} StoreRemoved;
void store_removed_done(StoreRemoved *removed);
#define _cleanup_store_removed_ _cleanup_(store_removed_done)

/* Removes a reference and, when it was the image's last one, the image; an ID removes the image with its
 * name. -EBUSY while a container uses the image (and it would have to go), -ENOTUNIQ for an ID with several
 * names without STORE_REMOVE_FORCE, -ENOENT. */
int store_remove_image(Store *store, const char *name, StoreRemoveFlags flags, StoreRemoved *ret, Error *error);

/* Collects everything that no image needs, and work whose owner died. 0 done, 1 not now: something is being
 * added. */
int store_collect_garbage(Store *store, Error *error);
