/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/internal.h"
#include "store/refs.h"

#include <errno.h>
#include <string.h>

void store_image_list_done(StoreImageList *list)
{
    for (size_t i = 0; i < list->count; i++)
        store_image_free(list->images[i]);
    free(list->images);
    *list = (StoreImageList){};
}

/* Takes the image, also when it fails. */
static int add_image(StoreImageList *list, StoreImage *image)
{
    StoreImage **larger = reallocarray(list->images, list->count + 1, sizeof(*larger));

    if (!larger) {
        store_image_free(image);
        return -ENOMEM;
    }
    /* A list is not a use. */
    image->lock_fd = safe_close(image->lock_fd);
    strv_free(TAKE_PTR(image->layer_paths));
    list->images = larger;
    list->images[list->count++] = image;
    return 0;
}

/* Leaves out what is damaged or was removed just now. */
static int add_by_digest(const Store *store, const Digest *manifest, const char *reference, StoreImageList *list,
                         char ***damaged)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_error_ Error problem = {};
    int r = store_open_image(store, manifest, &image, &problem);

    if (r == -ENOMEM)
        return r;
    if (r == -ENOENT && reference)
        r = error_set(&problem, r, "the image that %s names is not in the store", reference);
    if (r < 0)
        return damaged && problem.text ? strv_append(damaged, problem.text) : 0;
    if (reference) {
        image->reference = strdup(reference);
        if (!image->reference)
            return -ENOMEM;
    }
    return add_image(list, TAKE_PTR(image));
}

static int list_references(const Store *store, StoreImageList *list, char ***damaged, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = refs_list(store, &names, error);

    for (char **name = names; r == 0 && name && *name; name++) {
        _cleanup_error_ Error problem = {};
        _cleanup_ref_ Ref ref = {};

        r = refs_load(store, *name, &ref, &problem);
        if (r == 0)
            r = add_by_digest(store, &ref_current(&ref)->manifest, *name, list, damaged);
        else if (r != -ENOMEM)
            r = damaged && problem.text ? strv_append(damaged, problem.text) : 0;
    }
    return r;
}

static bool is_listed(const StoreImageList *list, size_t count, const Digest *manifest)
{
    for (size_t i = 0; i < count; i++)
        if (digest_equal(&list->images[i]->manifest, manifest))
            return true;
    return false;
}

int store_list_images(Store *store, StoreImageList *ret, char ***ret_damaged, Error *error)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_strv_ char **digests = NULL, **damaged = NULL;
    size_t named;
    int r = list_references(store, &list, &damaged, error);

    if (r == 0)
        r = store_list_names(store, STORE_IMAGES_DIR, store_is_hex_name, &digests, error);
    if (r < 0)
        return r;
    strv_sort(digests);
    named = list.count;
    for (char **item = digests; r == 0 && item && *item; item++) {
        Digest manifest;

        (void) digest_parse_hex(*item, &manifest);
        if (!is_listed(&list, named, &manifest))
            r = add_by_digest(store, &manifest, NULL, &list, &damaged);
    }
    if (r == 0 && ret_damaged)
        r = strv_extend(ret_damaged, damaged);
    if (r < 0)
        return r;
    *ret = list;
    list = (StoreImageList){};
    return 0;
}
