/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/load.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "importer/hash.h"
#include "importer/image.h"
#include "importer/unpack.h"
#include "store/add.h"
#include "store/image-manifest.h"
#include "store/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

typedef struct Loader {
    const LoadOptions *options;
    LayerLimits limits;
    Store *store;
    StoreAddition *addition;
    Source *source;
    unsigned counter; /* for names in the work directory */
} Loader;

/* The opposite order of how they were made: the source's files are in the addition's directory. */
static void loader_done(Loader *loader)
{
    source_free(loader->source);
    store_end_addition(loader->addition);
    store_free(loader->store);
}

void load_result_done(LoadResult *result)
{
    for (size_t i = 0; i < result->count; i++)
        strv_free(result->images[i].names);
    free(result->images);
    *result = (LoadResult){};
}

/* An image on its way: verified layers, not yet visible. */
typedef struct ReadyImage {
    const NewImage *image;
    ImageConfig *config;
    StoreImage record;
    LayerInfo *infos; /* of each layer */
    bool *is_zstd, *hides;
} ReadyImage;

static void ready_done(ReadyImage *ready)
{
    image_config_free(ready->config);
    free(ready->record.layers);
    free(ready->infos);
    free(ready->is_zstd);
    free(ready->hides);
}

typedef struct ReadyImages {
    ReadyImage *items;
    size_t count;
} ReadyImages;

static void ready_images_done(ReadyImages *ready)
{
    for (size_t i = 0; i < ready->count; i++)
        ready_done(&ready->items[i]);
    free(ready->items);
}

/* --- layers --- */

static int check_size(const Loader *loader, const NewLayer *layer, const char *blob_name, Error *error)
{
    struct stat st;

    if (fstatat(store_addition_fd(loader->addition), blob_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -errno, "looking at the layer's copy: %m");
    if (layer->size_bytes > 0 && (uint64_t) st.st_size != layer->size_bytes)
        return error_set(error, -EBADMSG, "%s: '%s' has %llu bytes instead of %llu", source_name(loader->source),
                         layer->member, (unsigned long long) st.st_size, (unsigned long long) layer->size_bytes);
    return 0;
}

static int add_layer(Loader *loader, const NewLayer *layer, const char *label, StoreLayer *ret, LayerInfo *ret_info,
                     bool *ret_is_zstd, Error *error)
{
    char blob_name[32], tree_name[32];
    StoreNewLayer made = {.diff_id = ret->diff_id, .blob_name = blob_name, .tree_name = tree_name};
    UnpackRequest request = {.work_fd = store_addition_fd(loader->addition),
                             .blob_name = blob_name,
                             .tree_name = tree_name,
                             .label = label,
                             .blob = layer->blob,
                             .diff_id = ret->diff_id,
                             .limits = &loader->limits};
    StreamResult stream = {};
    int r;

    snprintf(blob_name, sizeof(blob_name), "blob-%u", loader->counter);
    snprintf(tree_name, sizeof(tree_name), "tree-%u", loader->counter++);
    if (store_load_layer(loader->store, &ret->diff_id, &made.info) == 0)
        made.tree_name = request.tree_name = NULL;
    log_info("%s: %s", label, made.tree_name ? "unpacking" : "already there, verifying");
    r = source_take(loader->source, layer->member, blob_name, error);
    if (r == 0)
        r = check_size(loader, layer, blob_name, error);
    if (r == 0)
        r = unpack_layer(&request, &stream, &made.info, error);
    if (r < 0)
        return r;
    made.blob = ret->blob = stream.blob;
    ret->blob_bytes = stream.blob_bytes & INT64_MAX;
    ret->unpacked_bytes = made.info.unpacked_bytes;
    *ret_info = made.info;
    *ret_is_zstd = stream.is_zstd;
    return store_publish_layer(loader->addition, &made, error);
}

/* Only what this very image has had: docker saves an empty layer as often as it occurs. */
static bool find_same(const ReadyImage *ready, size_t i, size_t *ret)
{
    for (size_t j = 0; j < i; j++)
        if (digest_equal(&ready->record.layers[j].diff_id, &ready->record.layers[i].diff_id) &&
            (!digest_is_set(&ready->image->layers[i].blob) ||
             digest_equal(&ready->image->layers[i].blob, &ready->record.layers[j].blob))) {
            *ret = j;
            return true;
        }
    return false;
}

static int add_layer_at(Loader *loader, ReadyImage *ready, size_t i, Error *error)
{
    size_t same;
    char label[80];

    if (find_same(ready, i, &same)) {
        ready->record.layers[i] = ready->record.layers[same];
        ready->infos[i] = ready->infos[same];
        ready->is_zstd[i] = ready->is_zstd[same];
        return 0;
    }
    snprintf(label, sizeof(label), "layer %zu of %zu (%.12s)", i + 1, ready->record.layers_count,
             ready->record.layers[i].diff_id.hex);
    return add_layer(loader, &ready->image->layers[i], label, &ready->record.layers[i], &ready->infos[i],
                     &ready->is_zstd[i], error);
}

static int add_layers(Loader *loader, ReadyImage *ready, Error *error)
{
    size_t count = ready->image->layers_count;
    int r = 0;

    ready->record.layers = calloc(count + 1, sizeof(*ready->record.layers));
    ready->infos = calloc(count + 1, sizeof(*ready->infos));
    ready->is_zstd = calloc(count + 1, sizeof(*ready->is_zstd));
    ready->hides = calloc(count + 1, sizeof(*ready->hides));
    if (!ready->record.layers || !ready->infos || !ready->is_zstd || !ready->hides)
        return -ENOMEM;
    ready->record.layers_count = count;
    for (size_t i = 0; i < count; i++)
        ready->record.layers[i].diff_id = ready->config->diff_ids[i];
    for (size_t i = 0; i < count && r == 0; i++) {
        r = add_layer_at(loader, ready, i, error);
        ready->hides[i] = ready->infos[i].hides_lower;
        if (ready->infos[i].root.is_set || ready->hides[i])
            ready->record.root = ready->infos[i].root;
    }
    return r;
}

/* --- manifest --- */

static const char *layer_media_type(const ReadyImage *ready, size_t i)
{
    const StoreLayer *layer = &ready->record.layers[i];

    if (ready->is_zstd[i])
        return "application/vnd.oci.image.layer.v1.tar+zstd";
    /* An uncompressed blob is its own DiffID. */
    return digest_equal(&layer->blob, &layer->diff_id) ? "application/vnd.oci.image.layer.v1.tar"
                                                       : "application/vnd.oci.image.layer.v1.tar+gzip";
}

static json_t *pack_descriptor(const char *media_type, const Digest *digest, uint64_t size_bytes)
{
    return json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest", digest_format(digest).text, "size",
                     (json_int_t) size_bytes);
}

