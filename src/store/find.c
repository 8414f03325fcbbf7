/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a name to an image: what a start waits for. Three small files are read: reference, record,
 * configuration. */
#include "store/internal.h"

#include "base/file.h"
#include "base/text.h"
#include "store/record.h"
#include "store/reference.h"
#include "store/refs.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define ID_PREFIX_MIN 4U
#define RETRIES_MAX   32U

void store_image_free(StoreImage *image)
{
    if (!image)
        return;
    free(image->reference);
    image_config_free(image->config);
    free(image->layers);
    strv_free(image->layer_paths);
    safe_close(image->lock_fd);
    free(image);
}

static bool occurs_above(const StoreImage *image, size_t i)
{
    for (size_t j = i + 1; j < image->layers_count; j++)
        if (digest_equal(&image->layers[i].diff_id, &image->layers[j].diff_id))
            return true;
    return false;
}

/* See StoreImage.layer_paths for why some are left out. */
static int fill_layer_paths(StoreImage *image, const bool *hides)
{
    size_t lowest = 0;

    for (size_t i = 0; i < image->layers_count; i++)
        if (hides[i])
            lowest = i;
    for (size_t i = lowest; i < image->layers_count; i++) {
        int r = 0;

        if (!occurs_above(image, i))
            r = strv_append_format(&image->layer_paths, STORE_LAYERS_DIR "/%s", image->layers[i].diff_id.hex);
        if (r < 0)
            return r;
    }
    return 0;
}

static int say_damaged(const Store *store, const char *path, int code, Error *error)
{
    if (code == -ENOMEM)
        return code;
    return error_hint(error, error_prefix(error, -EUCLEAN, "%s/%s is damaged", store->path, path),
                      "remove the image (berthctl rmi) and load it again");
}

