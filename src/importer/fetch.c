/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/fetch.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "importer/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARALLEL_MAX 4U
#define PIPE_BYTES   (1 << 20)

int fetch_bytes(PullClient *client, WireKind kind, const char *what, uint64_t max_bytes, char **ret, size_t *ret_size,
                char **ret_media_type, Error *error)
{
    const WireRequest request = {.kind = kind, .reference = (char *) what, .size_bytes = max_bytes};
    _cleanup_wire_reply_ WireReply reply = {};
    _cleanup_close_ int fd = memfd_create("berth-document", MFD_CLOEXEC);
    unsigned id = 0;
    int r = fd < 0 ? -errno : pull_client_send(client, &request, fd, &id, error);

    if (r == 0)
        r = pull_client_wait(client, id, &reply, error);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    r = file_read_fd(fd, max_bytes, ret, ret_size);
    if (r == 0 && ret_media_type)
        *ret_media_type = TAKE_PTR(reply.media_type);
    return r;
}

void fetched_layers_done(FetchedLayers *layers)
{
    free(layers->items);
    free(layers->hides);
}

/* One layer between its request and its place in the store. */
typedef struct Flight {
    size_t at; /* which layer */
    unsigned id;
    char label[96], blob_name[32], tree_name[32];
    UnpackRequest request;
    UnpackJob *job;
} Flight;

typedef struct Fetch {
    const FetchContext *context;
    const ImageDocument *manifest;
    const ImageConfig *config;
    LayerLimits limits;
    StoreImageList known;
    FetchedLayers layers;
    LayerInfo *infos;
    Flight flights[PARALLEL_MAX]; /* a ring */
    size_t begun, finished;       /* flights so far */
} Fetch;

static void fetch_done(Fetch *fetch)
{
    for (size_t i = 0; i < PARALLEL_MAX; i++)
        unpack_job_free(fetch->flights[i].job);
    store_image_list_done(&fetch->known);
    fetched_layers_done(&fetch->layers);
    free(fetch->infos);
}

/* That this blob inflates to that DiffID was verified when an image with both was added: no document is believed about it. */
static bool is_known(const Fetch *fetch, const Digest *blob, const Digest *diff_id, StoreLayer *ret)
{
    for (size_t i = 0; i < fetch->known.count; i++)
        for (size_t j = 0; j < fetch->known.images[i]->layers_count; j++) {
            const StoreLayer *layer = &fetch->known.images[i]->layers[j];

            if (digest_equal(&layer->blob, blob) && digest_equal(&layer->diff_id, diff_id)) {
                *ret = *layer;
                return true;
            }
        }
    return false;
}

static bool is_here(Fetch *fetch, size_t i)
{
    const Descriptor *descriptor = &fetch->manifest->items[i];
    const Digest *diff_id = &fetch->config->diff_ids[i];

    return is_known(fetch, &descriptor->digest, diff_id, &fetch->layers.items[i]) &&
           store_has_blob(fetch->context->store, &descriptor->digest, descriptor->size_bytes) &&
           store_load_layer(fetch->context->store, diff_id, &fetch->infos[i]) == 0;
}

/* The same blob and DiffID in a lower place of this image. */
static bool find_same(const Fetch *fetch, size_t i, size_t *ret)
{
    for (size_t j = 0; j < i; j++)
        if (digest_equal(&fetch->manifest->items[j].digest, &fetch->manifest->items[i].digest) &&
            digest_equal(&fetch->config->diff_ids[j], &fetch->config->diff_ids[i])) {
            *ret = j;
            return true;
        }
    return false;
}

/* --- one layer --- */

static int send_request(Fetch *fetch, Flight *flight, int write_fd, Error *error)
{
    const Descriptor *descriptor = &fetch->manifest->items[flight->at];
    DigestText text = digest_format(&descriptor->digest);
    const WireRequest request = {.kind = WIRE_BLOB, .reference = text.text, .size_bytes = descriptor->size_bytes};

    return pull_client_send(fetch->context->client, &request, write_fd, &flight->id, error);
}

static int begin(Fetch *fetch, size_t i, Error *error)
{
    Flight *flight = &fetch->flights[fetch->begun % PARALLEL_MAX];
    const Descriptor *descriptor = &fetch->manifest->items[i];
    _cleanup_free_ char *size = text_format_size(descriptor->size_bytes);
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int fds[2], r;

    if (!size || pipe2(fds, O_CLOEXEC) < 0)
        return -ENOMEM;
    read_fd = fds[0];
    write_fd = fds[1];
    (void) fcntl(write_fd, F_SETPIPE_SZ, PIPE_BYTES);
    *flight = (Flight){.at = i};
    snprintf(flight->label, sizeof(flight->label), "layer %zu of %zu (%.12s)", i + 1, fetch->layers.count,
             descriptor->digest.hex);
    snprintf(flight->blob_name, sizeof(flight->blob_name), "blob-%zu", fetch->begun);
    snprintf(flight->tree_name, sizeof(flight->tree_name), "tree-%zu", fetch->begun);
    flight->request = (UnpackRequest){.work_fd = store_addition_fd(fetch->context->addition),
                                      .blob_name = flight->blob_name,
                                      .tree_name = flight->tree_name,
                                      .label = flight->label,
                                      .blob = descriptor->digest,
                                      .diff_id = fetch->config->diff_ids[i],
                                      .limits = &fetch->limits,
                                      .input_fd = read_fd};
    if (store_load_layer(fetch->context->store, &fetch->config->diff_ids[i], &fetch->infos[i]) == 0)
        flight->request.tree_name = NULL;
    log_info("%s: %s, fetching", flight->label, size);
    fetch->limits.inflate.input_max_bytes = descriptor->size_bytes; /* the child has a copy of it from here on */
    r = unpack_start(&flight->request, &flight->job, error);
    if (r == 0)
        r = send_request(fetch, flight, write_fd, error);
    fetch->begun++;
    return r;
}

