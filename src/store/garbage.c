/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Garbage collection: everything that no image record names goes. Nothing can be added meanwhile (the lock),
 * and what an image in use needs is named by its record, which its user's lock protects. */
#include "store/internal.h"

#include "base/file.h"
#include "base/text.h"
#include "store/record.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

typedef struct DigestSet {
    Digest *items;
    size_t count, room;
} DigestSet;

typedef struct Needed {
    DigestSet blobs, layers;
} Needed;

static void needed_done(Needed *needed)
{
    free(needed->blobs.items);
    free(needed->layers.items);
}

static int add(DigestSet *set, const Digest *digest)
{
    if (set->count == set->room) {
        size_t room = set->room * 2 + 64;
        Digest *larger = reallocarray(set->items, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        set->items = larger;
        set->room = room;
    }
    set->items[set->count++] = *digest;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const Digest *) a)->hex, ((const Digest *) b)->hex);
}

static void sort(DigestSet *set)
{
    if (set->count > 0)
        qsort(set->items, set->count, sizeof(*set->items), compare);
}

static bool has(const DigestSet *set, const Digest *digest)
{
    return set->count > 0 && bsearch(digest, set->items, set->count, sizeof(*set->items), compare);
}

/* Takes no lock: whoever removes the record meanwhile makes us keep too much, once. */
static int mark_image(const Store *store, const Digest *manifest, Needed *needed, Error *error)
{
    StorePath path = store_path(STORE_IMAGES_DIR, manifest, "");
    _cleanup_store_image_ StoreImage *image = calloc(1, sizeof(*image));
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r;

    if (!image)
        return -ENOMEM;
    image->lock_fd = -EBADF;
    r = file_read_at(store->fd, path.text, RECORD_MAX_BYTES, &text, &size);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = record_parse_image(text, size, image, NULL, error);
    if (r < 0)
        return error_prefix(error, r, "%s/%s", store->path, path.text);
    r = add(&needed->blobs, manifest);
    if (r == 0)
        r = add(&needed->blobs, &image->id);
    for (size_t i = 0; i < image->layers_count && r == 0; i++) {
        r = add(&needed->blobs, &image->layers[i].blob);
        if (r == 0)
            r = add(&needed->layers, &image->layers[i].diff_id);
    }
    return r;
}

static int mark(const Store *store, Needed *needed, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = store_list_names(store, STORE_IMAGES_DIR, store_is_hex_name, &names, error);

    for (char **name = names; r == 0 && name && *name; name++) {
        Digest manifest;

        (void) digest_parse_hex(*name, &manifest);
        r = mark_image(store, &manifest, needed, error);
    }
    sort(&needed->blobs);
    sort(&needed->layers);
    return r;
}

/* What an atomic write leaves when it is killed. */
static bool is_leftover(const char *name)
{
    return strncmp(name, ".#", 2) == 0;
}

static bool is_store_name(const char *name)
{
    _cleanup_free_ char *copy = NULL;

    if (is_leftover(name) || store_is_hex_name(name))
        return true;
    copy = text_has_suffix(name, STORE_LAYER_INFO) ? strndup(name, strlen(name) - strlen(STORE_LAYER_INFO)) : NULL;
    return copy && store_is_hex_name(copy);
}

/* Whether the file name carries a digest that is in `set`. */
static bool is_needed(const char *name, const DigestSet *set)
{
    Digest digest = {};

    if (!set)
        return !is_leftover(name);
    memcpy(digest.hex, name, strnlen(name, DIGEST_HEX_SIZE));
    return has(set, &digest);
}

/* Moves away whole what no longer is needed, so that no reader ever meets half of it. */
static int sweep(const Store *store, const char *dir, const DigestSet *set, const char *trash, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = store_list_names(store, dir, is_store_name, &names, error);

    if (r < 0)
        return r;
    STRV_FOREACH (name, names) {
        _cleanup_free_ char *from = NULL, *to = NULL;

        if (is_needed(*name, set))
            continue;
        from = text_format("%s/%s", dir, *name);
        to = text_format("%s/%s%s", trash, dir[0] == 'b' ? "blob-" : "", *name);
        if (!from || !to)
            return -ENOMEM;
        if (renameat(store->fd, from, store->fd, to) < 0 && errno != ENOENT)
            return error_set(error, -errno, "removing %s/%s: %m", store->path, from);
    }
    return 0;
}

static int sweep_all(const Store *store, const char *trash, Error *error)
{
    _cleanup_(needed_done) Needed needed = {};
    int r = mark(store, &needed, error);

    /* A record that cannot be read may need anything: better to keep all of it. */
    if (r < 0)
        return error_hint(error, error_prefix(error, r, "nothing is collected"),
                          "remove the damaged image (berthctl rmi)");
    r = sweep(store, STORE_LAYERS_DIR, &needed.layers, trash, error);
    if (r == 0)
        r = sweep(store, STORE_BLOBS_DIR, &needed.blobs, trash, error);
    if (r == 0)
        r = sweep(store, STORE_IMAGES_DIR, NULL, trash, error);
    if (r == 0)
        r = sweep(store, STORE_REFS_DIR, NULL, trash, error);
    return r;
}

int store_collect_garbage(Store *store, Error *error)
{
    _cleanup_close_ int lock_fd = -EBADF, trash_fd = -EBADF;
    _cleanup_free_ char *trash = NULL;
    int r = store_lock(store, STORE_LOCK_FILE, LOCK_EX | LOCK_NB, &lock_fd);

    store_sweep_temporaries(store);
    if (r == -EWOULDBLOCK)
        return 1;
    if (r < 0)
        return error_prefix(error, r, "locking %s", store->path);
    r = store_make_temporary(store, &trash, &trash_fd);
    if (r < 0)
        return error_prefix(error, r, "making a directory in %s/" STORE_TMP_DIR, store->path);
    r = sweep_all(store, trash, error);
    lock_fd = safe_close(lock_fd);
    /* Outside the lock: this is what takes time. When it fails, the next sweep tries again. */
    (void) file_remove_tree_at(store->fd, trash);
    return r;
}
