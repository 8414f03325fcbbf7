/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/pull.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "importer/fetch.h"
#include "importer/hash.h"
#include "pull/registries.h"
#include "store/image-manifest.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define NESTING_MAX 4U

typedef struct Pull {
    const PullImageOptions *options;
    const char *name; /* HOST/REPOSITORY:TAG, or with a digest */
    Reference reference;
    char *architecture, *variant;
    Store *store;
    StoreAddition *addition;
    PullClient *client;
} Pull;

static void pull_done(Pull *pull)
{
    pull_client_free(pull->client);
    store_end_addition(pull->addition);
    store_free(pull->store);
    reference_done(&pull->reference);
    free(pull->architecture);
    free(pull->variant);
}

int platform_parse(const char *text, char **ret_architecture, char **ret_variant, Error *error)
{
    const char *rest = text_after_prefix(text, "linux/"), *slash;

    if (!rest && strchr(text, '/'))
        return error_hint(error, error_set(error, -EINVAL, "--platform=%s: only linux runs here", text),
                          "linux/ARCH or linux/ARCH/VARIANT, as in linux/arm64");
    rest = rest ? rest : text;
    slash = strchr(rest, '/');
    if (*rest == 0 || *rest == '/' || (slash && (!slash[1] || strchr(slash + 1, '/'))))
        return error_set(error, -EINVAL, "--platform=%s: not OS/ARCH[/VARIANT]", text);
    *ret_architecture = strndup(rest, slash ? (size_t) (slash - rest) : strlen(rest));
    *ret_variant = slash ? strdup(slash + 1) : NULL;
    return *ret_architecture && (!slash || *ret_variant) ? 0 : -ENOMEM;
}

static int set_platform(Pull *pull, Error *error)
{
    struct utsname machine;

    if (pull->options->platform)
        return platform_parse(pull->options->platform, &pull->architecture, &pull->variant, error);
    pull->architecture = strdup(uname(&machine) < 0 ? "unknown" : image_architecture(machine.machine));
    return pull->architecture ? 0 : -ENOMEM;
}

/* --- documents --- */

typedef struct Document {
    ImageDocument content;
    char *json;
    size_t size;
    Digest digest;
} Document;

static void document_done(Document *document)
{
    image_document_done(&document->content);
    free(document->json);
    *document = (Document){};
}

/* What the server calls it must be what it is (CVE-2021-41190): readers of one kind and of the other would see two images. */
static int check_type(const Document *document, const char *media_type, Error *error)
{
    bool is_index =
        media_type && (strcmp(media_type, "application/vnd.oci.image.index.v1+json") == 0 ||
                       strcmp(media_type, "application/vnd.docker.distribution.manifest.list.v2+json") == 0);
    bool is_manifest = media_type && (strcmp(media_type, "application/vnd.oci.image.manifest.v1+json") == 0 ||
                                      strcmp(media_type, "application/vnd.docker.distribution.manifest.v2+json") == 0);

    if (document->content.kind == IMAGE_DOCUMENT_INDEX ? is_index : is_manifest)
        return 0;
    return error_set(error, -EBADMSG, "the registry calls %s '%.100s', which it is not",
                     document->content.kind == IMAGE_DOCUMENT_INDEX ? "an index" : "a manifest",
                     media_type ? media_type : "");
}

/* `expected` NULL: whatever the name means. */
static int fetch_document(Pull *pull, const char *what, const Digest *expected, uint64_t expected_bytes, Document *ret,
                          Error *error)
{
    _cleanup_(document_done) Document document = {};
    _cleanup_free_ char *media_type = NULL;
    int r = fetch_bytes(pull->client, WIRE_MANIFEST, what, IMAGE_MANIFEST_MAX_BYTES, &document.json, &document.size,
                        &media_type, error);

    if (r == 0)
        r = hash_bytes(document.json, document.size, &document.digest);
    if (r < 0)
        return r;
    if (expected && !digest_equal(&document.digest, expected))
        return error_set(error, -EBADMSG, "the registry sends the manifest sha256:%s instead of sha256:%s",
                         document.digest.hex, expected->hex);
    if (expected_bytes > 0 && document.size != expected_bytes)
        return error_set(error, -EBADMSG, "the manifest sha256:%s has %zu bytes instead of %llu", document.digest.hex,
                         document.size, (unsigned long long) expected_bytes);
    r = image_document_parse(document.json, document.size, &document.content, error);
    if (r < 0)
        return error_prefix(error, r, "the manifest sha256:%s", document.digest.hex);
    r = check_type(&document, media_type, error);
    if (r < 0)
        return r;
    *ret = document;
    document = (Document){};
    return 0;
}

