/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/push.h"

#include "base/log.h"
#include "base/text.h"
#include "pull/client.h"
#include "store/image-manifest.h"
#include "store/json-read.h"
#include "store/reference.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARALLEL_MAX 4U
#define DEFAULT_TYPE "application/vnd.oci.image.manifest.v1+json"

typedef struct Push {
    Store *store;
    StoreImage *image;
    StoreImageList known;
    PullClient *client;
    Reference destination;
    ImageDocument manifest;
    char *json, *media_type;
    size_t size;
    unsigned ids[PARALLEL_MAX]; /* a ring of blobs on their way */
    size_t begun, finished;
    uint64_t sent_bytes;
} Push;

static void push_done(Push *push)
{
    pull_client_free(push->client);
    store_image_list_done(&push->known);
    store_image_free(push->image);
    store_free(push->store);
    reference_done(&push->destination);
    image_document_done(&push->manifest);
    free(push->json);
    free(push->media_type);
}

static int read_manifest(Push *push, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    int r =
        store_read_blob(push->store, &push->image->manifest, IMAGE_MANIFEST_MAX_BYTES, &push->json, &push->size, error);

    if (r == 0)
        r = image_document_parse(push->json, push->size, &push->manifest, error);
    if (r == 0)
        r = json_read_object(push->json, push->size, IMAGE_MANIFEST_MAX_BYTES, &root, error);
    if (r == 0)
        r = json_read_string(root, "", "mediaType", &push->media_type, error);
    if (r == 0 && !push->media_type) {
        push->media_type = strdup(DEFAULT_TYPE);
        r = push->media_type ? 0 : -ENOMEM;
    }
    return r;
}

/* --- blobs --- */

/* Another repository of the same registry that had the blob when its image was pulled, or got it when it was pushed. */
static char *find_other_home(const Push *push, const Digest *blob)
{
    for (size_t i = 0; i < push->known.count; i++) {
        const StoreImage *image = push->known.images[i];
        _cleanup_reference_ Reference other = {};
        bool has_blob = digest_equal(&image->id, blob);

        if (!image->reference || reference_parse(image->reference, &other, NULL) < 0 || !other.domain ||
            strcmp(other.domain, push->destination.domain) != 0 ||
            strcmp(other.repository, push->destination.repository) == 0)
            continue;
        for (size_t j = 0; j < image->layers_count && !has_blob; j++)
            has_blob = digest_equal(&image->layers[j].blob, blob);
        if (has_blob)
            return TAKE_PTR(other.repository);
    }
    return NULL;
}

static int wait_for_one(Push *push, Error *error)
{
    _cleanup_wire_reply_ WireReply reply = {};
    int r = pull_client_wait(push->client, push->ids[push->finished++ % PARALLEL_MAX], &reply, error);

    push->sent_bytes += r == 0 ? reply.bytes : 0;
    return r;
}

static int send_blob(Push *push, const Descriptor *descriptor, Error *error)
{
    DigestText text = digest_format(&descriptor->digest);
    _cleanup_free_ char *path = text_format("blobs/sha256/%s", descriptor->digest.hex),
                        *home = find_other_home(push, &descriptor->digest);
    const WireRequest request = {
        .kind = WIRE_UPLOAD, .reference = text.text, .media_type = home, .size_bytes = descriptor->size_bytes};
    _cleanup_close_ int fd = path ? openat(store_get_fd(push->store), path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -EBADF;
    struct stat st;
    int r = 0;

    if (!path)
        return -ENOMEM;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(error, -errno, "opening the blob %s: %m", text.text);
    if ((uint64_t) st.st_size != descriptor->size_bytes)
        return error_set(error, -EUCLEAN, "the blob %s is damaged: it has another size", text.text);
    if (push->begun - push->finished == PARALLEL_MAX)
        r = wait_for_one(push, error);
    if (r == 0)
        r = pull_client_send(push->client, &request, fd, &push->ids[push->begun % PARALLEL_MAX], error);
    if (r == 0)
        push->begun++;
    return r;
}

static bool is_repeated(const Push *push, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (digest_equal(&push->manifest.items[i].digest, &push->manifest.items[at].digest))
            return true;
    return false;
}

static int send_blobs(Push *push, Error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < push->manifest.items_count; i++)
        if (!is_repeated(push, i))
            r = send_blob(push, &push->manifest.items[i], error);
    if (r == 0)
        r = send_blob(push, &push->manifest.config, error);
    while (r == 0 && push->finished < push->begun)
        r = wait_for_one(push, error);
    return r;
}

/* Last, when all that it promises is there. */
static int send_manifest(Push *push, Error *error)
{
    const char *tag = push->destination.tag ? push->destination.tag : REFERENCE_DEFAULT_TAG;
    const WireRequest request = {
        .kind = WIRE_PUT, .reference = (char *) tag, .media_type = push->media_type, .size_bytes = push->size};
    _cleanup_close_ int fd = memfd_create("berth-manifest", MFD_CLOEXEC);
    unsigned id = 0;
    int r = fd < 0 || write(fd, push->json, push->size) != (ssize_t) push->size ? -EIO : 0;

    if (r == 0)
        r = pull_client_send(push->client, &request, fd, &id, error);
    return r < 0 ? r : pull_client_wait(push->client, id, NULL, error);
}

/* --- all of it --- */

static int start(Push *push, const PullImageOptions *options, const char *image, const char *destination, Error *error)
{
    PullOptions client = {.auth_file = options->auth_file, .tls_verify = options->tls_verify, .is_writing = true};
    _cleanup_free_ char *name = NULL;
    int r = store_open(options->store_path, 0, &push->store, error);

    if (r == 0)
        r = store_find_image(push->store, image, &push->image, error);
    if (r == 0)
        r = store_list_images(push->store, &push->known, NULL, error);
    if (r == 0 && !destination && !push->image->reference)
        r = error_set(error, -EINVAL, "'%s' has no name: say where it is to go", image);
    if (r == 0)
        r = reference_parse(destination ? destination : push->image->reference, &push->destination, error);
    if (r == 0 && (!push->destination.domain || digest_is_set(&push->destination.digest)))
        r = error_hint(
            error,
            error_set(error, -EINVAL, "'%s' does not name a tag in a registry", destination ? destination : image),
            "berthctl push %s HOST/NAME:TAG", image);
    if (r < 0)
        return r;
    name = reference_format_name(&push->destination);
    client.name = name;
    return name ? pull_client_start(&client, &push->client, error) : -ENOMEM;
}

int push_image(const PullImageOptions *options, const char *image, const char *destination, PushedImage *ret,
               Error *error)
{
    _cleanup_(push_done) Push push = {};
    char *name;
    int r = start(&push, options, image, destination, error);

    if (r == 0)
        r = read_manifest(&push, error);
    if (r == 0)
        log_info("%s: pushing %zu layers", image, push.manifest.items_count);
    if (r == 0)
        r = send_blobs(&push, error);
    if (r == 0)
        r = send_manifest(&push, error);
    if (r < 0)
        return error_prefix(error, r, "pushing %s", image);
    name = reference_format_name(&push.destination);
    if (!name)
        return -ENOMEM;
    *ret = (PushedImage){.name = name, .manifest = push.image->manifest, .sent_bytes = push.sent_bytes};
    return 0;
}
