/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OCI image layout (OCI image specification, image-layout.md), as a directory or in an archive. */
#include "importer/image.h"

#include "base/log.h"
#include "base/text.h"
#include "importer/hash.h"
#include "store/image-manifest.h"

#include <errno.h>
#include <string.h>

#define NESTING_MAX 4U

typedef struct OciReader {
    Source *source;
    const char *architecture, *base_name;
    NewImages images;
} OciReader;

static void oci_reader_done(OciReader *reader)
{
    new_images_done(&reader->images);
}

static char *blob_member(const Digest *digest)
{
    return text_format("blobs/sha256/%s", digest->hex);
}

/* A document that a descriptor promises: size and digest are those of exactly its bytes. */
static int read_document(Source *source, const Descriptor *descriptor, ImageDocument *ret, char **ret_json,
                         Error *error)
{
    _cleanup_free_ char *member = blob_member(&descriptor->digest), *json = NULL;
    Digest digest;
    size_t size = 0;
    int r;

    if (!member)
        return -ENOMEM;
    r = source_read(source, member, IMAGE_MANIFEST_MAX_BYTES, &json, &size, error);
    if (r < 0)
        return r;
    if (size != descriptor->size_bytes)
        return error_set(error, -EBADMSG, "%s: '%s' has %zu bytes instead of %llu", source_name(source), member, size,
                         (unsigned long long) descriptor->size_bytes);
    r = hash_bytes(json, size, &digest);
    if (r < 0)
        return r;
    if (!digest_equal(&digest, &descriptor->digest))
        return error_hint(
            error,
            error_set(error, -EBADMSG, "%s: '%s' has the digest sha256:%s", source_name(source), member, digest.hex),
            "the image was changed or damaged; make or download it again");
    r = image_document_parse(json, size, ret, error);
    if (r < 0)
        return error_prefix(error, r, "%s: '%s'", source_name(source), member);
    *ret_json = TAKE_PTR(json);
    return 0;
}

/* A whole reference, or what skopeo and umoci write: only the tag, under the name of the file. */
static int add_names(const OciReader *reader, const Descriptor *descriptor, NewImage *image)
{
    const char *name = descriptor->image_name ? descriptor->image_name : descriptor->reference_name;
    _cleanup_free_ char *full = NULL;

    if (text_is_empty(name))
        return 0;
    if (strchr(name, '/') || strchr(name, ':'))
        return new_image_add_name(image, name);
    if (!reader->base_name)
        return 0;
    full = text_format("localhost/%s:%s", reader->base_name, name);
    return full ? new_image_add_name(image, full) : -ENOMEM;
}

static int take_manifest(OciReader *reader, const Descriptor *top, const Descriptor *descriptor,
                         const ImageDocument *manifest, char *json, Error *error)
{
    NewImage *image = new_images_add(&reader->images);
    _cleanup_free_ char *member = blob_member(&manifest->config.digest);
    int r;

    if (!image || !member) {
        free(json);
        return -ENOMEM;
    }
    image->manifest = json;
    image->manifest_size = descriptor->size_bytes;
    image->manifest_digest = descriptor->digest;
    r = new_image_read_config(image, reader->source, member, &manifest->config.digest, error);
    if (r == 0 && image->config_size != manifest->config.size_bytes)
        return error_set(error, -EBADMSG, "%s: '%s' has %zu bytes instead of %llu", source_name(reader->source), member,
                         image->config_size, (unsigned long long) manifest->config.size_bytes);
    if (r == 0)
        r = new_image_alloc_layers(image, manifest->items_count);
    for (size_t i = 0; i < manifest->items_count && r == 0; i++) {
        image->layers[i].blob = manifest->items[i].digest;
        image->layers[i].size_bytes = manifest->items[i].size_bytes;
        image->layers[i].member = blob_member(&manifest->items[i].digest);
        r = image->layers[i].member ? 0 : -ENOMEM;
    }
    return r < 0 ? r : add_names(reader, top, image);
}