/* A docker-archive has no manifest: the one that is made for it depends on nothing but the image, so that
 * loading the same image twice gives one image. */
static int make_manifest(const ReadyImage *ready, char **ret, Error *error)
{
    json_t *layers = json_array(), *root;
    char *text = NULL;

    for (size_t i = 0; i < ready->record.layers_count; i++) {
        const StoreLayer *layer = &ready->record.layers[i];

        (void) json_array_append_new(layers,
                                     pack_descriptor(layer_media_type(ready, i), &layer->blob, layer->blob_bytes));
    }
    root = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType",
                     "application/vnd.oci.image.manifest.v1+json", "config",
                     pack_descriptor("application/vnd.oci.image.config.v1+json", &ready->image->config_digest,
                                     ready->image->config_size),
                     "layers", layers);
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return error_set(error, -ENOMEM, "making the manifest");
    *ret = text;
    return 0;
}

static int publish_manifest(Loader *loader, ReadyImage *ready, Error *error)
{
    _cleanup_free_ char *made = NULL;
    const char *manifest = ready->image->manifest;
    size_t size = ready->image->manifest_size;
    int r = 0;

    ready->record.manifest = ready->image->manifest_digest;
    if (!manifest) {
        r = make_manifest(ready, &made, error);
        if (r < 0)
            return r;
        manifest = made;
        size = strlen(made);
        r = hash_bytes(manifest, size, &ready->record.manifest);
    }
    return r < 0 ? r : store_publish_blob(loader->addition, &ready->record.manifest, manifest, size, error);
}

/* --- images --- */

static const char *host_architecture(struct utsname *name)
{
    return uname(name) < 0 ? "unknown" : image_architecture(name->machine);
}

static void warn_about_platform(const Loader *loader, const ImageConfig *config)
{
    struct utsname name;
    const char *architecture = host_architecture(&name);

    if (config->os && strcmp(config->os, "linux") != 0)
        log_warning("%s: the image is for '%s', it cannot run here", source_name(loader->source), config->os);
    else if (config->architecture && strcmp(config->architecture, architecture) != 0)
        log_warning("%s: the image is for %s, this machine is %s", source_name(loader->source), config->architecture,
                    architecture);
}

