/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/commit.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "importer/change.h"
#include "importer/hash.h"
#include "importer/stream.h"
#include "importer/unpack.h"
#include "store/add.h"
#include "store/image-manifest.h"
#include "store/json-read.h"
#include "store/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define BLOB_NAME      "blob"
#define TREE_NAME      "tree"
#define COPY_BYTES     (1U << 20)
#define TYPE_LAYER     "application/vnd.oci.image.layer.v1.tar"
#define TYPE_CONFIG    "application/vnd.oci.image.config.v1+json"
#define TYPE_MANIFEST  "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_LAYER   "application/vnd.docker.image.rootfs.diff.tar"
#define CREATED_FORMAT "%Y-%m-%dT%H:%M:%SZ"

typedef struct Commit {
    const CommitOptions *options;
    Store *store;
    StoreAddition *addition;
    StoreImage *base; /* NULL: none */
    StoreNewLayer layer;
    uint64_t layer_bytes;
    const char *layer_type;
    char created[32];
    json_t *config, *layers; /* the new configuration; descriptors of all layers */
    StoreImage record;
    bool *hides;
} Commit;

static void commit_done(Commit *commit)
{
    json_decref(commit->config);
    json_decref(commit->layers);
    free(commit->record.layers);
    free(commit->hides);
    store_image_free(commit->base);
    store_end_addition(commit->addition);
    store_free(commit->store);
}

/* --- the layer --- */

