/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/refs.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "store/internal.h"
#include "store/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define REF_MAX_BYTES (4U << 20)

void ref_done(Ref *ref)
{
    for (size_t i = 0; i < ref->count; i++)
        free(ref->entries[i].source);
    free(ref->entries);
    *ref = (Ref){};
}

/* "TIME DIGEST SOURCE"; the source may be empty. `line` is NUL-terminated and changed. */
static int parse_line(char *line, RefEntry *ret)
{
    char *state = NULL, *time_text = strtok_r(line, " ", &state), *digest = strtok_r(NULL, " ", &state);

    if (!time_text || !digest || text_parse_u64(time_text, UINT64_MAX, &ret->time_usec) < 0 ||
        digest_parse(digest, &ret->manifest) < 0)
        return -EINVAL;
    ret->source = strdup(state ? state : "");
    return ret->source ? 0 : -ENOMEM;
}

static int add_entry(Ref *ref, RefEntry entry)
{
    RefEntry *larger = reallocarray(ref->entries, ref->count + 1, sizeof(*larger));

    if (!larger) {
        free(entry.source);
        return -ENOMEM;
    }
    ref->entries = larger;
    ref->entries[ref->count++] = entry;
    return 0;
}

int ref_parse(const char *text, size_t size, Ref *ret, Error *error)
{
    _cleanup_free_ char *copy = strndup(text, size);
    _cleanup_ref_ Ref ref = {};
    char *state = NULL;
    unsigned number = 0;

    if (!copy)
        return -ENOMEM;
    if (strlen(copy) != size || (size > 0 && copy[size - 1] != '\n'))
        return error_set(error, -EINVAL, "the file is cut off or holds a NUL");
    for (char *line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        RefEntry entry = {};
        int r;

        number++;
        r = parse_line(line, &entry);
        if (r == 0)
            r = add_entry(&ref, entry);
        if (r == -EINVAL)
            return error_set(error, r, "line %u is not \"TIME DIGEST SOURCE\"", number);
        if (r < 0)
            return r;
    }
    if (ref.count == 0)
        return error_set(error, -EINVAL, "the file is empty");
    *ret = ref;
    ref = (Ref){};
    return 0;
}

static int make_path(const char *name, char **ret)
{
    _cleanup_free_ char *file_name = reference_to_file_name(name);
    char *path = file_name ? text_format(STORE_REFS_DIR "/%s", file_name) : NULL;

    if (!path)
        return -ENOMEM;
    *ret = path;
    return 0;
}

int refs_load(const Store *store, const char *name, Ref *ret, Error *error)
{
    _cleanup_free_ char *path = NULL, *text = NULL;
    size_t size = 0;
    int r = make_path(name, &path);

    if (r < 0)
        return r;
    r = file_read_at(store->fd, path, REF_MAX_BYTES, &text, &size);
    if (r == -ENOENT)
        return r;
    if (r < 0)
        return error_prefix(error, r, "reading %s/%s", store->path, path);
    r = ref_parse(text, size, ret, error);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return error_hint(error, error_prefix(error, -EUCLEAN, "%s/%s is damaged", store->path, path),
                          "remove the file and load the image again");
    return 0;
}

int refs_find(const Store *store, const char *text, char **ret_name, Ref *ret)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_strv_ char **candidates = NULL;
    int r = reference_parse(text, &reference, NULL);

    if (r == 0 && digest_is_set(&reference.digest))
        return -ENOENT;
    if (r == 0)
        r = reference_list_candidates(&reference, &candidates);
    if (r < 0)
        return r == -EINVAL ? -ENOENT : r;
    STRV_FOREACH (candidate, candidates) {
        _cleanup_ref_ Ref ref = {};
        char *name;

        r = refs_load(store, *candidate, &ref, NULL);
        if (r == -ENOENT)
            continue;
        if (r < 0 && r != -EUCLEAN)
            return r;
        name = strdup(*candidate);
        if (!name)
            return -ENOMEM;
        *ret_name = name;
        *ret = ref;
        ref = (Ref){};
        return r;
    }
    return -ENOENT;
}

static bool is_ref_file(const char *file_name)
{
    _cleanup_free_ char *name = NULL;

    return reference_from_file_name(file_name, &name) == 0;
}

int refs_list(const Store *store, char ***ret, Error *error)
{
    _cleanup_strv_ char **list = NULL;
    int r = store_list_names(store, STORE_REFS_DIR, is_ref_file, &list, error);

    if (r < 0)
        return r;
    STRV_FOREACH (item, list) {
        char *name = NULL;

        r = reference_from_file_name(*item, &name);
        if (r < 0)
            return r;
        free(*item);
        *item = name;
    }
    strv_sort(list);
    *ret = TAKE_PTR(list);
    return 0;
}

int refs_lock(const Store *store, int *ret_fd, Error *error)
{
    int r = store_lock(store, STORE_REFS_DIR, LOCK_EX, ret_fd);

    return r < 0 ? error_prefix(error, r, "locking %s/" STORE_REFS_DIR, store->path) : 0;
}

static uint64_t now_usec(void)
{
    struct timespec now = {};

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
}

static void append_line(Buffer *buffer, uint64_t time_usec, const Digest *manifest, const char *source)
{
    buffer_append_format(buffer, "%llu %s %s\n", (unsigned long long) time_usec, digest_format(manifest).text, source);
}

int refs_append(const Store *store, const char *name, const Digest *manifest, const char *source, Error *error)
{
    _cleanup_free_ char *file_name = reference_to_file_name(name), *line = text_escape(source, SIZE_MAX);
    _cleanup_close_ int dir_fd = -EBADF;
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_ref_ Ref ref = {};
    size_t first = 0;
    int r = refs_load(store, name, &ref, NULL);

    /* A damaged file has no history worth keeping. */
    if (r < 0 && r != -ENOENT && r != -EUCLEAN)
        return error_prefix(error, r, "reading the reference %s", name);
    if (!file_name || !line)
        return -ENOMEM;
    if (ref.count > 0 && digest_equal(&ref_current(&ref)->manifest, manifest))
        return 0;
    if (ref.count >= REFS_HISTORY_MAX)
        first = ref.count - REFS_HISTORY_MAX + 1;
    for (size_t i = first; i < ref.count; i++)
        append_line(&buffer, ref.entries[i].time_usec, &ref.entries[i].manifest, ref.entries[i].source);
    append_line(&buffer, now_usec(), manifest, line);
    if (buffer.failed)
        return buffer.failed;

    dir_fd = openat(store->fd, STORE_REFS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    r = dir_fd < 0 ? -errno
                   : file_write_atomic_at(dir_fd, file_name, buffer.data, buffer.size, 0600, FILE_WRITE_DURABLE);
    return r < 0 ? error_prefix(error, r, "writing the reference %s", name) : 0;
}

int refs_remove(const Store *store, const char *name, Error *error)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int dir_fd = -EBADF;
    int r = make_path(name, &path);

    if (r < 0)
        return r;
    dir_fd = openat(store->fd, STORE_REFS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir_fd < 0 || unlinkat(store->fd, path, 0) < 0 || fsync(dir_fd) < 0)
        return error_prefix(error, -errno, "removing the reference %s", name);
    return 0;
}