static const Descriptor *choose(const Pull *pull, const ImageDocument *index)
{
    const Descriptor *best = NULL;
    unsigned best_rank = 0;

    for (size_t i = 0; i < index->items_count; i++) {
        const Descriptor *item = &index->items[i];
        unsigned rank = image_platform_rank(item, pull->architecture);

        if (rank > 0 && pull->variant)
            rank = item->variant && strcmp(item->variant, pull->variant) == 0 ? rank + 10 : item->variant ? 0 : rank;
        if (rank > best_rank) {
            best = item;
            best_rank = rank;
        }
    }
    return best;
}

static int say_no_platform(const Pull *pull, Error *error)
{
    return error_hint(error,
                      error_set(error, -ENOENT, "%s has no image for linux/%s%s%s", pull->name, pull->architecture,
                                pull->variant ? "/" : "", pull->variant ? pull->variant : ""),
                      "--platform= chooses another one");
}

/* Down over indexes to one manifest. 1 when its image is here already: then only `digest` of `manifest` is set. */
static int find_manifest(Pull *pull, Document *manifest, StoreImage **ret_image, Error *error)
{
    const Digest *pinned = digest_is_set(&pull->reference.digest) ? &pull->reference.digest : NULL;
    DigestText text = pinned ? digest_format(pinned) : (DigestText){};
    const char *tag = pull->reference.tag ? pull->reference.tag : REFERENCE_DEFAULT_TAG;
    int r = fetch_document(pull, pinned ? text.text : tag, pinned, 0, manifest, error);

    for (unsigned depth = 0; r == 0 && manifest->content.kind == IMAGE_DOCUMENT_INDEX; depth++) {
        const Descriptor *chosen = depth < NESTING_MAX ? choose(pull, &manifest->content) : NULL;
        Digest digest;
        uint64_t size_bytes;

        if (!chosen)
            return say_no_platform(pull, error);
        digest = chosen->digest;
        size_bytes = chosen->size_bytes;
        document_done(manifest);
        manifest->digest = digest;
        if (store_hold_image(pull->addition, &digest, ret_image, NULL) == 0)
            return 1;
        text = digest_format(&digest);
        r = fetch_document(pull, text.text, &digest, size_bytes, manifest, error);
    }
    if (r == 0 && store_hold_image(pull->addition, &manifest->digest, ret_image, NULL) == 0)
        return 1;
    return r;
}

/* --- an image --- */

typedef struct NewConfig {
    ImageConfig *parsed;
    char *json;
    size_t size;
} NewConfig;

static void new_config_done(NewConfig *config)
{
    image_config_free(config->parsed);
    free(config->json);
}

static int fetch_config(Pull *pull, const Document *manifest, NewConfig *ret, Error *error)
{
    const Descriptor *descriptor = &manifest->content.config;
    DigestText text = digest_format(&descriptor->digest);
    Digest digest;
    int r;

    if (descriptor->size_bytes > IMAGE_CONFIG_MAX_BYTES)
        return error_set(error, -EFBIG, "the configuration has %llu bytes, at most %u are allowed",
                         (unsigned long long) descriptor->size_bytes, IMAGE_CONFIG_MAX_BYTES);
    r = fetch_bytes(pull->client, WIRE_BLOB, text.text, descriptor->size_bytes, &ret->json, &ret->size, NULL, error);
    if (r == 0)
        r = hash_bytes(ret->json, ret->size, &digest);
    if (r < 0)
        return r;
    if (!digest_equal(&digest, &descriptor->digest) || ret->size != descriptor->size_bytes)
        return error_set(error, -EBADMSG, "the registry sends the configuration sha256:%s instead of sha256:%s",
                         digest.hex, descriptor->digest.hex);
    r = image_config_parse(ret->json, ret->size, &ret->parsed, error);
    if (r < 0)
        return error_prefix(error, r, "the configuration sha256:%s", digest.hex);
    if (ret->parsed->diff_ids_count != manifest->content.items_count)
        return error_set(error, -EINVAL, "the manifest lists %zu layers, the configuration %zu",
                         manifest->content.items_count, ret->parsed->diff_ids_count);
    return 0;
}

static int check_platform(const Pull *pull, const ImageConfig *config, Error *error)
{
    if (config->os && strcmp(config->os, "linux") != 0)
        return error_set(error, -ENOEXEC, "%s is an image for '%s'", pull->name, config->os);
    if (config->architecture && strcmp(config->architecture, pull->architecture) != 0) {
        if (pull->options->platform)
            return say_no_platform(pull, error);
        log_warning("%s: the image is for %s, this machine is %s", pull->name, config->architecture,
                    pull->architecture);
    }
    return 0;
}

