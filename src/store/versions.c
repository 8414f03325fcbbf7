/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/versions.h"

#include "base/text.h"
#include "store/add.h"
#include "store/internal.h"
#include "store/reference.h"

#include <errno.h>
#include <string.h>

static int format_name(const char *text, char **ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    int r = reference_parse(text, &reference, error);

    if (r == 0 && digest_is_set(&reference.digest))
        r = error_set(error, -EINVAL, "a digest cannot be given as a name");
    if (r < 0)
        return error_prefix(error, r, "'%s'", text);
    *ret = reference_format_name(&reference);
    return *ret ? 0 : -ENOMEM;
}

/* The image's lock, which `image` has, is what keeps it while the name is written. */
int store_tag(Store *store, const char *image, const char *name, char **ret_name, Error *error)
{
    _cleanup_store_addition_ StoreAddition *addition = NULL;
    _cleanup_store_image_ StoreImage *found = NULL;
    _cleanup_free_ char *whole = NULL, *source = text_format("tag %s", image);
    int r = source ? format_name(name, &whole, error) : -ENOMEM;

    if (r == 0)
        r = store_begin_addition(store, &addition, error);
    if (r == 0)
        r = store_find_image(store, image, &found, error);
    if (r == 0)
        r = store_publish_reference(addition, whole, &found->manifest, source, error);
    if (r == 0)
        *ret_name = TAKE_PTR(whole);
    return r;
}

static int say_no_name(const Store *store, const char *name, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = error_set(error, -ENOENT, "no image is named '%s' in %s", name, store->path);

    if (store_resolve(store, name, &image, NULL) == 0)
        return error_hint(error, r, "it is the ID of an image, not a name");
    return error_hint(error, r, "berthctl images lists what is there");
}

int store_untag(Store *store, const char *name, char **ret_name, Error *error)
{
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_free_ char *whole = NULL;
    _cleanup_ref_ Ref ref = {};
    int r = refs_lock(store, &lock_fd, error);

    if (r < 0)
        return r;
    r = refs_find(store, name, &whole, &ref);
    if (r == -ENOENT)
        return say_no_name(store, name, error);
    /* Also a damaged one. */
    if (whole)
        r = refs_remove(store, whole, error);
    if (r == 0)
        *ret_name = TAKE_PTR(whole);
    return r;
}

int store_load_history(Store *store, const char *name, char **ret_name, Ref *ret, Error *error)
{
    _cleanup_free_ char *whole = NULL;
    int r = refs_find(store, name, &whole, ret);

    if (r == -ENOENT)
        return say_no_name(store, name, error);
    if (r == -EUCLEAN)
        return error_hint(error, error_set(error, r, "the history of '%s' is damaged", whole),
                          "berthctl untag %s, then load the image again", whole);
    if (r < 0)
        return r;
    *ret_name = TAKE_PTR(whole);
    return 0;
}

bool store_has_image(Store *store, const Digest *manifest)
{
    _cleanup_store_image_ StoreImage *image = NULL;

    return store_open_image(store, manifest, &image, NULL) == 0;
}

int store_parse_version(const char *text, char **ret_name, size_t *ret_back, Error *error)
{
    const char *at = strrchr(text, '@');
    uint64_t back = 1;

    if (at && (text_parse_u64(at + 1, REFS_HISTORY_MAX, &back) < 0 || back == 0))
        return error_hint(error,
                          error_set(error, -EINVAL, "'%s' is not NAME@N with N from 1 to %u", text, REFS_HISTORY_MAX),
                          "berthctl history NAME numbers the earlier values of a name");
    *ret_name = strndup(text, at ? (size_t) (at - text) : strlen(text));
    if (!*ret_name)
        return -ENOMEM;
    *ret_back = back;
    return 0;
}

static int rollback_locked(Store *store, const char *name, size_t back, char **ret_name, Digest *ret, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_free_ char *whole = NULL, *source = text_format("rollback @%zu", back);
    _cleanup_ref_ Ref ref = {};
    const RefEntry *entry;
    int r = store_load_history(store, name, &whole, &ref, error);

    if (r < 0)
        return r;
    if (back >= ref.count)
        return error_hint(
            error,
            error_set(error, -ENOENT, "'%s' has %zu earlier value%s", whole, ref.count - 1, ref.count == 2 ? "" : "s"),
            "berthctl history %s lists them", whole);
    entry = &ref.entries[ref.count - 1 - back];
    r = store_open_image(store, &entry->manifest, &image, error);
    if (r == -ENOENT)
        return error_hint(error,
                          error_set(error, r, "the image that '%s' meant then (sha256:%.12s) is no longer in the store",
                                    whole, entry->manifest.hex),
                          "load or pull it again");
    if (r == 0)
        r = source ? refs_append(store, whole, &entry->manifest, source, error) : -ENOMEM;
    if (r < 0)
        return r;
    *ret = entry->manifest;
    *ret_name = TAKE_PTR(whole);
    return 0;
}

int store_rollback(Store *store, const char *name, size_t back, char **ret_name, Digest *ret_manifest, Error *error)
{
    _cleanup_store_addition_ StoreAddition *addition = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    int r = store_begin_addition(store, &addition, error);

    if (r == 0)
        r = refs_lock(store, &lock_fd, error);
    return r < 0 ? r : rollback_locked(store, name, back, ret_name, ret_manifest, error);
}