/* What ended the layer's way: the network's word, unless it is only that nobody wanted the bytes any more. */
static int await(Fetch *fetch, Flight *flight, StreamResult *stream, Error *error)
{
    _cleanup_error_ Error unpack_error = {}, net_error = {};
    int unpack = unpack_finish(flight->job, stream, &fetch->infos[flight->at], &unpack_error);
    int net = pull_client_wait(fetch->context->client, flight->id, NULL, &net_error);

    if (net < 0 && (net != -EPIPE || unpack == 0)) {
        error_move(error, &net_error);
        return error_prefix(error, net, "%s", flight->label);
    }
    if (unpack < 0)
        error_move(error, &unpack_error);
    return unpack;
}

static int finish(Fetch *fetch, Error *error)
{
    Flight *flight = &fetch->flights[fetch->finished++ % PARALLEL_MAX];
    const Descriptor *descriptor = &fetch->manifest->items[flight->at];
    StoreLayer *layer = &fetch->layers.items[flight->at];
    StreamResult stream = {};
    StoreNewLayer made = {.blob_name = flight->blob_name, .tree_name = flight->request.tree_name};
    int r = await(fetch, flight, &stream, error);

    unpack_job_free(TAKE_PTR(flight->job));
    if (r < 0)
        return r;
    if (stream.blob_bytes != descriptor->size_bytes)
        return error_set(error, -EBADMSG, "%s: it has %llu bytes instead of %llu", flight->label,
                         (unsigned long long) stream.blob_bytes, (unsigned long long) descriptor->size_bytes);
    *layer = (StoreLayer){.diff_id = fetch->config->diff_ids[flight->at],
                          .blob = stream.blob,
                          .blob_bytes = stream.blob_bytes,
                          .unpacked_bytes = fetch->infos[flight->at].unpacked_bytes};
    made.diff_id = layer->diff_id;
    made.blob = layer->blob;
    made.info = fetch->infos[flight->at];
    return store_publish_layer(fetch->context->addition, &made, error);
}

/* --- all of them --- */

static int fetch_missing(Fetch *fetch, Error *error)
{
    size_t same;
    int r = 0;

    for (size_t i = 0; i < fetch->layers.count && r == 0; i++) {
        if (find_same(fetch, i, &same))
            continue;
        if (is_here(fetch, i)) {
            log_info("layer %zu of %zu (%.12s): already there", i + 1, fetch->layers.count,
                     fetch->manifest->items[i].digest.hex);
            continue;
        }
        if (fetch->begun - fetch->finished == PARALLEL_MAX)
            r = finish(fetch, error);
        if (r == 0)
            r = begin(fetch, i, error);
    }
    while (r == 0 && fetch->finished < fetch->begun)
        r = finish(fetch, error);
    return r;
}

static void describe(Fetch *fetch)
{
    for (size_t i = 0; i < fetch->layers.count; i++) {
        size_t same;

        if (find_same(fetch, i, &same)) {
            fetch->layers.items[i] = fetch->layers.items[same];
            fetch->infos[i] = fetch->infos[same];
        }
        fetch->layers.hides[i] = fetch->infos[i].hides_lower;
        if (fetch->infos[i].root.is_set || fetch->layers.hides[i])
            fetch->layers.root = fetch->infos[i].root;
    }
}

int fetch_layers(const FetchContext *context, const ImageDocument *manifest, const ImageConfig *config,
                 FetchedLayers *ret, Error *error)
{
    size_t count = manifest->items_count;
    _cleanup_(fetch_done) Fetch fetch = {
        .context = context,
        .manifest = manifest,
        .config = config,
        .limits = layer_default_limits,
        .layers = {.items = calloc(count + 1, sizeof(StoreLayer)),
                   .hides = calloc(count + 1, sizeof(bool)),
                   .count = count},
        .infos = calloc(count + 1, sizeof(LayerInfo)),
    };
    int r;

    if (!fetch.layers.items || !fetch.layers.hides || !fetch.infos)
        return -ENOMEM;
    if (context->has_no_size_limit)
        fetch.limits.inflate = (InflateLimits){};
    r = store_list_images(context->store, &fetch.known, NULL, error);
    if (r == 0)
        r = fetch_missing(&fetch, error);
    if (r < 0)
        return r;
    describe(&fetch);
    *ret = fetch.layers;
    fetch.layers = (FetchedLayers){};
    return 0;
}
