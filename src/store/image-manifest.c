/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/image-manifest.h"

#include "base/strv.h"
#include "base/text.h"
#include "store/image-config.h"
#include "store/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INDEX_ITEMS_MAX  1024U
#define DOCKER_NAMES_MAX 256U

static void descriptor_done(Descriptor *descriptor)
{
    free(descriptor->media_type);
    free(descriptor->os);
    free(descriptor->architecture);
    free(descriptor->variant);
    free(descriptor->reference_name);
    free(descriptor->image_name);
}

void image_document_done(ImageDocument *document)
{
    descriptor_done(&document->config);
    for (size_t i = 0; i < document->items_count; i++)
        descriptor_done(&document->items[i]);
    free(document->items);
    *document = (ImageDocument){};
}

static int read_platform(const json_t *json, const char *place, Descriptor *ret, Error *error)
{
    const json_t *platform = NULL, *annotations = NULL;
    int r = json_read_member(json, place, "platform", JSON_OBJECT, &platform, error);

    if (r == 0 && platform)
        r = json_read_string(platform, place, "os", &ret->os, error);
    if (r == 0 && platform)
        r = json_read_string(platform, place, "architecture", &ret->architecture, error);
    if (r == 0 && platform)
        r = json_read_string(platform, place, "variant", &ret->variant, error);
    if (r == 0)
        r = json_read_member(json, place, "annotations", JSON_OBJECT, &annotations, error);
    if (r == 0 && annotations)
        r = json_read_string(annotations, place, "org.opencontainers.image.ref.name", &ret->reference_name, error);
    if (r == 0 && annotations)
        r = json_read_string(annotations, place, "io.containerd.image.name", &ret->image_name, error);
    return r;
}

static int read_descriptor(const json_t *json, const char *place, Descriptor *ret, Error *error)
{
    int r;

    if (!json_is_object(json))
        return error_set(error, -EINVAL, "%s is not an object", place);
    if (!json_is_integer(json_object_get(json, "size")))
        return error_set(error, -EINVAL, "%s.size is missing or not a whole number", place);
    r = json_read_string(json, place, "mediaType", &ret->media_type, error);
    if (r == 0)
        r = json_read_digest(json, place, "digest", &ret->digest, error);
    if (r == 0 && !digest_is_set(&ret->digest))
        return error_set(error, -EINVAL, "%s.digest is missing", place);
    if (r == 0)
        r = json_read_size(json, place, "size", &ret->size_bytes, error);
    if (r == 0)
        r = read_platform(json, place, ret, error);
    return r;
}

static int read_items(const json_t *root, const char *key, size_t max_count, ImageDocument *document, Error *error)
{
    const json_t *list = NULL;
    int r = json_read_member(root, "", key, JSON_ARRAY, &list, error);
    size_t count;

    if (r < 0)
        return r;
    count = list ? json_array_size(list) : 0;
    if (count > max_count)
        return error_set(error, -EFBIG, "%s has %zu items, at most %zu are allowed", key, count, max_count);
    document->items = calloc(count + 1, sizeof(*document->items));
    if (!document->items)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++) {
        char place[40];

        snprintf(place, sizeof(place), "%s[%zu]", key, i);
        r = read_descriptor(json_array_get(list, i), place, &document->items[document->items_count++], error);
    }
    return r;
}

/* A document without any mediaType is legal OCI; one that names the other kind is a trap. */
static int check_media_type(const json_t *root, ImageDocumentKind kind, Error *error)
{
    static const struct {
        const char *media_type;
        ImageDocumentKind kind;
    } known[] = {
        {"application/vnd.oci.image.manifest.v1+json", IMAGE_DOCUMENT_MANIFEST},
        {"application/vnd.docker.distribution.manifest.v2+json", IMAGE_DOCUMENT_MANIFEST},
        {"application/vnd.oci.image.index.v1+json", IMAGE_DOCUMENT_INDEX},
        {"application/vnd.docker.distribution.manifest.list.v2+json", IMAGE_DOCUMENT_INDEX},
    };
    _cleanup_free_ char *media_type = NULL;
    int r = json_read_string(root, "", "mediaType", &media_type, error);

    if (r < 0 || !media_type)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (strcmp(media_type, known[i].media_type) == 0 && known[i].kind == kind)
            return 0;
    return error_set(error, -EINVAL, "the mediaType '%.100s' does not fit the content", media_type);
}

