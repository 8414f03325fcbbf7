/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/record.h"

#include "store/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RECORD_SCHEMA 1

static int read_layer(const json_t *json, size_t i, StoreLayer *ret, bool *ret_hides, Error *error)
{
    char place[32];
    int r;

    snprintf(place, sizeof(place), "layers[%zu]", i);
    if (!json_is_object(json))
        return error_set(error, -EINVAL, "%s is not an object", place);
    r = json_read_digest(json, place, "diff_id", &ret->diff_id, error);
    if (r == 0)
        r = json_read_digest(json, place, "blob", &ret->blob, error);
    if (r == 0)
        r = json_read_size(json, place, "blob_bytes", &ret->blob_bytes, error);
    if (r == 0)
        r = json_read_size(json, place, "unpacked_bytes", &ret->unpacked_bytes, error);
    if (r == 0)
        r = json_read_bool(json, place, "hides_lower", ret_hides, error);
    if (r == 0 && (!digest_is_set(&ret->diff_id) || !digest_is_set(&ret->blob)))
        return error_set(error, -EINVAL, "%s has no digest", place);
    return r;
}

static int read_root(const json_t *json, StoreRoot *ret, Error *error)
{
    const json_t *root = NULL;
    uint64_t mode = 0, uid = 0, gid = 0;
    int r = json_read_member(json, "", "root", JSON_OBJECT, &root, error);

    if (r < 0 || !root)
        return r;
    r = json_read_size(root, "root", "mode", &mode, error);
    if (r == 0)
        r = json_read_size(root, "root", "uid", &uid, error);
    if (r == 0)
        r = json_read_size(root, "root", "gid", &gid, error);
    if (r == 0 && (mode > 07777 || uid >= UINT32_MAX || gid >= UINT32_MAX))
        return error_set(error, -EINVAL, "root is out of range");
    if (r == 0)
        *ret = (StoreRoot){true, (mode_t) mode, (uid_t) uid, (gid_t) gid};
    return r;
}

static json_t *pack_root(const StoreRoot *root)
{
    return root->is_set ? json_pack("{s:i, s:I, s:I}", "mode", (int) root->mode, "uid", (json_int_t) root->uid, "gid",
                                    (json_int_t) root->gid)
                        : NULL;
}

int record_parse_image(const char *text, size_t size, StoreImage *image, bool **ret_hides, Error *error)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ bool *hides = NULL;
    const json_t *list = NULL;
    size_t count;
    int r = json_read_object(text, size, RECORD_MAX_BYTES, &json, error);

    if (r == 0)
        r = json_read_digest(json, "", "config", &image->id, error);
    if (r == 0 && !digest_is_set(&image->id))
        return error_set(error, -EINVAL, "config is missing");
    if (r == 0)
        r = json_read_size(json, "", "loaded_usec", &image->loaded_usec, error);
    if (r == 0)
        r = read_root(json, &image->root, error);
    if (r == 0)
        r = json_read_member(json, "", "layers", JSON_ARRAY, &list, error);
    if (r < 0)
        return r;
    count = json_array_size(list);
    if (count > IMAGE_CONFIG_MAX_LAYERS)
        return error_set(error, -EINVAL, "layers has %zu items", count);
    image->layers = calloc(count + 1, sizeof(*image->layers));
    hides = calloc(count + 1, sizeof(*hides));
    if (!image->layers || !hides)
        return -ENOMEM;
    image->layers_count = count;
    for (size_t i = 0; i < count && r == 0; i++)
        r = read_layer(json_array_get(list, i), i, &image->layers[i], &hides[i], error);
    if (r < 0)
        return r;
    if (ret_hides)
        *ret_hides = TAKE_PTR(hides);
    return 0;
}

char *record_format_image(const StoreImage *image, const bool *hides, const char *source)
{
    _cleanup_json_ json_t *layers = json_array(), *json = NULL;

    for (size_t i = 0; i < image->layers_count; i++) {
        const StoreLayer *layer = &image->layers[i];
        json_t *row = json_pack("{s:s, s:s, s:I, s:I}", "diff_id", digest_format(&layer->diff_id).text, "blob",
                                digest_format(&layer->blob).text, "blob_bytes", (json_int_t) layer->blob_bytes,
                                "unpacked_bytes", (json_int_t) layer->unpacked_bytes);

        if (hides[i])
            (void) json_object_set_new(row, "hides_lower", json_true());
        if (json_array_append_new(layers, row) < 0)
            return NULL;
    }
    json = json_pack("{s:i, s:s, s:I, s:s*, s:o*, s:O}", "schema", RECORD_SCHEMA, "config",
                     digest_format(&image->id).text, "loaded_usec", (json_int_t) image->loaded_usec, "source", source,
                     "root", pack_root(&image->root), "layers", layers);
    return json ? json_dumps(json, JSON_INDENT(1)) : NULL;
}

int record_parse_layer(const char *text, size_t size, LayerInfo *ret, Error *error)
{
    _cleanup_json_ json_t *json = NULL;
    LayerInfo info = {};
    int r = json_read_object(text, size, RECORD_MAX_BYTES, &json, error);

    if (r == 0)
        r = json_read_size(json, "", "unpacked_bytes", &info.unpacked_bytes, error);
    if (r == 0)
        r = json_read_size(json, "", "entries", &info.entries, error);
    if (r == 0)
        r = json_read_bool(json, "", "hides_lower", &info.hides_lower, error);
    if (r == 0)
        r = read_root(json, &info.root, error);
    if (r == 0)
        *ret = info;
    return r;
}

char *record_format_layer(const LayerInfo *info)
{
    _cleanup_json_ json_t *json = json_pack("{s:i, s:I, s:I, s:b, s:o*}", "schema", RECORD_SCHEMA, "unpacked_bytes",
                                            (json_int_t) info->unpacked_bytes, "entries", (json_int_t) info->entries,
                                            "hides_lower", info->hides_lower, "root", pack_root(&info->root));

    return json ? json_dumps(json, JSON_INDENT(1)) : NULL;
}
