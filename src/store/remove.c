/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/internal.h"

#include "base/file.h"
#include "base/text.h"
#include "store/record.h"
#include "store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_TRIES   10U
#define LOCK_WAIT_NS 20000000L /* a list holds each image for less than that */

void store_removed_done(StoreRemoved *removed)
{
    strv_free(removed->untagged);
    strv_free(removed->deleted);
    *removed = (StoreRemoved){};
}

/* What a remove is about: one reference, or an image with the references that it has now. */
typedef struct Target {
    char *reference; /* as the store spells it; NULL when an ID was given */
    Digest manifest; /* empty: the reference is damaged and says nothing */
    char **names;    /* all current references of the image */
} Target;

static void target_done(Target *target)
{
    free(target->reference);
    strv_free(target->names);
}

static int find_reference(const Store *store, const char *name, Target *target)
{
    _cleanup_ref_ Ref ref = {};
    int r = refs_find(store, name, &target->reference, &ref);

    if (r == 0)
        target->manifest = ref_current(&ref)->manifest;
    return r == -EUCLEAN ? 0 : r;
}

static int list_names_of(const Store *store, const Digest *manifest, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = refs_list(store, &names, error);

    for (char **name = names; r == 0 && name && *name; name++) {
        _cleanup_ref_ Ref ref = {};

        if (refs_load(store, *name, &ref, NULL) == 0 && digest_equal(&ref_current(&ref)->manifest, manifest))
            r = strv_append(ret, *name);
    }
    return r;
}

static int find_target(const Store *store, const char *name, Target *target, Error *error)
{
    int r = find_reference(store, name, target);

    if (r == -ENOENT) {
        _cleanup_store_image_ StoreImage *image = NULL;

        r = store_resolve(store, name, &image, error);
        if (r == 0)
            target->manifest = image->manifest;
    }
    if (r == 0 && digest_is_set(&target->manifest))
        r = list_names_of(store, &target->manifest, &target->names, error);
    return r;
}

static int lock_image(const Store *store, const char *path, int *ret_fd)
{
    int r = -EWOULDBLOCK;

    for (unsigned attempt = 0; attempt < LOCK_TRIES && r == -EWOULDBLOCK; attempt++) {
        if (attempt > 0)
            nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
        r = store_lock(store, path, LOCK_EX | LOCK_NB, ret_fd);
    }
    return r;
}

static int untag(const Store *store, char *const *names, StoreRemoved *removed, Error *error)
{
    int r = 0;

    for (char *const *name = names; r == 0 && name && *name; name++) {
        r = refs_remove(store, *name, error);
        if (r == 0)
            r = strv_append(&removed->untagged, *name);
    }
    return r;
}

/* The record goes last: a crash between leaves an image without a name, which can be listed and removed. */
static int delete_image(const Store *store, const Target *target, int lock_fd, StoreRemoved *removed, Error *error)
{
    StorePath path = store_path(STORE_IMAGES_DIR, &target->manifest, "");
    _cleanup_store_image_ StoreImage *image = calloc(1, sizeof(*image));
    _cleanup_close_ int dir_fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r;

    if (!image)
        return -ENOMEM;
    image->lock_fd = -EBADF;
    r = untag(store, target->names, removed, error);
    if (r < 0)
        return r;
    if (file_read_fd(lock_fd, RECORD_MAX_BYTES, &text, &size) < 0 ||
        record_parse_image(text, size, image, NULL, NULL) < 0)
        image->id = target->manifest;
    dir_fd = openat(store->fd, STORE_IMAGES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir_fd < 0 || unlinkat(store->fd, path.text, 0) < 0 || fsync(dir_fd) < 0)
        return error_prefix(error, -errno, "removing %s/%s", store->path, path.text);
    return strv_append(&removed->deleted, digest_format(&image->id).text);
}

static int remove_target(const Store *store, const Target *target, StoreRemoveFlags flags, StoreRemoved *removed,
                         Error *error)
{
    char *one[] = {target->reference, NULL};
    StorePath path = store_path(STORE_IMAGES_DIR, &target->manifest, "");
    _cleanup_close_ int lock_fd = -EBADF;
    size_t count = strv_length(target->names);
    int r;

    if (target->reference && (count > 1 || !digest_is_set(&target->manifest)))
        return untag(store, one, removed, error);
    if (!target->reference && count > 1 && !(flags & STORE_REMOVE_FORCE)) {
        _cleanup_free_ char *list = strv_join(target->names, ", ");

        return error_hint(error, error_set(error, -ENOTUNIQ, "the image has several names: %s", list ? list : ""),
                          "remove the names one by one, or use --force");
    }
    r = lock_image(store, path.text, &lock_fd);
    if (r == -ENOENT || (r == -EWOULDBLOCK && (flags & STORE_REMOVE_FORCE)))
        return untag(store, target->names, removed, error);
    if (r == -EWOULDBLOCK)
        return error_hint(error,
                          error_set(error, -EBUSY, "the image %s is in use by a container",
                                    target->reference ? target->reference : target->manifest.hex),
                          "stop the container (berthctl list), or use --force to remove the name only");
    if (r < 0)
        return error_prefix(error, r, "locking %s/%s", store->path, path.text);
    return delete_image(store, target, lock_fd, removed, error);
}

/* The part that must not race with a change of references. */
static int remove_locked(const Store *store, const char *name, StoreRemoveFlags flags, StoreRemoved *removed,
                         Error *error)
{
    _cleanup_(target_done) Target target = {};
    _cleanup_close_ int lock_fd = -EBADF;
    int r = refs_lock(store, &lock_fd, error);

    if (r == 0)
        r = find_target(store, name, &target, error);
    if (r == 0)
        r = remove_target(store, &target, flags, removed, error);
    return r;
}

int store_remove_image(Store *store, const char *name, StoreRemoveFlags flags, StoreRemoved *ret, Error *error)
{
    _cleanup_store_removed_ StoreRemoved removed = {};
    int r = remove_locked(store, name, flags, &removed, error);

    if (r < 0)
        return r;
    r = store_collect_garbage(store, error);
    if (r < 0)
        return r;
    removed.is_swept = r == 0;
    *ret = removed;
    removed = (StoreRemoved){};
    return 0;
}
