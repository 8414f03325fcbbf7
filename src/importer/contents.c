/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a source holds: docker-archive, OCI layout or both. */
#include "importer/image.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Where the last component of a path ends without what only tells its format. */
static const char *end_of_stem(const char *start, const char *end)
{
    static const char *const suffixes[] = {".gz", ".zst", ".tar", ".tgz", ".oci"};

    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
        size_t length = strlen(suffixes[i]);

        if ((size_t) (end - start) > length && strncmp(end - length, suffixes[i], length) == 0)
            return end_of_stem(start, end - length);
    }
    return end;
}

/* "/tmp/Web App.tar.gz" → "web-app"; NULL when nothing is left that could be a name. */
static char *make_base_name(const char *input)
{
    const char *end = input + strlen(input), *start;
    char *name, *out;

    while (end > input && end[-1] == '/')
        end--;
    for (start = end; start > input && start[-1] != '/'; start--)
        ;
    end = end_of_stem(start, end);
    name = out = calloc(1, (size_t) (end - start) + 1);
    if (!name)
        return NULL;
    for (const char *c = start; c < end; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))
            *out++ = *c;
        else if (*c >= 'A' && *c <= 'Z')
            *out++ = (char) (*c - 'A' + 'a');
        else if (out > name && out[-1] != '-')
            *out++ = '-';
    }
    while (out > name && out[-1] == '-')
        *--out = 0;
    if (*name)
        return name;
    free(name);
    return NULL;
}

/* Docker 25 and buildx write manifest.json and an OCI layout into one archive. When both mean the same files,
 * the layout's manifest is the image's own, with the digest that registries know. */
static void adopt_manifests(NewImages *docker, NewImages *oci)
{
    for (size_t i = 0; i < docker->count; i++)
        for (size_t j = 0; j < oci->count; j++) {
            NewImage *image = &docker->items[i], *other = &oci->items[j];
            bool is_same = digest_equal(&image->config_digest, &other->config_digest) &&
                           image->layers_count == other->layers_count && other->manifest && !image->manifest;

            for (size_t k = 0; is_same && k < image->layers_count; k++)
                is_same = strcmp(image->layers[k].member, other->layers[k].member) == 0;
            if (!is_same)
                continue;
            image->manifest = TAKE_PTR(other->manifest);
            image->manifest_size = other->manifest_size;
            image->manifest_digest = other->manifest_digest;
            for (size_t k = 0; k < image->layers_count; k++) {
                image->layers[k].blob = other->layers[k].blob;
                image->layers[k].size_bytes = other->layers[k].size_bytes;
            }
        }
}

static int say_no_image(Source *source, Error *error)
{
    int r = error_set(error, -EINVAL, "%s holds no container image: neither manifest.json nor index.json is there",
                      source_name(source));

    if (source_has(source, "etc/passwd") || source_has(source, "etc/os-release") ||
        source_has(source, "usr/lib/os-release"))
        return error_hint(error, r, "it looks like a root file system: unpack it and use berthctl run --directory=");
    return error_hint(error, r, "docker-archive (docker save), oci-archive and OCI layout directories can be loaded");
}

int new_images_read(Source *source, const char *input, const char *architecture, NewImages *ret, Error *error)
{
    _cleanup_free_ char *base_name = make_base_name(input);
    _cleanup_new_images_ NewImages oci = {};
    bool has_index = source_has(source, "index.json") && source_has(source, "oci-layout");
    int r;

    if (!source_has(source, "manifest.json"))
        return has_index ? oci_read_images(source, architecture, base_name, ret, error) : say_no_image(source, error);
    r = docker_read_images(source, ret, error);
    if (r < 0)
        return r;
    if (has_index && oci_read_images(source, architecture, NULL, &oci, NULL) == 0)
        adopt_manifests(ret, &oci);
    return 0;
}
