/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/image.h"

#include "base/log.h"
#include "base/strv.h"
#include "importer/hash.h"
#include "store/image-config.h"
#include "store/reference.h"

#include <errno.h>
#include <string.h>

static void new_image_done(NewImage *image)
{
    strv_free(image->names);
    free(image->config);
    free(image->manifest);
    for (size_t i = 0; i < image->layers_count; i++)
        free(image->layers[i].member);
    free(image->layers);
}

void new_images_done(NewImages *images)
{
    for (size_t i = 0; i < images->count; i++)
        new_image_done(&images->items[i]);
    free(images->items);
    *images = (NewImages){};
}

NewImage *new_images_add(NewImages *images)
{
    NewImage *larger = reallocarray(images->items, images->count + 1, sizeof(*larger));

    if (!larger)
        return NULL;
    images->items = larger;
    larger[images->count] = (NewImage){};
    return &larger[images->count++];
}

int new_image_alloc_layers(NewImage *image, size_t count)
{
    image->layers = calloc(count + 1, sizeof(*image->layers));
    if (!image->layers)
        return -ENOMEM;
    image->layers_count = count;
    return 0;
}

int new_image_read_config(NewImage *image, Source *source, const char *member, const Digest *expected, Error *error)
{
    int r = source_read(source, member, IMAGE_CONFIG_MAX_BYTES, &image->config, &image->config_size, error);

    if (r == 0)
        r = hash_bytes(image->config, image->config_size, &image->config_digest);
    if (r < 0)
        return r;
    if (digest_is_set(expected) && !digest_equal(expected, &image->config_digest))
        return error_hint(error,
                          error_set(error, -EBADMSG, "%s: '%s' has the digest sha256:%s instead of sha256:%s",
                                    source_name(source), member, image->config_digest.hex, expected->hex),
                          "the image was changed or damaged; make or download it again");
    return 0;
}

int new_image_add_name(NewImage *image, const char *text)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_error_ Error problem = {};
    _cleanup_free_ char *name = NULL;
    int r = reference_parse(text, &reference, &problem);

    if (r == -EINVAL || (r == 0 && digest_is_set(&reference.digest))) {
        log_warning("the name '%s' is left out: %s", text, problem.text ? problem.text : "it holds a digest");
        return 0;
    }
    if (r < 0)
        return r;
    name = reference_format_name(&reference);
    if (!name)
        return -ENOMEM;
    return strv_contains(image->names, name) ? 0 : strv_append(&image->names, name);
}
