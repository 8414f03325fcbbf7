/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what lies between a name and an image's parts: OCI and Docker manifests, indexes, and the
 *       manifest.json of a docker-archive.
 * Never does: I/O; use a string from there as a path.
 * Runs in: the importer (and later the puller); pure. */

#include "base/error.h"
#include "store/digest.h"

#include <stdint.h>

#define IMAGE_MANIFEST_MAX_BYTES (4U << 20)

/* OCI image specification, descriptor.md. Absent strings are NULL. */
typedef struct Descriptor {
    char *media_type;
    Digest digest;
    uint64_t size_bytes;
    char *os, *architecture, *variant; /* only in an index */
    char *reference_name;              /* annotation org.opencontainers.image.ref.name */
    char *image_name;                  /* annotation io.containerd.image.name */
} Descriptor;

typedef enum ImageDocumentKind { IMAGE_DOCUMENT_MANIFEST, IMAGE_DOCUMENT_INDEX } ImageDocumentKind;

/* A manifest (config and layers, lowest first) or an index (items are manifests or further indexes). */
typedef struct ImageDocument {
    ImageDocumentKind kind;
    Descriptor config;
    Descriptor *items;
    size_t items_count;
} ImageDocument;
void image_document_done(ImageDocument *document);
#define _cleanup_image_document_ _cleanup_(image_document_done)

/* -EINVAL for what could be read as both kinds (CVE-2021-41190) or whose mediaType contradicts its content.
 */
int image_document_parse(const char *json, size_t size, ImageDocument *ret, Error *error);

/* What the kernel's machine name (uname(2)) is called in images; the name itself when it is unknown. */
const char *image_architecture(const char *machine);

/* How well a descriptor's platform suits linux on `architecture`: 0 not at all, more is better. One without a
 * platform suits a little. */
unsigned image_platform_rank(const Descriptor *descriptor, const char *architecture);

typedef struct DockerImage {
    char *config;  /* member names */
    char **layers; /* lowest first */
    char **names;  /* RepoTags */
} DockerImage;

typedef struct DockerList {
    DockerImage *images;
    size_t count;
} DockerList;
void docker_list_done(DockerList *list);
#define _cleanup_docker_list_ _cleanup_(docker_list_done)

/* manifest.json of `docker save`. */
int docker_list_parse(const char *json, size_t size, DockerList *ret, Error *error);