static int pack(Commit *commit, int64_t *ret_newest_sec, Error *error)
{
    const CommitOptions *options = commit->options;
    _cleanup_close_ int fd = openat(store_addition_fd(commit->addition), BLOB_NAME,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const StreamLayer layer = {.lower_fd = options->lower_fd,
                               .merged_fd = options->merged_fd,
                               .output_fd = fd,
                               .latest_sec = options->created_sec >= 0 ? options->created_sec : INT64_MAX};
    const StreamRequest request = {.tree_fd = options->tree_fd, .path = "/", .owner = options->owner, .layer = &layer};

    if (fd < 0)
        return error_set(error, -errno, "making a temporary file: %m");
    return stream_pack_layer(&request, ret_newest_sec, error);
}

/* An archive is the layer as it is, compressed or not. */
static int take_archive(Commit *commit, Error *error)
{
    const char *input = commit->options->input;
    _cleanup_close_ int to_fd = openat(store_addition_fd(commit->addition), BLOB_NAME,
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    _cleanup_close_ int from_fd =
        strcmp(input, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(input, O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *buffer = malloc(COPY_BYTES);
    ssize_t n = 1;
    int r = 0;

    if (to_fd < 0 || !buffer)
        return error_set(error, buffer ? -errno : -ENOMEM, "making a temporary file: %m");
    if (from_fd < 0)
        return error_set(error, -errno, "opening %s: %m", input);
    while (n > 0 && r == 0) {
        n = read(from_fd, buffer, COPY_BYTES);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            return error_set(error, -errno, "reading %s: %m", input);
        else
            r = file_write_all(to_fd, buffer, (size_t) n);
    }
    return r < 0 ? error_set(error, r, "writing a temporary file: %s", strerror(-r)) : 0;
}

/* The tree comes from the archive, as it will wherever else the image goes. */
static int unpack(Commit *commit, Error *error)
{
    LayerLimits limits = layer_default_limits;
    const UnpackRequest request = {.work_fd = store_addition_fd(commit->addition),
                                   .blob_name = BLOB_NAME,
                                   .tree_name = TREE_NAME,
                                   .label = "the new layer",
                                   .limits = &limits};
    StreamResult stream = {};
    int r = unpack_layer(&request, &stream, &commit->layer.info, error);

    if (r < 0)
        return r;
    commit->layer.diff_id = stream.diff_id;
    commit->layer.blob = stream.blob;
    commit->layer.blob_name = BLOB_NAME;
    commit->layer.tree_name = TREE_NAME;
    commit->layer_bytes = stream.blob_bytes & INT64_MAX;
    commit->layer_type = stream.is_zstd                                ? TYPE_LAYER "+zstd"
                         : digest_equal(&stream.blob, &stream.diff_id) ? TYPE_LAYER
                                                                       : TYPE_LAYER "+gzip";
    return 0;
}

static int make_layer(Commit *commit, Error *error)
{
    int64_t newest_sec = 0;
    struct tm tm = {};
    time_t created;
    int r = commit->options->input ? take_archive(commit, error) : pack(commit, &newest_sec, error);

    if (r == 0)
        r = unpack(commit, error);
    if (r < 0)
        return r;
    created = (time_t) (commit->options->created_sec >= 0 ? commit->options->created_sec : MAX(newest_sec, 0));
    if (!gmtime_r(&created, &tm) || tm.tm_year > 9999 - 1900)
        return error_set(error, -ERANGE, "the year of the youngest file is out of range");
    strftime(commit->created, sizeof(commit->created), CREATED_FORMAT, &tm);
    return store_publish_layer(commit->addition, &commit->layer, error);
}

/* --- what is below --- */

static int read_json(Commit *commit, const Digest *digest, size_t max_bytes, json_t **ret, Error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = store_read_blob(commit->store, digest, max_bytes, &text, &size, error);

    if (r == 0)
        r = json_read_object(text, size, max_bytes, ret, error);
    return r < 0 ? error_prefix(error, r, "the image that '%s' names", commit->options->base) : 0;
}

static int count_layers(const Commit *commit)
{
    return commit->base && !commit->options->is_squash ? (int) commit->base->layers_count : 0;
}

/* An image's manifest says of its layers what a new one has to say: as OCI has it, also when Docker wrote it. */
static int take_descriptors(Commit *commit, Error *error)
{
    _cleanup_json_ json_t *manifest = NULL;
    json_t *list, *item;
    size_t i;
    int r;

    commit->layers = json_array();
    if (count_layers(commit) == 0)
        return commit->layers ? 0 : -ENOMEM;
    r = read_json(commit, &commit->base->manifest, IMAGE_MANIFEST_MAX_BYTES, &manifest, error);
    list = json_object_get(manifest, "layers");
    if (r == 0 && json_array_size(list) != commit->base->layers_count)
        r = error_set(error, -EUCLEAN, "the manifest sha256:%s is damaged", commit->base->manifest.hex);
    if (r < 0)
        return r;
    json_array_foreach(list, i, item)
    {
        const char *type = json_string_value(json_object_get(item, "mediaType"));
        const char *rest = type ? text_after_prefix(type, DOCKER_LAYER) : NULL;
        _cleanup_free_ char *oci =
            rest ? text_format(TYPE_LAYER "%s%s", rest[0] == '.' ? "+" : "", rest + (rest[0] == '.')) : NULL;

        if (oci && json_object_set_new(item, "mediaType", json_string(oci)) < 0)
            return -ENOMEM;
        if (json_array_append(commit->layers, item) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int take_records(Commit *commit, Error *error)
{
    size_t count = (size_t) count_layers(commit);
    StoreImage *record = &commit->record;

    record->layers = calloc(count + 1, sizeof(*record->layers));
    commit->hides = calloc(count + 1, sizeof(*commit->hides));
    if (!record->layers || !commit->hides)
        return -ENOMEM;
    record->layers_count = count + 1;
    for (size_t i = 0; i <= count; i++) {
        LayerInfo info = commit->layer.info;

        record->layers[i] = i < count ? commit->base->layers[i]
                                      : (StoreLayer){.diff_id = commit->layer.diff_id,
                                                     .blob = commit->layer.blob,
                                                     .blob_bytes = commit->layer_bytes,
                                                     .unpacked_bytes = info.unpacked_bytes};
        if (i < count && store_load_layer(commit->store, &record->layers[i].diff_id, &info) < 0)
            return error_hint(
                error, error_set(error, -EUCLEAN, "the layer sha256:%s is damaged", record->layers[i].diff_id.hex),
                "load the image again");
        commit->hides[i] = info.hides_lower;
        if (info.root.is_set || info.hides_lower)
            record->root = info.root;
    }
    return 0;
}

/* --- configuration and manifest --- */

static int begin_config(Commit *commit, Error *error)
{
    static const char *const stale[] = {"container", "container_config", "parent", "id", "docker_version"};
    struct utsname name;

    if (commit->base) {
        int r = read_json(commit, &commit->base->id, IMAGE_CONFIG_MAX_BYTES, &commit->config, error);

        for (size_t i = 0; i < ELEMENTSOF(stale) && r == 0; i++)
            (void) json_object_del(commit->config, stale[i]);
        return r;
    }
    if (uname(&name) < 0)
        return -errno;
    commit->config = json_pack("{s:s, s:s}", "architecture", image_architecture(name.machine), "os", "linux");
    return commit->config ? 0 : -ENOMEM;
}

static json_t *get_object(json_t *parent, const char *key)
{
    json_t *member = json_object_get(parent, key);

    if (!json_is_object(member) && json_object_set_new(parent, key, json_object()) == 0)
        member = json_object_get(parent, key);
    return member;
}

static json_t *get_array(json_t *parent, const char *key, bool is_new)
{
    json_t *member = json_object_get(parent, key);

    if ((is_new || !json_is_array(member)) && json_object_set_new(parent, key, json_array()) == 0)
        member = json_object_get(parent, key);
    return member;
}

static int add_layer_to_config(Commit *commit)
{
    const CommitOptions *options = commit->options;
    json_t *rootfs = get_object(commit->config, "rootfs");
    json_t *history = get_array(commit->config, "history", options->is_squash);
    json_t *diff_ids = rootfs ? get_array(rootfs, "diff_ids", options->is_squash) : NULL;
    json_t *line = json_pack("{s:s, s:s, s:s*, s:s*}", "created", commit->created, "created_by", options->created_by,
                             "author", options->author, "comment", options->message);
    int r = json_array_append_new(history, line);

    r |= json_array_append_new(diff_ids, json_string(digest_format(&commit->layer.diff_id).text));
    r |= json_object_set_new(rootfs, "type", json_string("layers"));
    r |= json_object_set_new(commit->config, "created", json_string(commit->created));
    if (options->author)
        r |= json_object_set_new(commit->config, "author", json_string(options->author));
    return r < 0 ? -ENOMEM : 0;
}

static int make_config(Commit *commit, Error *error)
{
    json_t *inner;
    int r = begin_config(commit, error);

    if (r == 0)
        r = add_layer_to_config(commit);
    if (r < 0)
        return r;
    inner = get_object(commit->config, "config");
    for (char *const *text = commit->options->changes; r == 0 && text && *text; text++)
        r = inner ? change_apply(inner, *text, error) : -ENOMEM;
    return r;
}

/* Sorted keys and no blanks: the same content is the same bytes. */
static int publish_json(Commit *commit, const json_t *json, Digest *ret, size_t *ret_size, Error *error)
{
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    int r = text ? hash_bytes(text, strlen(text), ret) : -ENOMEM;

    if (r == 0)
        r = store_publish_blob(commit->addition, ret, text, strlen(text), error);
    if (r == 0)
        *ret_size = strlen(text);
    return r;
}

static json_t *pack_descriptor(const char *type, const Digest *digest, uint64_t size_bytes)
{
    return json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", digest_format(digest).text, "size",
                     (json_int_t) size_bytes);
}

/* What readers will make of it, before anything has a name. */
static int check_config(const Commit *commit, Error *error)
{
    _cleanup_image_config_ ImageConfig *config = NULL;
    _cleanup_free_ char *text = json_dumps(commit->config, JSON_COMPACT);
    int r = text ? image_config_parse(text, strlen(text), &config, error) : -ENOMEM;

    if (r == 0 && config->diff_ids_count != commit->record.layers_count)
        r = error_set(error, -EUCLEAN, "the configuration of the image below lists other layers than it has");
    return r;
}

static int publish(Commit *commit, Error *error)
{
    _cleanup_json_ json_t *manifest = NULL;
    size_t size = 0;
    int r = check_config(commit, error);

    if (r == 0)
        r = publish_json(commit, commit->config, &commit->record.id, &size, error);
    if (r == 0 && json_array_append_new(commit->layers, pack_descriptor(commit->layer_type, &commit->layer.blob,
                                                                        commit->layer_bytes)) < 0)
        r = -ENOMEM;
    if (r < 0)
        return r;
    manifest = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType", TYPE_MANIFEST, "config",
                         pack_descriptor(TYPE_CONFIG, &commit->record.id, size), "layers", commit->layers);
    r = publish_json(commit, manifest, &commit->record.manifest, &size, error);
    if (r == 0)
        r = store_publish_image(commit->addition, &commit->record, commit->hides, commit->options->source, error);
    for (char *const *name = commit->options->names; r == 0 && name && *name; name++)
        r = store_publish_reference(commit->addition, *name, &commit->record.manifest, commit->options->source, error);
    return r;
}

static int run(Commit *commit, Error *error)
{
    const CommitOptions *options = commit->options;
    struct timespec now = {};
    int r = store_open(options->store_path, STORE_OPEN_CREATE, &commit->store, error);

    if (r == 0)
        r = store_begin_addition(commit->store, &commit->addition, error);
    if (r == 0 && options->base)
        r = store_find_image(commit->store, options->base, &commit->base, error);
    if (r == 0)
        r = make_layer(commit, error);
    if (r == 0)
        r = take_descriptors(commit, error);
    if (r == 0)
        r = take_records(commit, error);
    if (r == 0)
        r = make_config(commit, error);
    clock_gettime(CLOCK_REALTIME, &now);
    commit->record.loaded_usec = (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
    return r < 0 ? r : publish(commit, error);
}

int commit_image(const CommitOptions *options, LoadedImage *ret, Error *error)
{
    _cleanup_(commit_done) Commit commit = {.options = options, .record.lock_fd = -EBADF};
    int r = run(&commit, error);

    if (r == -ENOSPC || r == -EDQUOT)
        error_hint(error, r, "there is too little space in %s; nothing was kept", options->store_path);
    if (r < 0)
        return r;
    *ret = (LoadedImage){.names = strv_copy(options->names),
                         .manifest = commit.record.manifest,
                         .id = commit.record.id,
                         .layers_count = commit.record.layers_count};
    for (size_t i = 0; i < commit.record.layers_count; i++)
        ret->unpacked_bytes += commit.record.layers[i].unpacked_bytes;
    return options->names && !ret->names ? -ENOMEM : 0;
}
