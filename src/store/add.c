/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/add.h"

#include "base/file.h"
#include "base/text.h"
#include "store/internal.h"
#include "store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRIES_MAX 32U

struct StoreAddition {
    Store *store;
    char *name; /* tmp/NAME */
    int fd, lock_fd;
    int *image_fds; /* shared locks on what was published */
    size_t image_fds_count;
};

void store_end_addition(StoreAddition *addition)
{
    if (!addition)
        return;
    if (addition->name)
        (void) file_remove_tree_at(addition->store->fd, addition->name);
    for (size_t i = 0; i < addition->image_fds_count; i++)
        safe_close(addition->image_fds[i]);
    free(addition->image_fds);
    safe_close(addition->fd);
    safe_close(addition->lock_fd);
    /* Whoever ends last finds the lock free. Failure leaves garbage, not damage. */
    if (addition->lock_fd >= 0)
        (void) store_collect_garbage(addition->store, NULL);
    free(addition->name);
    free(addition);
}

int store_begin_addition(Store *store, StoreAddition **ret, Error *error)
{
    _cleanup_store_addition_ StoreAddition *addition = calloc(1, sizeof(*addition));
    int r;

    if (!addition)
        return -ENOMEM;
    *addition = (StoreAddition){.store = store, .fd = -EBADF, .lock_fd = -EBADF};
    r = store_lock(store, STORE_LOCK_FILE, LOCK_SH, &addition->lock_fd);
    if (r < 0)
        return error_prefix(error, r, "locking %s", store->path);
    /* Room first: what a killed load left may be what fills the disk. */
    store_sweep_temporaries(store);
    r = store_make_temporary(store, &addition->name, &addition->fd);
    if (r < 0)
        return error_prefix(error, r, "making a directory in %s/" STORE_TMP_DIR, store->path);
    *ret = TAKE_PTR(addition);
    return 0;
}

int store_addition_fd(const StoreAddition *addition)
{
    return addition->fd;
}