static int prepare_image(Loader *loader, const NewImage *image, ReadyImage *ready, Error *error)
{
    struct timespec now = {};
    int r;

    clock_gettime(CLOCK_REALTIME, &now);
    ready->image = image;
    ready->record.lock_fd = -EBADF;
    ready->record.id = image->config_digest;
    ready->record.loaded_usec = (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
    r = image_config_parse(image->config, image->config_size, &ready->config, error);
    if (r < 0)
        return error_prefix(error, r, "%s: the configuration sha256:%s", source_name(loader->source),
                            image->config_digest.hex);
    if (ready->config->diff_ids_count != image->layers_count)
        return error_set(error, -EINVAL, "%s: the image lists %zu layers, its configuration %zu",
                         source_name(loader->source), image->layers_count, ready->config->diff_ids_count);
    warn_about_platform(loader, ready->config);
    r = add_layers(loader, ready, error);
    if (r == 0)
        r = store_publish_blob(loader->addition, &image->config_digest, image->config, image->config_size, error);
    return r < 0 ? r : publish_manifest(loader, ready, error);
}

static int add_result(const ReadyImage *ready, LoadResult *result)
{
    LoadedImage *larger = reallocarray(result->images, result->count + 1, sizeof(*larger));
    LoadedImage *image;

    if (!larger)
        return -ENOMEM;
    result->images = larger;
    image = &larger[result->count];
    *image = (LoadedImage){.names = strv_copy(ready->image->names),
                           .manifest = ready->record.manifest,
                           .id = ready->record.id,
                           .layers_count = ready->record.layers_count};
    if (ready->image->names && !image->names)
        return -ENOMEM;
    for (size_t i = 0; i < ready->record.layers_count; i++)
        image->unpacked_bytes += ready->record.layers[i].unpacked_bytes;
    result->count++;
    return 0;
}

static int publish_image(Loader *loader, const ReadyImage *ready, const char *origin, Error *error)
{
    int r = store_publish_image(loader->addition, &ready->record, ready->hides, origin, error);

    for (char **name = ready->image->names; r == 0 && name && *name; name++)
        r = store_publish_reference(loader->addition, *name, &ready->record.manifest, origin, error);
    return r;
}

/* Everything is verified before the first image becomes visible. */
static int add_images(Loader *loader, const NewImages *images, LoadResult *result, Error *error)
{
    _cleanup_(ready_images_done) ReadyImages ready = {calloc(images->count, sizeof(ReadyImage)), images->count};
    _cleanup_free_ char *origin = text_format("load %s", source_name(loader->source)), *safe = NULL;
    int r = 0;

    safe = origin ? text_escape(origin, SIZE_MAX) : NULL;
    if (!ready.items || !safe)
        return -ENOMEM;
    for (size_t i = 0; i < images->count && r == 0; i++)
        r = prepare_image(loader, &images->items[i], &ready.items[i], error);
    for (size_t i = 0; i < images->count && r == 0; i++) {
        r = publish_image(loader, &ready.items[i], safe, error);
        if (r == 0)
            r = add_result(&ready.items[i], result);
    }
    return r;
}

static int rename_images(const Loader *loader, NewImages *images, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    int r;

    if (!loader->options->name)
        return 0;
    if (images->count > 1)
        return error_set(error, -EINVAL, "%s holds %zu images, --name= can name one only", source_name(loader->source),
                         images->count);
    r = reference_parse(loader->options->name, &reference, error);
    if (r < 0)
        return error_prefix(error, r, "--name=%s", loader->options->name);
    strv_free(TAKE_PTR(images->items[0].names));
    return new_image_add_name(&images->items[0], loader->options->name);
}

static int run(Loader *loader, LoadResult *result, Error *error)
{
    _cleanup_new_images_ NewImages images = {};
    const char *architecture = loader->options->architecture;
    struct utsname name;
    int r = store_open(loader->options->store_path, STORE_OPEN_CREATE, &loader->store, error);

    if (r == 0)
        r = store_begin_addition(loader->store, &loader->addition, error);
    if (r < 0)
        return r;
    log_info("reading %s", loader->options->input);
    r = source_open(loader->options->input, store_addition_fd(loader->addition), loader->limits.inflate,
                    &loader->source, error);
    if (!architecture)
        architecture = host_architecture(&name);
    if (r == 0)
        r = new_images_read(loader->source, loader->options->input, architecture, &images, error);
    if (r == 0)
        r = rename_images(loader, &images, error);
    return r < 0 ? r : add_images(loader, &images, result, error);
}

int load_images(const LoadOptions *options, LoadResult *ret, Error *error)
{
    _cleanup_(loader_done) Loader loader = {.options = options, .limits = layer_default_limits};
    _cleanup_load_result_ LoadResult result = {};
    int r;

    if (options->has_no_size_limit)
        loader.limits.inflate = (InflateLimits){};
    r = run(&loader, &result, error);
    if (r == -ENOSPC || r == -EDQUOT)
        error_hint(error, r, "there is too little space in %s; nothing was kept", options->store_path);
    if (r < 0)
        return r;
    *ret = result;
    result = (LoadResult){};
    return 0;
}