static int publish(Pull *pull, const Document *manifest, const NewConfig *config, FetchedLayers *layers, Error *error)
{
    _cleanup_free_ char *origin = text_format("pull %s", pull->name);
    struct timespec now = {};
    StoreImage record = {.manifest = manifest->digest,
                         .id = manifest->content.config.digest,
                         .layers = layers->items,
                         .layers_count = layers->count,
                         .root = layers->root,
                         .lock_fd = -EBADF};
    int r = origin ? 0 : -ENOMEM;

    clock_gettime(CLOCK_REALTIME, &now);
    record.loaded_usec = (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
    if (r == 0)
        r = store_publish_blob(pull->addition, &record.id, config->json, config->size, error);
    if (r == 0)
        r = store_publish_blob(pull->addition, &manifest->digest, manifest->json, manifest->size, error);
    return r < 0 ? r : store_publish_image(pull->addition, &record, layers->hides, origin, error);
}

static int add_image(Pull *pull, const Document *manifest, StoreImage **ret_image, Error *error)
{
    _cleanup_(new_config_done) NewConfig config = {};
    _cleanup_(fetched_layers_done) FetchedLayers layers = {};
    const FetchContext context = {.store = pull->store,
                                  .addition = pull->addition,
                                  .client = pull->client,
                                  .has_no_size_limit = pull->options->has_no_size_limit};
    int r = fetch_config(pull, manifest, &config, error);

    if (r == 0)
        r = check_platform(pull, config.parsed, error);
    if (r == 0)
        r = fetch_layers(&context, &manifest->content, config.parsed, &layers, error);
    if (r == 0)
        r = publish(pull, manifest, &config, &layers, error);
    return r < 0 ? r : store_hold_image(pull->addition, &manifest->digest, ret_image, error);
}

static int add_result(const Pull *pull, const StoreImage *image, bool is_unchanged, LoadResult *result)
{
    LoadedImage *larger = reallocarray(result->images, result->count + 1, sizeof(*larger)), *added;

    if (!larger)
        return -ENOMEM;
    result->images = larger;
    added = &larger[result->count];
    *added = (LoadedImage){.names = strv_new(pull->name, NULL),
                           .manifest = image->manifest,
                           .id = image->id,
                           .layers_count = image->layers_count,
                           .is_unchanged = is_unchanged};
    if (!added->names)
        return -ENOMEM;
    for (size_t i = 0; i < image->layers_count; i++)
        added->unpacked_bytes += image->layers[i].unpacked_bytes;
    result->count++;
    return 0;
}

/* Asked for by a digest, it does not become what a tag means. */
static int publish_name(Pull *pull, const Digest *manifest, Error *error)
{
    _cleanup_free_ char *name = reference_format_name(&pull->reference), *pinned = NULL;
    _cleanup_free_ char *origin = text_format("pull %s", pull->name);

    if (name && digest_is_set(&pull->reference.digest))
        pinned = reference_format_pinned(name, &pull->reference.digest);
    if (!name || !origin || (digest_is_set(&pull->reference.digest) && !pinned))
        return -ENOMEM;
    return store_publish_reference(pull->addition, pinned ? pinned : name, manifest, origin, error);
}

static int start(Pull *pull, Error *error)
{
    const PullOptions options = {.name = pull->name,
                                 .auth_file = pull->options->auth_file,
                                 .tls_verify = pull->options->tls_verify,
                                 .has_progress = pull->options->has_progress};
    int r = reference_parse(pull->name, &pull->reference, error);

    if (r == 0)
        r = set_platform(pull, error);
    if (r == 0)
        r = pull_client_start(&options, &pull->client, error);
    if (r == 0)
        r = store_open(pull->options->store_path, STORE_OPEN_CREATE, &pull->store, error);
    return r < 0 ? r : store_begin_addition(pull->store, &pull->addition, error);
}

static int pull_one(const PullImageOptions *options, const char *name, LoadResult *result, Error *error)
{
    _cleanup_(pull_done) Pull pull = {.options = options, .name = name};
    _cleanup_(document_done) Document manifest = {};
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = start(&pull, error), found = 0;

    if (r == 0)
        found = r = find_manifest(&pull, &manifest, &image, error);
    if (r == 0)
        r = add_image(&pull, &manifest, &image, error);
    if (r >= 0)
        r = publish_name(&pull, &manifest.digest, error);
    if (r == 0 && found)
        log_info("%s: is up to date", name);
    return r < 0 ? error_prefix(error, r, "pulling %s", name) : add_result(&pull, image, found != 0, result);
}

int pull_image(const PullImageOptions *options, const char *text, LoadResult *result, Error *error)
{
    _cleanup_registries_ Registries registries = {};
    _cleanup_strv_ char **names = NULL;
    int r = registries_load(&registries, error);

    if (r == 0)
        r = registries_list_names(&registries, text, &names, error);
    STRV_FOREACH (name, names) {
        _cleanup_error_ Error own = {};

        r = pull_one(options, *name, result, &own);
        if (r >= 0)
            return r;
        if (name[1]) {
            log_warning("%s", own.text ? own.text : strerror(-r));
            continue;
        }
        error_move(error, &own);
    }
    if (r == -ENOSPC || r == -EDQUOT)
        error_hint(error, r, "there is too little space in %s; nothing was kept", options->store_path);
    return r;
}