int store_load_layer(const Store *store, const Digest *diff_id, LayerInfo *ret)
{
    StorePath path = store_path(STORE_LAYERS_DIR, diff_id, ""),
              info = store_path(STORE_LAYERS_DIR, diff_id, STORE_LAYER_INFO);
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r;

    if (faccessat(store->fd, path.text, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    r = file_read_at(store->fd, info.text, RECORD_MAX_BYTES, &text, &size);
    if (r == 0)
        r = record_parse_layer(text, size, ret, NULL);
    return r == -EINVAL ? -ENOENT : r;
}

bool store_has_blob(const Store *store, const Digest *digest, uint64_t size_bytes)
{
    StorePath path = store_path(STORE_BLOBS_DIR, digest, "");
    struct stat st;

    return fstatat(store->fd, path.text, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t) st.st_size == size_bytes;
}

static int sync_directory(const Store *store, const char *dir, Error *error)
{
    _cleanup_close_ int fd = openat(store->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || fsync(fd) < 0)
        return error_set(error, -errno, "writing %s/%s to the disk: %m", store->path, dir);
    return 0;
}

static int say_rename(const Store *store, const char *path, Error *error)
{
    return error_set(error, -errno, "making %s/%s: %m", store->path, path);
}

static int place_blob(const StoreAddition *addition, const StoreNewLayer *layer, Error *error)
{
    StorePath path = store_path(STORE_BLOBS_DIR, &layer->blob, "");

    /* Over an old copy as well: this one was verified just now. */
    if (fchmodat(addition->fd, layer->blob_name, 0400, 0) < 0 ||
        renameat(addition->fd, layer->blob_name, addition->store->fd, path.text) < 0)
        return say_rename(addition->store, path.text, error);
    return 0;
}

static int place_tree(const StoreAddition *addition, const StoreNewLayer *layer, const char *info_name, Error *error)
{
    const Store *store = addition->store;
    StorePath path = store_path(STORE_LAYERS_DIR, &layer->diff_id, ""),
              info = store_path(STORE_LAYERS_DIR, &layer->diff_id, STORE_LAYER_INFO);

    if (renameat(addition->fd, info_name, store->fd, info.text) < 0)
        return say_rename(store, info.text, error);
    if (renameat(addition->fd, layer->tree_name, store->fd, path.text) < 0) {
        if (errno == ENOTEMPTY || errno == EEXIST)
            return 0;
        return say_rename(store, path.text, error);
    }
    return 0;
}

int store_publish_layer(StoreAddition *addition, const StoreNewLayer *layer, Error *error)
{
    _cleanup_free_ char *info = record_format_layer(&layer->info), *info_name = NULL;
    int r = 0;

    info_name = text_format("%s" STORE_LAYER_INFO, layer->diff_id.hex);
    if (!info || !info_name)
        return -ENOMEM;
    if (layer->tree_name) {
        r = file_write_atomic_at(addition->fd, info_name, info, strlen(info), 0600, 0);
        if (r < 0)
            return error_prefix(error, r, "writing %s", info_name);
    }
    /* The one barrier: everything below these names reaches the disk before the names do. */
    if (syncfs(addition->fd) < 0)
        return error_set(error, -errno, "writing the layer to the disk: %m");
    r = place_blob(addition, layer, error);
    if (r == 0 && layer->tree_name)
        r = place_tree(addition, layer, info_name, error);
    return r;
}

int store_publish_blob(StoreAddition *addition, const Digest *digest, const void *data, size_t size, Error *error)
{
    const Store *store = addition->store;
    _cleanup_close_ int fd = -EBADF;
    int r;

    fd = openat(store->fd, STORE_BLOBS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set(error, -errno, "opening %s/" STORE_BLOBS_DIR ": %m", store->path);
    r = file_write_atomic_at(fd, digest->hex, data, size, 0400, FILE_WRITE_DURABLE);
    return r < 0 ? error_prefix(error, r, "writing %s/" STORE_BLOBS_DIR "/%s", store->path, digest->hex) : 0;
}

static int hold_image(StoreAddition *addition, int fd)
{
    int *larger = reallocarray(addition->image_fds, addition->image_fds_count + 1, sizeof(*larger));

    if (!larger) {
        safe_close(fd);
        return -ENOMEM;
    }
    addition->image_fds = larger;
    addition->image_fds[addition->image_fds_count++] = fd;
    return 0;
}

int store_hold_image(StoreAddition *addition, const Digest *manifest, StoreImage **ret, Error *error)
{
    const Store *store = addition->store;
    StorePath path = store_path(STORE_BLOBS_DIR, manifest, "");
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = store_open_image(store, manifest, &image, error);

    if (r < 0)
        return r == -EUCLEAN ? -ENOENT : r;
    if (faccessat(store->fd, path.text, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return -ENOENT;
    for (size_t i = 0; i < image->layers_count; i++) {
        LayerInfo info;

        if (store_load_layer(store, &image->layers[i].diff_id, &info) < 0 ||
            !store_has_blob(store, &image->layers[i].blob, image->layers[i].blob_bytes))
            return -ENOENT;
    }
    r = hold_image(addition, TAKE_FD(image->lock_fd));
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}

/* Makes way for a new record when the old one cannot be read and nobody uses it. */
static void drop_damaged(const Store *store, const char *path)
{
    _cleanup_close_ int fd = -EBADF;

    if (store_lock(store, path, LOCK_EX | LOCK_NB, &fd) == 0)
        (void) unlinkat(store->fd, path, 0);
}

/* The file is the image's lock as well, so an existing one is kept, never replaced under its users. */
static int try_record(StoreAddition *addition, const Digest *manifest, const char *text, Error *error)
{
    const Store *store = addition->store;
    StorePath path = store_path(STORE_IMAGES_DIR, manifest, "");
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_close_ int dir_fd = -EBADF;
    int r;

    dir_fd = openat(store->fd, STORE_IMAGES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir_fd < 0)
        return error_set(error, -errno, "opening %s/" STORE_IMAGES_DIR ": %m", store->path);
    r = file_write_atomic_at(dir_fd, manifest->hex, text, strlen(text), 0600,
                             FILE_WRITE_DURABLE | FILE_WRITE_EXCLUSIVE);
    if (r < 0 && r != -EEXIST)
        return error_prefix(error, r, "writing %s/%s", store->path, path.text);
    r = store_open_image(store, manifest, &image, NULL);
    if (r == -EUCLEAN)
        drop_damaged(store, path.text);
    if (r < 0)
        return r == -ENOENT || r == -EUCLEAN ? -EAGAIN : r;
    return hold_image(addition, TAKE_FD(image->lock_fd));
}

int store_publish_image(StoreAddition *addition, const StoreImage *image, const bool *hides, const char *source,
                        Error *error)
{
    _cleanup_free_ char *text = record_format_image(image, hides, source);
    int r;

    if (!text)
        return -ENOMEM;
    r = sync_directory(addition->store, STORE_LAYERS_DIR, error);
    if (r == 0)
        r = sync_directory(addition->store, STORE_BLOBS_DIR, error);
    if (r < 0)
        return r;
    r = -EAGAIN;
    for (unsigned attempt = 0; attempt < RETRIES_MAX && r == -EAGAIN; attempt++)
        r = try_record(addition, &image->manifest, text, error);
    if (r == -EAGAIN)
        return error_set(error, -EUCLEAN, "%s/" STORE_IMAGES_DIR "/%s is damaged and in use", addition->store->path,
                         image->manifest.hex);
    return r;
}

int store_publish_reference(StoreAddition *addition, const char *name, const Digest *manifest, const char *source,
                            Error *error)
{
    _cleanup_close_ int lock_fd = -EBADF;
    int r = refs_lock(addition->store, &lock_fd, error);

    return r < 0 ? r : refs_append(addition->store, name, manifest, source, error);
}