int store_open_image(const Store *store, const Digest *manifest, StoreImage **ret, Error *error)
{
    StorePath path = store_path(STORE_IMAGES_DIR, manifest, "");
    _cleanup_store_image_ StoreImage *image = calloc(1, sizeof(*image));
    _cleanup_free_ char *text = NULL;
    _cleanup_free_ bool *hides = NULL;
    struct stat st;
    size_t size = 0;
    int r;

    if (!image)
        return -ENOMEM;
    image->manifest = *manifest;
    image->lock_fd = -EBADF;
    r = store_lock(store, path.text, LOCK_SH, &image->lock_fd);
    if (r == -ENOENT)
        return r;
    if (r < 0)
        return error_prefix(error, r, "locking %s/%s", store->path, path.text);
    /* Whoever removed it held the lock while we waited: a file without a name is no image any more. */
    if (fstat(image->lock_fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ENOENT;
    r = file_read_fd(image->lock_fd, RECORD_MAX_BYTES, &text, &size);
    if (r < 0)
        return error_prefix(error, r, "reading %s/%s", store->path, path.text);
    r = record_parse_image(text, size, image, &hides, error);
    if (r == 0)
        r = fill_layer_paths(image, hides);
    if (r < 0)
        return say_damaged(store, path.text, r, error);
    *ret = TAKE_PTR(image);
    return 0;
}

static int load_config(const Store *store, StoreImage *image, Error *error)
{
    StorePath path = store_path(STORE_BLOBS_DIR, &image->id, "");
    _cleanup_free_ char *json = NULL;
    size_t size = 0;
    int r = file_read_at(store->fd, path.text, IMAGE_CONFIG_MAX_BYTES, &json, &size);

    if (r < 0)
        return say_damaged(store, path.text, r == -ENOENT ? error_set(error, -EUCLEAN, "the file is missing") : r,
                           error);
    r = image_config_parse(json, size, &image->config, error);
    if (r < 0)
        return say_damaged(store, path.text, r, error);
    return 0;
}

/* The record's layers are what was verified against the configuration when it was loaded. */
static int check_layers(const Store *store, const StoreImage *image, Error *error)
{
    bool is_same = image->config->diff_ids_count == image->layers_count;

    for (size_t i = 0; is_same && i < image->layers_count; i++)
        is_same = digest_equal(&image->config->diff_ids[i], &image->layers[i].diff_id);
    if (!is_same)
        return say_damaged(store, STORE_IMAGES_DIR, error_set(error, -EUCLEAN, "record and configuration differ"),
                           error);
    STRV_FOREACH (path, image->layer_paths)
        if (faccessat(store->fd, *path, F_OK, 0) < 0)
            return say_damaged(store, *path, error_set(error, -EUCLEAN, "%m"), error);
    return 0;
}

/* Opens what a candidate name means now. A name may be moved and its old image removed between the two looks.
 */
static int open_reference(const Store *store, const char *name, StoreImage **ret, Error *error)
{
    for (unsigned attempt = 0; attempt < RETRIES_MAX; attempt++) {
        _cleanup_ref_ Ref ref = {};
        int r = refs_load(store, name, &ref, error);

        if (r < 0)
            return r;
        r = store_open_image(store, &ref_current(&ref)->manifest, ret, error);
        if (r == -ENOENT)
            continue;
        if (r == 0) {
            (*ret)->reference = strdup(name);
            if (!(*ret)->reference) {
                store_image_free(TAKE_PTR(*ret));
                return -ENOMEM;
            }
        }
        return r;
    }
    return error_hint(error, error_set(error, -EUCLEAN, "the image that %s names is not in the store", name),
                      "berthctl rmi %s, then load it again", name);
}

/* "web" and "web:1" name the same repository. */
static bool is_same_repository(const char *a, const char *b)
{
    const char *end = strrchr(a, ':'), *other = strrchr(b, ':');

    return end && other && end - a == other - b && strncmp(a, b, (size_t) (end - a)) == 0;
}

/* What `pull` was asked for by digest has a name of its own: of an index the digest is not the manifest's. */
static int find_pinned(const Store *store, char *const *candidates, const Digest *digest, StoreImage **ret)
{
    STRV_FOREACH (candidate, candidates) {
        _cleanup_free_ char *name = reference_format_pinned(*candidate, digest);
        int r = name ? open_reference(store, name, ret, NULL) : -ENOMEM;

        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

/* NAME@DIGEST: some tag of that repository means, or once meant, that manifest. */
static int find_by_digest(const Store *store, char *const *candidates, const Digest *manifest, StoreImage **ret,
                          Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = find_pinned(store, candidates, manifest, ret);

    if (r != -ENOENT)
        return r;
    r = refs_list(store, &names, error);
    if (r < 0)
        return r;
    STRV_FOREACH (candidate, candidates)
        STRV_FOREACH (name, names) {
            _cleanup_ref_ Ref ref = {};

            if (!is_same_repository(*candidate, *name) || refs_load(store, *name, &ref, NULL) < 0)
                continue;
            for (size_t i = ref.count; i > 0; i--)
                if (digest_equal(&ref.entries[i - 1].manifest, manifest)) {
                    r = store_open_image(store, manifest, ret, error);
                    if (r == 0 && i == ref.count)
                        (*ret)->reference = strdup(*name);
                    return r;
                }
        }
    return -ENOENT;
}

static int find_by_reference(const Store *store, const char *name, StoreImage **ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_strv_ char **candidates = NULL;
    int r = reference_parse(name, &reference, error);

    if (r == 0)
        r = reference_list_candidates(&reference, &candidates);
    if (r < 0)
        return r;
    if (digest_is_set(&reference.digest))
        return find_by_digest(store, candidates, &reference.digest, ret, error);
    STRV_FOREACH (candidate, candidates) {
        r = open_reference(store, *candidate, ret, error);
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

/* The hex digits that `name` gives of an ID, or NULL when it cannot be one. */
static const char *id_prefix(const char *name)
{
    const char *hex = text_after_prefix(name, "sha256:");
    size_t length;

    hex = hex ? hex : name;
    length = strspn(hex, "0123456789abcdef");
    return hex[length] == 0 && length >= ID_PREFIX_MIN && length <= DIGEST_HEX_SIZE ? hex : NULL;
}

/* The manifest's digest is accepted as well: other tools call that the ID. */
static int find_by_id(const Store *store, const char *prefix, StoreImage **ret, Error *error)
{
    _cleanup_store_image_ StoreImage *found = NULL;
    _cleanup_strv_ char **names = NULL;
    size_t length = strlen(prefix);
    int r = store_list_names(store, STORE_IMAGES_DIR, store_is_hex_name, &names, error);

    if (r < 0)
        return r;
    STRV_FOREACH (name, names) {
        _cleanup_store_image_ StoreImage *image = NULL;
        Digest manifest;

        (void) digest_parse_hex(*name, &manifest);
        if (store_open_image(store, &manifest, &image, NULL) < 0)
            continue;
        if (strncmp(image->id.hex, prefix, length) != 0 && strncmp(manifest.hex, prefix, length) != 0)
            continue;
        /* Two manifests of one configuration are the same image, packed twice. */
        if (found && !digest_equal(&found->id, &image->id))
            return error_hint(error, error_set(error, -ENOTUNIQ, "several images begin with %s", prefix),
                              "give more digits (berthctl images)");
        if (!found)
            found = TAKE_PTR(image);
    }
    if (!found)
        return -ENOENT;
    *ret = TAKE_PTR(found);
    return 0;
}

/* "localhost/web:latest" is near to what somebody meant who typed "webb". */
static int say_unknown(const Store *store, const char *name, Error *error)
{
    _cleanup_strv_ char **names = NULL, **shorts = NULL;
    Nearest nearest = {};
    int r = error_set(error, -ENOENT, "there is no image '%s' in %s", name, store->path);

    if (refs_list(store, &names, NULL) < 0)
        return r;
    if (!names)
        return error_hint(error, r, "the store is empty; berthctl load FILE fills it");
    STRV_FOREACH (item, names) {
        _cleanup_free_ char *copy = strdup(strrchr(*item, '/') ? strrchr(*item, '/') + 1 : *item);

        text_nearest_consider(&nearest, name, *item);
        if (!copy || strv_append(&shorts, copy) < 0)
            continue;
        if (!strchr(name, ':'))
            *strchrnul(copy, ':') = 0;
        /* The name is right, another tag is there. */
        if (strcmp(copy, name) == 0)
            return error_hint(error, r, "did you mean '%s'?", *item);
        if (strv_append(&shorts, copy) < 0)
            continue;
        text_nearest_consider(&nearest, name, shorts[strv_length(shorts) - 1]);
    }
    if (nearest.best)
        return error_hint(error, r, "did you mean '%s'?", nearest.best);
    return error_hint(error, r, "berthctl images lists what is there");
}

int store_resolve(const Store *store, const char *name, StoreImage **ret, Error *error)
{
    _cleanup_error_ Error problem = {};
    const char *prefix = id_prefix(name);
    int r = -ENOENT;

    if (strncmp(name, "sha256:", strlen("sha256:")) != 0 || !prefix)
        r = find_by_reference(store, name, ret, &problem);
    if ((r == -ENOENT || r == -EINVAL) && prefix) {
        error_done(&problem);
        r = find_by_id(store, prefix, ret, &problem);
    }
    if (r == -ENOENT)
        return say_unknown(store, name, error);
    if (r < 0)
        error_move(error, &problem);
    return r;
}

int store_find_record(Store *store, const char *name, StoreImage **ret, Error *error)
{
    return store_resolve(store, name, ret, error);
}

int store_find_image(Store *store, const char *name, StoreImage **ret, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = store_resolve(store, name, &image, error);

    if (r == 0)
        r = load_config(store, image, error);
    if (r == 0)
        r = check_layers(store, image, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}