static const Descriptor *choose(const OciReader *reader, const ImageDocument *index)
{
    const Descriptor *best = NULL;
    unsigned best_rank = 0;

    for (size_t i = 0; i < index->items_count; i++) {
        unsigned rank = image_platform_rank(&index->items[i], reader->architecture);

        if (rank > best_rank) {
            best = &index->items[i];
            best_rank = rank;
        }
    }
    return best;
}

/* From what the layout's index names, down over further indexes, to one manifest. */
static int take_descriptor(OciReader *reader, const Descriptor *top, Error *error)
{
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_free_ char *json = NULL;
    const Descriptor *descriptor = top;
    int r = read_document(reader->source, descriptor, &document, &json, error);

    for (unsigned depth = 0; r == 0 && document.kind == IMAGE_DOCUMENT_INDEX; depth++) {
        _cleanup_image_document_ ImageDocument index = document;

        document = (ImageDocument){};
        free(TAKE_PTR(json));
        descriptor = depth < NESTING_MAX ? choose(reader, &index) : NULL;
        if (!descriptor)
            return error_hint(error,
                              error_set(error, -ENOENT, "%s: no image for linux on %s in the index sha256:%s",
                                        source_name(reader->source), reader->architecture, top->digest.hex),
                              "use --architecture=ARCH for another one");
        r = read_document(reader->source, descriptor, &document, &json, error);
        if (r == 0 && document.kind == IMAGE_DOCUMENT_MANIFEST)
            return take_manifest(reader, top, descriptor, &document, TAKE_PTR(json), error);
    }
    return r < 0 ? r : take_manifest(reader, top, descriptor, &document, TAKE_PTR(json), error);
}

static bool is_same_name(const Descriptor *a, const Descriptor *b)
{
    const char *left = a->image_name ? a->image_name : a->reference_name;
    const char *right = b->image_name ? b->image_name : b->reference_name;

    return left && right ? strcmp(left, right) == 0 : left == right;
}

/* Several entries of one name are one image for several platforms. */
static bool is_best_of_its_name(const OciReader *reader, const ImageDocument *index, size_t at)
{
    unsigned rank = image_platform_rank(&index->items[at], reader->architecture);

    if (rank == 0)
        return false;
    for (size_t i = 0; i < index->items_count; i++) {
        unsigned other = image_platform_rank(&index->items[i], reader->architecture);

        if (i == at || !is_same_name(&index->items[i], &index->items[at]))
            continue;
        /* Without names and platforms each is an image of its own. */
        if (!index->items[i].reference_name && !index->items[i].image_name && other == 1 && rank == 1)
            continue;
        if (other > rank || (other == rank && i < at))
            return false;
    }
    return true;
}

static int check_layout(Source *source, Error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = source_read(source, "oci-layout", 4096, &text, &size, error);

    if (r == 0 && !strstr(text, "imageLayoutVersion"))
        return error_set(error, -EINVAL, "%s: 'oci-layout' does not say its version", source_name(source));
    return r;
}

int oci_read_images(Source *source, const char *architecture, const char *base_name, NewImages *ret, Error *error)
{
    _cleanup_(oci_reader_done) OciReader reader = {source, architecture, base_name, {}};
    _cleanup_image_document_ ImageDocument index = {};
    _cleanup_free_ char *json = NULL;
    size_t size = 0;
    int r = check_layout(source, error);

    if (r == 0)
        r = source_read(source, "index.json", IMAGE_MANIFEST_MAX_BYTES, &json, &size, error);
    if (r < 0)
        return r;
    r = image_document_parse(json, size, &index, error);
    if (r == 0 && index.kind != IMAGE_DOCUMENT_INDEX)
        r = error_set(error, -EINVAL, "the document is a manifest instead of an index");
    if (r < 0)
        return error_prefix(error, r, "%s: 'index.json'", source_name(source));
    for (size_t i = 0; i < index.items_count && r == 0; i++)
        if (is_best_of_its_name(&reader, &index, i))
            r = take_descriptor(&reader, &index.items[i], error);
    if (r < 0)
        return r;
    if (reader.images.count == 0)
        return error_set(error, -ENOENT, "%s: 'index.json' names no image for linux on %s", source_name(source),
                         architecture);
    *ret = reader.images;
    reader.images = (NewImages){};
    return 0;
}