int image_document_parse(const char *json, size_t size, ImageDocument *ret, Error *error)
{
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_json_ json_t *root = NULL;
    uint64_t schema = 0;
    bool is_manifest, is_index;
    int r = json_read_object(json, size, IMAGE_MANIFEST_MAX_BYTES, &root, error);

    if (r == 0)
        r = json_read_size(root, "", "schemaVersion", &schema, error);
    if (r < 0)
        return r;
    if (schema != 2)
        return error_set(error, -EINVAL, "schemaVersion is %llu, only 2 is known", (unsigned long long) schema);
    is_manifest = json_object_get(root, "config") || json_object_get(root, "layers");
    is_index = json_object_get(root, "manifests");
    if (is_manifest && is_index)
        return error_set(error, -EINVAL, "the document is a manifest and an index at the same time");
    if (!is_manifest && !is_index)
        return error_set(error, -EINVAL, "the document has neither layers nor manifests");
    document.kind = is_index ? IMAGE_DOCUMENT_INDEX : IMAGE_DOCUMENT_MANIFEST;
    r = check_media_type(root, document.kind, error);
    if (r == 0 && is_manifest)
        r = read_descriptor(json_object_get(root, "config"), "config", &document.config, error);
    if (r == 0)
        r = read_items(root, is_index ? "manifests" : "layers", is_index ? INDEX_ITEMS_MAX : IMAGE_CONFIG_MAX_LAYERS,
                       &document, error);
    if (r < 0)
        return r;
    *ret = document;
    document = (ImageDocument){};
    return 0;
}

const char *image_architecture(const char *machine)
{
    static const struct {
        const char *machine, *architecture;
    } known[] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"},       {"i686", "386"},        {"i386", "386"}, {"armv7l", "arm"},
        {"armv6l", "arm"},   {"loongarch64", "loong64"}, {"mips64", "mips64le"},
    };

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (strcmp(machine, known[i].machine) == 0)
            return known[i].architecture;
    return machine;
}

/* The variant that an architecture's plain name stands for. */
static bool is_base_variant(const Descriptor *descriptor)
{
    static const char *const base[] = {"v1", "v8", "v7"};
    static const char *const architectures[] = {"amd64", "arm64", "arm"};

    if (text_is_empty(descriptor->variant))
        return true;
    for (size_t i = 0; i < ELEMENTSOF(base); i++)
        if (strcmp(descriptor->architecture, architectures[i]) == 0)
            return strcmp(descriptor->variant, base[i]) == 0;
    return false;
}

unsigned image_platform_rank(const Descriptor *descriptor, const char *architecture)
{
    if (!descriptor->os && !descriptor->architecture)
        return 1;
    if (!descriptor->os || !descriptor->architecture || strcmp(descriptor->os, "linux") != 0 ||
        strcmp(descriptor->architecture, architecture) != 0)
        return 0;
    return is_base_variant(descriptor) ? 3 : 2;
}

void docker_list_done(DockerList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->images[i].config);
        strv_free(list->images[i].layers);
        strv_free(list->images[i].names);
    }
    free(list->images);
    *list = (DockerList){};
}

static int read_docker_image(const json_t *json, size_t i, DockerImage *ret, Error *error)
{
    char place[32];
    int r;

    snprintf(place, sizeof(place), "[%zu]", i);
    if (!json_is_object(json))
        return error_set(error, -EINVAL, "%s is not an object", place);
    r = json_read_string(json, place, "Config", &ret->config, error);
    if (r == 0 && text_is_empty(ret->config))
        return error_set(error, -EINVAL, "%s.Config is missing", place);
    if (r == 0)
        r = json_read_strings(json, place, "Layers", IMAGE_CONFIG_MAX_LAYERS, &ret->layers, error);
    if (r == 0)
        r = json_read_strings(json, place, "RepoTags", DOCKER_NAMES_MAX, &ret->names, error);
    return r;
}

int docker_list_parse(const char *json, size_t size, DockerList *ret, Error *error)
{
    _cleanup_docker_list_ DockerList list = {};
    _cleanup_json_ json_t *root = NULL;
    json_error_t problem = {};
    size_t count;
    int r = 0;

    if (size > IMAGE_MANIFEST_MAX_BYTES)
        return error_set(error, -EFBIG, "%zu bytes are more than the %u allowed", size, IMAGE_MANIFEST_MAX_BYTES);
    root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        return error_set(error, -EINVAL, "line %d is not valid JSON: %s", problem.line, problem.text);
    count = json_array_size(root);
    if (count == 0 || count > INDEX_ITEMS_MAX)
        return error_set(error, -EINVAL, "the document is not a list of 1 to %u images", INDEX_ITEMS_MAX);
    list.images = calloc(count, sizeof(*list.images));
    if (!list.images)
        return -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++)
        r = read_docker_image(json_array_get(root, i), i, &list.images[list.count++], error);
    if (r < 0)
        return r;
    *ret = list;
    list = (DockerList){};
    return 0;
}
