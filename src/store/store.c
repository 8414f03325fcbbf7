/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/internal.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define STORE_MODE 0700

static const char *const directories[] = {
    STORE_REFS_DIR, STORE_IMAGES_DIR, "blobs", STORE_BLOBS_DIR, STORE_LAYERS_DIR, STORE_TMP_DIR,
};

void store_free(Store *store)
{
    if (!store)
        return;
    safe_close(store->fd);
    free(store->path);
    free(store);
}

int store_get_fd(const Store *store)
{
    return store->fd;
}

const char *store_get_path(const Store *store)
{
    return store->path;
}

/* Layers hold setuid programs and device nodes of images: nobody but the owner may reach them, whatever the
 * umask was, and nobody else may change what we trust. */
static int check_directory(int fd, const char *path, bool repair, Error *error)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_set(error, -errno, "looking at %s: %m", path);
    if (!S_ISDIR(st.st_mode))
        return error_set(error, -ENOTDIR, "%s is not a directory", path);
    if (st.st_uid != geteuid())
        return error_hint(error,
                          error_set(error, -EPERM, "%s belongs to user %u, not to user %u", path, st.st_uid, geteuid()),
                          "the image store must belong to the user who runs this program, usually root");
    if (repair && (st.st_mode & 07777) != STORE_MODE && fchmod(fd, STORE_MODE) < 0)
        return error_set(error, -errno, "making %s private: %m", path);
    if (!repair && (st.st_mode & 022))
        return error_hint(error, error_set(error, -EPERM, "others may write to %s", path), "chmod go-w %s", path);
    return 0;
}

static int make_directories(const Store *store, Error *error)
{
    bool is_new = false;

    for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
        _cleanup_free_ char *path = text_format("%s/%s", store->path, directories[i]);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!path)
            return -ENOMEM;
        if (mkdirat(store->fd, directories[i], STORE_MODE) == 0)
            is_new = true;
        else if (errno != EEXIST)
            return error_set(error, -errno, "making %s: %m", path);
        fd = openat(store->fd, directories[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            return error_set(error, -errno, "opening %s: %m", path);
        r = check_directory(fd, path, true, error);
        if (r < 0)
            return r;
    }
    if (is_new && syncfs(store->fd) < 0)
        return error_set(error, -errno, "writing %s to the disk: %m", store->path);
    return 0;
}

/* What a store looks like from outside; anything else in its place is left alone. */
static int check_is_store(const Store *store, Error *error)
{
    _cleanup_close_ int fd = openat(store->fd, STORE_LAYERS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return error_hint(error, error_set(error, -ENOENT, "there is no image store in %s", store->path),
                          "berthctl load FILE makes it");
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(error, -errno, "opening %s/" STORE_LAYERS_DIR ": %m", store->path);
    if (st.st_mode & 077)
        return error_hint(error, error_set(error, -EPERM, "other users can enter %s/" STORE_LAYERS_DIR, store->path),
                          "chmod 0700 %s/" STORE_LAYERS_DIR, store->path);
    return 0;
}

int store_open(const char *path, StoreOpenFlags flags, Store **ret, Error *error)
{
    _cleanup_store_ Store *store = calloc(1, sizeof(*store));
    bool create = flags & STORE_OPEN_CREATE;
    int r;

    if (!store)
        return -ENOMEM;
    store->fd = -EBADF;
    store->path = strdup(path);
    if (!store->path)
        return -ENOMEM;
    r = file_open_directory_at(AT_FDCWD, path, create, STORE_MODE, &store->fd);
    if (r == -ENOENT)
        return error_hint(error, error_set(error, r, "there is no image store in %s", path),
                          "berthctl load FILE makes it");
    if (r < 0)
        return error_prefix(error, r, "opening the image store %s", path);
    r = check_directory(store->fd, path, false, error);
    if (r == 0)
        r = create ? make_directories(store, error) : check_is_store(store, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(store);
    return 0;
}

int store_lock(const Store *store, const char *path, int operation, int *ret_fd)
{
    _cleanup_close_ int fd = openat(store->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT && strcmp(path, STORE_LOCK_FILE) == 0)
        fd = openat(store->fd, path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    while (flock(fd, operation) < 0)
        if (errno != EINTR)
            return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* A sweeper may take the new directory for an abandoned one until the lock is held: then it is gone
 * afterwards. */
static int try_temporary(const Store *store, char **ret_name, int *ret_fd)
{
    _cleanup_free_ char *name = NULL;
    _cleanup_close_ int fd = -EBADF;
    uint64_t number = 0;
    struct stat st;
    int r;

    if (getrandom(&number, sizeof(number), 0) < 0)
        return -errno;
    name = text_format(STORE_TMP_DIR "/%016llx", (unsigned long long) number);
    if (!name)
        return -ENOMEM;
    if (mkdirat(store->fd, name, STORE_MODE) < 0)
        return -errno;
    r = store_lock(store, name, LOCK_EX | LOCK_NB, &fd);
    if (r == -ENOENT || r == -EWOULDBLOCK)
        return -EAGAIN;
    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -EAGAIN;
    *ret_name = TAKE_PTR(name);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int store_make_temporary(const Store *store, char **ret_name, int *ret_fd)
{
    int r = -EAGAIN;

    for (unsigned attempt = 0; attempt < 16 && (r == -EAGAIN || r == -EEXIST); attempt++)
        r = try_temporary(store, ret_name, ret_fd);
    return r;
}

static bool is_any_name(const char *name)
{
    return name[0] != '.';
}

void store_sweep_temporaries(const Store *store)
{
    _cleanup_strv_ char **names = NULL;

    if (store_list_names(store, STORE_TMP_DIR, is_any_name, &names, NULL) < 0)
        return;
    STRV_FOREACH (name, names) {
        _cleanup_free_ char *path = text_format(STORE_TMP_DIR "/%s", *name);
        _cleanup_close_ int fd = -EBADF;

        if (path && store_lock(store, path, LOCK_EX | LOCK_NB, &fd) == 0)
            (void) file_remove_tree_at(store->fd, path);
    }
}

bool store_is_hex_name(const char *name)
{
    Digest digest;

    return digest_parse_hex(name, &digest) == 0;
}

int store_list_names(const Store *store, const char *dir, StoreNameFilter accept, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    const struct dirent *entry;
    DIR *directory = NULL;
    int r = 0, fd = openat(store->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        r = error_set(error, -errno, "reading %s/%s: %m", store->path, dir);
        safe_close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(directory)))
        if (accept(entry->d_name))
            r = strv_append(&names, entry->d_name);
    closedir(directory);
    if (r == 0)
        *ret = TAKE_PTR(names);
    return r;
}

int store_read_blob(Store *store, const Digest *digest, size_t max_bytes, char **ret, size_t *ret_size, Error *error)
{
    StorePath path = store_path(STORE_BLOBS_DIR, digest, "");
    int r = file_read_at(store->fd, path.text, max_bytes, ret, ret_size);

    if (r == -ENOENT)
        return error_hint(error, error_set(error, r, "the blob sha256:%s is missing in %s", digest->hex, store->path),
                          "load the image again");
    return r < 0 ? error_prefix(error, r, "reading %s/%s", store->path, path.text) : 0;
}
