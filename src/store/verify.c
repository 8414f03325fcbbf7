/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/verify.h"

#include "base/text.h"
#include "store/internal.h"
#include "store/reference.h"
#include "store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Under a name of its own, because the same thing can be damaged twice. */
static int put_aside(const Store *store, const char *path, const char *kind, const char *name)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *to = NULL;
    uint32_t number = 0;

    if (mkdirat(store->fd, STORE_QUARANTINE_DIR, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (getrandom(&number, sizeof(number), 0) < 0)
        return -errno;
    to = text_format(STORE_QUARANTINE_DIR "/%s-%s-%08x", kind, name, number);
    if (!to)
        return -ENOMEM;
    if (renameat(store->fd, path, store->fd, to) < 0)
        return -errno;
    fd = openat(store->fd, STORE_QUARANTINE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int store_put_blob_aside(Store *store, const Digest *digest, int fd)
{
    StorePath path = store_path(STORE_BLOBS_DIR, digest, "");
    struct stat seen, now;

    if (fstat(fd, &seen) < 0 || fstatat(store->fd, path.text, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : -errno;
    if (seen.st_ino != now.st_ino || seen.st_dev != now.st_dev)
        return 1;
    return put_aside(store, path.text, "blob", digest->hex);
}

/* The tree first: a layer without its .info does not count as one. */
int store_put_layer_aside(Store *store, const Digest *diff_id)
{
    StorePath path = store_path(STORE_LAYERS_DIR, diff_id, ""),
              info = store_path(STORE_LAYERS_DIR, diff_id, STORE_LAYER_INFO);
    int r = put_aside(store, path.text, "layer", diff_id->hex);

    if (r < 0 && r != -ENOENT)
        return r;
    r = put_aside(store, info.text, "info", diff_id->hex);
    return r == -ENOENT ? 0 : r;
}

static int verify_name(Store *store, const char *name, StoreReport report, void *userdata, Error *error)
{
    _cleanup_free_ char *file_name = reference_to_file_name(name), *path = NULL;
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_error_ Error damage = {};
    _cleanup_ref_ Ref ref = {};
    StoreProblem problem = {.kind = "name", .name = name, .text = "its image is not in the store"};
    int r = refs_load(store, name, &ref, &damage);

    path = file_name ? text_format(STORE_REFS_DIR "/%s", file_name) : NULL;
    if (!path)
        return -ENOMEM;
    if (r == -EUCLEAN) {
        problem.text = damage.text ? damage.text : "its history is damaged";
        problem.is_aside = put_aside(store, path, "name", file_name) == 0;
        return report(&problem, userdata);
    }
    if (r < 0)
        return r == -ENOENT ? 0 : error_prefix(error, r, "reading the reference %s", name);
    return store_open_image(store, &ref_current(&ref)->manifest, &image, NULL) == -ENOENT ? report(&problem, userdata)
                                                                                          : 0;
}

static int verify_record(Store *store, const char *hex, StoreReport report, void *userdata)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_error_ Error damage = {};
    _cleanup_close_ int lock_fd = -EBADF;
    StoreProblem problem = {.kind = "image"};
    DigestText name;
    StorePath path;
    Digest manifest;
    int r = digest_parse_hex(hex, &manifest);

    if (r == 0)
        r = store_open_image(store, &manifest, &image, &damage);
    if (r != -EUCLEAN)
        return r == -ENOENT ? 0 : r;
    name = digest_format(&manifest);
    path = store_path(STORE_IMAGES_DIR, &manifest, "");
    problem.name = name.text;
    problem.text = damage.text ? damage.text : "its record is damaged";
    problem.is_aside = store_lock(store, path.text, LOCK_EX | LOCK_NB, &lock_fd) == 0 &&
                       put_aside(store, path.text, "image", hex) == 0;
    return report(&problem, userdata);
}

int store_verify_names(Store *store, StoreReport report, void *userdata, Error *error)
{
    _cleanup_strv_ char **names = NULL, **records = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    int r = refs_lock(store, &lock_fd, error);

    if (r == 0)
        r = store_list_names(store, STORE_IMAGES_DIR, store_is_hex_name, &records, error);
    for (char **record = records; r == 0 && record && *record; record++)
        r = verify_record(store, *record, report, userdata);
    if (r == 0)
        r = refs_list(store, &names, error);
    for (char **name = names; r == 0 && name && *name; name++)
        r = verify_name(store, *name, report, userdata, error);
    return r;
}
