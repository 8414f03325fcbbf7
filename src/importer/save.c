/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/save.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "importer/hash.h"
#include "importer/sink.h"
#include "store/image-manifest.h"
#include "store/json-read.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES  (1U << 20)
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX    "application/vnd.oci.image.index.v1+json"

/* One image; what has several names is given several times and becomes one. */
typedef struct Saved {
    StoreImage *image;
    char **names;
    json_t *manifest;
    uint64_t manifest_bytes;
} Saved;

typedef struct Save {
    const SaveOptions *options;
    Store *store;
    Saved *items;
    size_t count;
    Digest *blobs; /* sorted, each once */
    size_t blobs_count;
    Sink *sink;
    char *buffer;
} Save;

static void save_done(Save *save)
{
    for (size_t i = 0; i < save->count; i++) {
        store_image_free(save->items[i].image);
        strv_free(save->items[i].names);
        json_decref(save->items[i].manifest);
    }
    free(save->items);
    free(save->blobs);
    free(save->buffer);
    sink_free(save->sink);
    store_free(save->store);
}

int save_format_parse(const char *text, SaveFormat *ret, Error *error)
{
    static const char *const names[_SAVE_FORMAT_MAX] = {
        [SAVE_OCI_ARCHIVE] = "oci-archive", [SAVE_DOCKER_ARCHIVE] = "docker-archive", [SAVE_OCI_DIRECTORY] = "oci-dir"};

    for (SaveFormat i = 0; i < _SAVE_FORMAT_MAX; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = i;
            return 0;
        }
    return error_hint(error, error_set(error, -EINVAL, "--format: there is no format '%s'", text),
                      "oci-archive, docker-archive or oci-dir");
}

/* --- what to save --- */

static int read_manifest(Save *save, Saved *saved, Error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = store_read_blob(save->store, &saved->image->manifest, IMAGE_MANIFEST_MAX_BYTES, &text, &size, error);

    if (r == 0)
        r = json_read_object(text, size, IMAGE_MANIFEST_MAX_BYTES, &saved->manifest, error);
    saved->manifest_bytes = size;
    return r;
}

static Saved *find_saved(Save *save, const StoreImage *image)
{
    for (size_t i = 0; i < save->count; i++)
        if (digest_equal(&save->items[i].image->manifest, &image->manifest))
            return &save->items[i];
    return NULL;
}

static int add_image(Save *save, const char *name, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_free_ char *reference = NULL;
    Saved *saved;
    int r = store_find_image(save->store, name, &image, error);

    if (r < 0)
        return r;
    reference = image->reference ? strdup(image->reference) : NULL;
    if (image->reference && !reference)
        return -ENOMEM;
    saved = find_saved(save, image);
    if (!saved) {
        saved = &save->items[save->count++];
        saved->image = TAKE_PTR(image);
        r = read_manifest(save, saved, error);
    }
    if (r < 0 || !reference || strv_contains(saved->names, reference))
        return r;
    return strv_append(&saved->names, reference);
}

static int compare_digests(const void *a, const void *b)
{
    return strcmp(((const Digest *) a)->hex, ((const Digest *) b)->hex);
}

static int list_blobs(Save *save)
{
    size_t room = 0, kept = 0;

    for (size_t i = 0; i < save->count; i++)
        room += 2 + save->items[i].image->layers_count;
    save->blobs = calloc(room + 1, sizeof(Digest));
    if (!save->blobs)
        return -ENOMEM;
    for (size_t i = 0; i < save->count; i++) {
        const StoreImage *image = save->items[i].image;

        save->blobs[save->blobs_count++] = image->manifest;
        save->blobs[save->blobs_count++] = image->id;
        for (size_t j = 0; j < image->layers_count; j++)
            save->blobs[save->blobs_count++] = image->layers[j].blob;
    }
    qsort(save->blobs, save->blobs_count, sizeof(Digest), compare_digests);
    for (size_t i = 0; i < save->blobs_count; i++)
        if (kept == 0 || !digest_equal(&save->blobs[kept - 1], &save->blobs[i]))
            save->blobs[kept++] = save->blobs[i];
    save->blobs_count = kept;
    return 0;
}

/* --- the documents --- */

static json_t *pack_descriptor(const Saved *saved, const char *name)
{
    const char *type = json_string_value(json_object_get(saved->manifest, "mediaType"));
    const ImageConfig *config = saved->image->config;
    json_t *annotations =
        name ? json_pack("{s:s, s:s}", "io.containerd.image.name", name, "org.opencontainers.image.ref.name", name)
             : NULL;

    return json_pack("{s:s, s:s, s:I, s:{s:s, s:s, s:s*}, s:o*}", "mediaType", type ? type : TYPE_MANIFEST, "digest",
                     digest_format(&saved->image->manifest).text, "size", (json_int_t) saved->manifest_bytes,
                     "platform", "architecture", config->architecture ? config->architecture : "unknown", "os",
                     config->os ? config->os : "linux", "variant", config->variant, "annotations", annotations);
}

