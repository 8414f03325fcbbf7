/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/verify.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "importer/hash.h"
#include "importer/stream.h"
#include "importer/unpack.h"
#include "kernel/mount.h"
#include "store/add.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <unistd.h>

#define BLOB_NAME "blob"
#define TREE_NAME "tree"

typedef struct Checked {
    Digest digest;
    bool is_good;
} Checked;

typedef struct CheckedSet {
    Checked *items;
    size_t count, room;
} CheckedSet;

typedef struct Verify {
    const VerifyOptions *options;
    Store *store;
    StoreAddition *addition;
    CheckedSet blobs, layers;
} Verify;

static void verify_done(Verify *verify)
{
    free(verify->blobs.items);
    free(verify->layers.items);
    store_end_addition(verify->addition);
    store_free(verify->store);
}

static const Checked *find(const CheckedSet *set, const Digest *digest)
{
    for (size_t i = 0; i < set->count; i++)
        if (digest_equal(&set->items[i].digest, digest))
            return &set->items[i];
    return NULL;
}

static int add(CheckedSet *set, const Digest *digest, bool is_good)
{
    if (set->count == set->room) {
        size_t room = set->room * 2 + 64;
        Checked *larger = reallocarray(set->items, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        set->items = larger;
        set->room = room;
    }
    set->items[set->count++] = (Checked){*digest, is_good};
    return 0;
}

static int report(const Verify *verify, const char *kind, const Digest *digest, const char *text, bool is_aside)
{
    DigestText name = digest_format(digest);
    const StoreProblem problem = {.kind = kind, .name = name.text, .text = text, .is_aside = is_aside};

    return verify->options->report(&problem, verify->options->userdata);
}

/* --- blobs --- */

/* An I/O error of the disk is damage like another. */
static int check_blob(Verify *verify, const Digest *digest)
{
    _cleanup_free_ char *path = text_format("blobs/sha256/%s", digest->hex), *text = NULL;
    _cleanup_close_ int fd = -EBADF;
    Digest is = {};
    int r;

    if (find(&verify->blobs, digest))
        return 0;
    if (!path)
        return -ENOMEM;
    fd = openat(store_get_fd(verify->store), path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    r = fd < 0 ? -errno : hash_stream(fd, &is);
    if (r == -ENOMEM)
        return r;
    if (r == 0 && digest_equal(&is, digest))
        return add(&verify->blobs, digest, true);
    text = r < 0 ? text_format("%s", r == -ENOENT ? "it is missing" : strerror(-r))
                 : text_format("its content is sha256:%s", is.hex);
    if (!text || add(&verify->blobs, digest, false) < 0)
        return -ENOMEM;
    return report(verify, "blob", digest, text, fd >= 0 && store_put_blob_aside(verify->store, digest, fd) == 0);
}

/* --- layers --- */

static int hash_tree(int dir_fd, const char *name, Digest *ret, Error *error)
{
    static const IdShift owner = {.keep = true};
    _cleanup_close_ int fd = mount_clone(dir_fd, name, false);
    int r = fd < 0 ? fd
                   : mount_set_attributes(
                         fd, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, 0, false);
    const StreamRequest request = {.tree_fd = fd, .path = "/", .owner = &owner};

    return r < 0 ? error_set(error, r, "opening %s: %s", name, strerror(-r)) : stream_hash(&request, ret, error);
}

/* 1: both are the same. */
static int compare_trees(Verify *verify, const StoreLayer *layer, Error *error)
{
    int work_fd = store_addition_fd(verify->addition), store_fd = store_get_fd(verify->store);
    _cleanup_free_ char *blob = text_format("blobs/sha256/%s", layer->blob.hex),
                        *tree = text_format("layers/%s", layer->diff_id.hex);
    LayerLimits limits = layer_default_limits;
    const UnpackRequest request = {.work_fd = work_fd,
                                   .blob_name = BLOB_NAME,
                                   .tree_name = TREE_NAME,
                                   .label = layer->diff_id.hex,
                                   .blob = layer->blob,
                                   .diff_id = layer->diff_id,
                                   .limits = &limits};
    Digest is = {}, wanted = {};
    StreamResult stream = {};
    LayerInfo info = {};
    int r;

    if (!blob || !tree)
        return -ENOMEM;
    /* What was let in then was let in on purpose. */
    limits.inflate = (InflateLimits){};
    if (linkat(store_fd, blob, work_fd, BLOB_NAME, 0) < 0)
        return error_set(error, -errno, "linking the blob: %m");
    r = unpack_layer(&request, &stream, &info, error);
    if (r == 0)
        r = hash_tree(work_fd, TREE_NAME, &wanted, error);
    if (r == 0)
        r = hash_tree(store_fd, tree, &is, error);
    (void) unlinkat(work_fd, BLOB_NAME, 0);
    (void) file_remove_tree_at(work_fd, TREE_NAME);
    return r < 0 ? r : digest_equal(&is, &wanted);
}

static int check_layer(Verify *verify, const StoreLayer *layer)
{
    const Checked *blob = find(&verify->blobs, &layer->blob);
    const char *text = "its tree or what is known of it is missing";
    _cleanup_error_ Error problem = {};
    LayerInfo info;
    int r;

    if (find(&verify->layers, &layer->diff_id))
        return 0;
    r = store_load_layer(verify->store, &layer->diff_id, &info);
    if (r == 0 && verify->options->has_trees && blob && blob->is_good) {
        r = compare_trees(verify, layer, &problem);
        if (r == 0)
            text = "its files are not those of its blob";
        else if (r < 0)
            text = problem.text ? problem.text : strerror(-r);
    } else if (r == 0)
        r = 1;
    if (r == -ENOMEM || r == -ENOSPC || r == -EDQUOT)
        return r;
    if (add(&verify->layers, &layer->diff_id, r > 0) < 0)
        return -ENOMEM;
    if (r > 0)
        return 0;
    return report(verify, "layer", &layer->diff_id, text, store_put_layer_aside(verify->store, &layer->diff_id) == 0);
}

/* --- images --- */

static int check_image(Verify *verify, const StoreImage *image)
{
    _cleanup_store_image_ StoreImage *found = NULL;
    _cleanup_error_ Error problem = {};
    int r = check_blob(verify, &image->manifest);

    if (r == 0)
        r = check_blob(verify, &image->id);
    for (size_t i = 0; i < image->layers_count && r == 0; i++) {
        r = check_blob(verify, &image->layers[i].blob);
        if (r == 0)
            r = check_layer(verify, &image->layers[i]);
    }
    if (r < 0)
        return r;
    /* What is left: record and configuration contradict each other. */
    r = store_find_image(verify->store, digest_format(&image->manifest).text, &found, &problem);
    if (r == -EUCLEAN && find(&verify->blobs, &image->id)->is_good) {
        for (size_t i = 0; i < image->layers_count; i++)
            if (!find(&verify->layers, &image->layers[i].diff_id)->is_good)
                return 0;
        return report(verify, "image", &image->manifest, problem.text ? problem.text : "it is damaged", false);
    }
    return r == -ENOMEM ? r : 0;
}

static int check_all(Verify *verify, Error *error)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    int r = store_verify_names(verify->store, verify->options->report, verify->options->userdata, error);

    if (r == 0)
        r = store_list_images(verify->store, &list, NULL, error);
    for (size_t i = 0; i < list.count && r == 0; i++)
        r = check_image(verify, list.images[i]);
    return r;
}

static int check_named(Verify *verify, Error *error)
{
    int r = 0;

    for (char *const *name = verify->options->images; r == 0 && *name; name++) {
        _cleanup_store_image_ StoreImage *image = NULL;

        r = store_find_record(verify->store, *name, &image, error);
        if (r == 0)
            r = check_image(verify, image);
    }
    return r;
}

int verify_store(const VerifyOptions *options, Error *error)
{
    _cleanup_(verify_done) Verify verify = {.options = options};
    int r = store_open(options->store_path, 0, &verify.store, error);

    if (r == 0)
        r = store_begin_addition(verify.store, &verify.addition, error);
    if (r < 0)
        return r;
    return options->images && *options->images ? check_named(&verify, error) : check_all(&verify, error);
}
