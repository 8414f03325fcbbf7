/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* docker-archive: what `docker save`, `podman save` and skopeo write. Since Docker 25 such an archive is an
 * OCI layout as well, whose index may promise layers that are not there; manifest.json is what every version
 * keeps right. */
#include "importer/image.h"

#include "base/text.h"
#include "store/image-manifest.h"

#include <errno.h>
#include <string.h>

/* A file that is named after its content, "HEX.json" or "blobs/sha256/HEX", must have it. */
static Digest digest_of_name(const char *member)
{
    const char *last = strrchr(member, '/') ? strrchr(member, '/') + 1 : member;
    Digest digest = {};
    char hex[DIGEST_HEX_SIZE + 1] = {};

    if (strlen(last) < DIGEST_HEX_SIZE)
        return digest;
    if (strcmp(last + DIGEST_HEX_SIZE, ".json") == 0 || text_after_prefix(member, "blobs/sha256/")) {
        memcpy(hex, last, DIGEST_HEX_SIZE);
        if (last[DIGEST_HEX_SIZE] == 0 || strcmp(last + DIGEST_HEX_SIZE, ".json") == 0)
            (void) digest_parse_hex(hex, &digest);
    }
    return digest;
}

static int read_image(Source *source, const DockerImage *docker, NewImage *image, Error *error)
{
    Digest expected = digest_of_name(docker->config);
    size_t count = 0;
    int r = new_image_read_config(image, source, docker->config, &expected, error);

    for (char **layer = docker->layers; layer && *layer; layer++)
        count++;
    if (r == 0)
        r = new_image_alloc_layers(image, count);
    for (size_t i = 0; i < count && r == 0; i++) {
        image->layers[i].member = strdup(docker->layers[i]);
        /* skopeo names layers "HEX.tar" after their DiffID, older Docker after nothing that could be
         * verified. */
        if (text_after_prefix(docker->layers[i], "blobs/sha256/"))
            image->layers[i].blob = digest_of_name(docker->layers[i]);
        r = image->layers[i].member ? 0 : -ENOMEM;
    }
    for (char **name = docker->names; r == 0 && name && *name; name++)
        r = new_image_add_name(image, *name);
    return r;
}

int docker_read_images(Source *source, NewImages *ret, Error *error)
{
    _cleanup_new_images_ NewImages images = {};
    _cleanup_docker_list_ DockerList list = {};
    _cleanup_free_ char *json = NULL;
    size_t size = 0;
    int r = source_read(source, "manifest.json", IMAGE_MANIFEST_MAX_BYTES, &json, &size, error);

    if (r < 0)
        return r;
    r = docker_list_parse(json, size, &list, error);
    if (r < 0)
        return error_prefix(error, r, "%s: 'manifest.json'", source_name(source));
    for (size_t i = 0; i < list.count && r == 0; i++) {
        NewImage *image = new_images_add(&images);

        r = image ? read_image(source, &list.images[i], image, error) : -ENOMEM;
    }
    if (r < 0)
        return r;
    *ret = images;
    images = (NewImages){};
    return 0;
}