static json_t *make_index(const Save *save)
{
    json_t *manifests = json_array();

    for (size_t i = 0; i < save->count; i++) {
        const Saved *saved = &save->items[i];

        if (!saved->names)
            (void) json_array_append_new(manifests, pack_descriptor(saved, NULL));
        STRV_FOREACH (name, saved->names)
            (void) json_array_append_new(manifests, pack_descriptor(saved, *name));
    }
    return json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", TYPE_INDEX, "manifests", manifests);
}

static json_t *make_docker_list(const Save *save)
{
    json_t *list = json_array();

    for (size_t i = 0; i < save->count; i++) {
        const StoreImage *image = save->items[i].image;
        json_t *names = json_array(), *layers = json_array();

        STRV_FOREACH (name, save->items[i].names)
            (void) json_array_append_new(names, json_string(*name));
        for (size_t j = 0; j < image->layers_count; j++)
            (void) json_array_append_new(layers, json_sprintf("blobs/sha256/%s", image->layers[j].blob.hex));
        (void) json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "Config",
                                                     json_sprintf("blobs/sha256/%s", image->id.hex), "RepoTags", names,
                                                     "Layers", layers));
    }
    return list;
}

/* Takes the reference. */
static int put_json(Save *save, const char *name, json_t *json, Error *error)
{
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int r = text ? sink_begin(save->sink, name, strlen(text), error) : -ENOMEM;

    json_decref(json);
    return r < 0 ? r : sink_write(save->sink, text, strlen(text), error);
}

/* --- blobs --- */

static int copy_blob(Save *save, int fd, uint64_t size, Digest *ret, Error *error)
{
    _cleanup_hash_ Hash *hash = hash_new();
    int r = hash ? 0 : -ENOMEM;

    while (size > 0 && r == 0) {
        ssize_t n = read(fd, save->buffer, MIN(size, BUFFER_BYTES));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(error, n < 0 ? -errno : -EBADMSG, "reading: %s",
                             n < 0 ? strerror(errno) : "it was cut off");
        r = hash_update(hash, save->buffer, (size_t) n);
        if (r == 0)
            r = sink_write(save->sink, save->buffer, (size_t) n, error);
        size -= (uint64_t) n;
    }
    return r < 0 ? r : hash_finish(hash, ret);
}

static int put_blob(Save *save, const Digest *digest, Error *error)
{
    _cleanup_free_ char *name = text_format("blobs/sha256/%s", digest->hex);
    _cleanup_close_ int fd = name ? openat(store_get_fd(save->store), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -EBADF;
    struct stat st = {};
    Digest is = {};
    int r;

    if (!name)
        return -ENOMEM;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_hint(error, error_set(error, -errno, "the blob sha256:%s: %m", digest->hex),
                          "load or pull the image again");
    r = sink_begin(save->sink, name, (uint64_t) st.st_size, error);
    if (r == 0)
        r = copy_blob(save, fd, (uint64_t) st.st_size, &is, error);
    if (r == 0 && !digest_equal(&is, digest))
        r = error_set(error, -EBADMSG, "the blob sha256:%s is damaged: its content is sha256:%s", digest->hex, is.hex);
    return r;
}

static int write_all(Save *save, Error *error)
{
    bool is_directory = save->options->format == SAVE_OCI_DIRECTORY;
    int r = sink_open(save->options->output, is_directory, &save->sink, error);

    if (r == 0)
        r = put_json(save, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"), error);
    if (r == 0)
        r = put_json(save, "index.json", make_index(save), error);
    if (r == 0 && save->options->format == SAVE_DOCKER_ARCHIVE)
        r = put_json(save, "manifest.json", make_docker_list(save), error);
    for (size_t i = 0; i < save->blobs_count && r == 0; i++)
        r = put_blob(save, &save->blobs[i], error);
    return r < 0 ? r : sink_finish(save->sink, error);
}

int save_images(const SaveOptions *options, Error *error)
{
    _cleanup_(save_done) Save save = {.options = options, .buffer = malloc(BUFFER_BYTES)};
    int r = store_open(options->store_path, 0, &save.store, error);

    save.items = calloc(strv_length(options->images) + 1, sizeof(Saved));
    if (r == 0 && (!save.items || !save.buffer))
        r = -ENOMEM;
    for (char *const *name = options->images; r == 0 && *name; name++)
        r = add_image(&save, *name, error);
    if (r == 0)
        r = list_blobs(&save);
    return r < 0 ? r : write_all(&save, error);
}
