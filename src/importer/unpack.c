/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/unpack.h"

#include "base/buffer.h"
#include "base/log.h"
#include "kernel/beneath.h"
#include "tree/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define PIPE_BYTES (1 << 20)
#define EMPTY_DIR  "empty" /* all that the hashing child sees */

#define BIT(capability) (UINT64_C(1) << (capability))
#define UNPACK_CAPABILITIES                                                                                            \
    (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))

enum { MESSAGE_STREAM, MESSAGE_UNPACK, MESSAGE_OPAQUE, MESSAGE_WARNING };

/* What the children said. */
typedef struct Answers {
    const UnpackRequest *request;
    StreamResult stream;
    UnpackResult unpack;
    bool has_stream, has_unpack;
    Buffer opaques; /* NUL-terminated paths */
} Answers;

static void answers_done(Answers *answers)
{
    buffer_done(&answers->opaques);
}

/* --- in the children --- */

static int run_stream(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const UnpackRequest *request = job->argument;
    StreamResult result = {};
    int r = layer_stream(job->input_fd, job->output_fd, request->limits, &result, error);

    return r < 0 ? r : worker_send(worker, MESSAGE_STREAM, &result, sizeof(result));
}

static int send_opaque(const char *path, void *userdata)
{
    return worker_send(userdata, MESSAGE_OPAQUE, path, strlen(path));
}

static int send_warning(const char *text, void *userdata)
{
    return worker_send(userdata, MESSAGE_WARNING, text, strnlen(text, 1024));
}

static int run_unpack(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const UnpackRequest *request = job->argument;
    const LayerEvents events = {send_opaque, send_warning, worker};
    UnpackResult result = {};
    int r = layer_unpack(job->input_fd, root_fd, request->limits, &events, &result, error);

    return r < 0 ? r : worker_send(worker, MESSAGE_UNPACK, &result, sizeof(result));
}

/* --- in the parent --- */

static int take_struct(void *to, size_t to_size, const char *data, size_t size, bool *has)
{
    if (size != to_size || *has)
        return -EPROTO;
    memcpy(to, data, size);
    *has = true;
    return 0;
}

static int receive_stream(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    Answers *answers = userdata;
    StreamResult *stream = &answers->stream;
    Digest checked;
    int r = kind == MESSAGE_STREAM ? take_struct(stream, sizeof(*stream), data, size, &answers->has_stream) : -EPROTO;

    if (r < 0)
        return r;
    stream->blob.hex[DIGEST_HEX_SIZE] = stream->diff_id.hex[DIGEST_HEX_SIZE] = 0;
    return digest_parse_hex(stream->blob.hex, &checked) < 0 || digest_parse_hex(stream->diff_id.hex, &checked) < 0
               ? -EPROTO
               : 0;
}

static int receive_unpack(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    Answers *answers = userdata;

    switch (kind) {
    case MESSAGE_UNPACK:
        return take_struct(&answers->unpack, sizeof(answers->unpack), data, size, &answers->has_unpack);
    case MESSAGE_OPAQUE:
        buffer_append(&answers->opaques, data, strlen(data) + 1);
        return answers->opaques.failed;
    case MESSAGE_WARNING:
        log_warning("%s: %s", answers->request->label, data);
        return 0;
    default:
        return -EPROTO;
    }
}

/* The child that knew these names is gone: nothing changes below the tree any more. */
static int mark_opaque(int tree_fd, const Buffer *opaques, Error *error)
{
    for (size_t at = 0; at < opaques->size; at += strlen(opaques->data + at) + 1) {
        const char *path = opaques->data + at;
        _cleanup_close_ int fd = beneath_open(tree_fd, path, O_RDONLY | O_DIRECTORY);

        if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
            return error_set(error, fd < 0 ? fd : -errno, "marking '%s' as opaque: %s", path,
                             strerror(fd < 0 ? -fd : errno));
    }
    return 0;
}

static int judge_digests(const UnpackRequest *request, const StreamResult *stream, Error *error)
{
    const Digest *is = &stream->blob, *wanted = &request->blob;
    const char *what = "digest";

    if (!digest_is_set(wanted) || digest_equal(is, wanted)) {
        is = &stream->diff_id;
        wanted = &request->diff_id;
        what = "DiffID (the digest when inflated)";
    }
    if (digest_equal(is, wanted) || !digest_is_set(wanted))
        return 0;
    return error_hint(
        error, error_set(error, -EBADMSG, "its %s is sha256:%s instead of sha256:%s", what, is->hex, wanted->hex),
        "the image was changed or damaged; make or download it again");
}

static int open_directory(int work_fd, const char *name, mode_t mode, int *ret_fd, Error *error)
{
    int fd;

    if (mkdirat(work_fd, name, mode) < 0 && errno != EEXIST)
        return error_set(error, -errno, "making a temporary directory: %m");
    fd = openat(work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, mode) < 0) {
        int r = error_set(error, -errno, "opening a temporary directory: %m");

        safe_close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* Each sees the other's failure as its own: no more data, or nobody who wants it. The hashing child knows why
 * data ended, the unpacking one why it stopped to read. */
static int judge_failures(int stream, Error *stream_error, int unpack, Error *unpack_error, Error *error)
{
    if (stream < 0 && stream != -EPIPE) {
        error_move(error, stream_error);
        return stream;
    }
    if (unpack < 0) {
        error_move(error, unpack_error);
        return unpack;
    }
    if (stream < 0)
        error_move(error, stream_error);
    return stream;
}

static int run_children(const UnpackRequest *request, int blob_fd, int empty_fd, int tree_fd, Answers *answers,
                        Error *error)
{
    _cleanup_worker_process_ WorkerProcess streamer = WORKER_PROCESS_NONE, unpacker = WORKER_PROCESS_NONE;
    _cleanup_error_ Error stream_error = {}, unpack_error = {};
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int fds[2], stream = 0, unpack = 0;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(error, -errno, "making a pipe: %m");
    read_fd = fds[0];
    write_fd = fds[1];
    (void) fcntl(write_fd, F_SETPIPE_SZ, PIPE_BYTES);
    const WorkerJob stream_job = {.name = "inflate the layer",
                                  .root_fd = empty_fd,
                                  .input_fd = blob_fd,
                                  .output_fd = tree_fd >= 0 ? write_fd : -EBADF,
                                  .run = run_stream,
                                  .argument = request,
                                  .receive = receive_stream,
                                  .userdata = answers};
    const WorkerJob unpack_job = {.name = "unpack the layer",
                                  .root_fd = tree_fd,
                                  .input_fd = read_fd,
                                  .output_fd = -EBADF,
                                  .capabilities = UNPACK_CAPABILITIES,
                                  .run = run_unpack,
                                  .argument = request,
                                  .receive = receive_unpack,
                                  .userdata = answers};

    stream = worker_start(&stream_job, &streamer, error);
    if (stream == 0 && tree_fd >= 0)
        unpack = worker_start(&unpack_job, &unpacker, error);
    if (stream < 0 || unpack < 0)
        return MIN(stream, unpack);
    read_fd = safe_close(read_fd);
    write_fd = safe_close(write_fd);
    /* In this order: the hashing child says little enough for its pipe to hold. */
    if (tree_fd >= 0)
        unpack = worker_finish(&unpacker, &unpack_error);
    stream = worker_finish(&streamer, &stream_error);
    return judge_failures(stream, &stream_error, unpack, &unpack_error, error);
}

static int describe_tree(int tree_fd, const UnpackResult *unpack, LayerInfo *ret, Error *error)
{
    struct stat st;

    if (fstat(tree_fd, &st) < 0)
        return error_set(error, -errno, "looking at the unpacked layer: %m");
    *ret = (LayerInfo){.unpacked_bytes = unpack->unpacked_bytes & INT64_MAX,
                       .entries = unpack->entries & INT64_MAX,
                       .hides_lower = unpack->hides_lower};
    if (unpack->has_root)
        ret->root = (StoreRoot){true, st.st_mode & 07777, st.st_uid, st.st_gid};
    return 0;
}

static int open_and_run(const UnpackRequest *request, Answers *answers, LayerInfo *info, Error *error)
{
    _cleanup_close_ int blob_fd = -EBADF, empty_fd = -EBADF, tree_fd = -EBADF;
    int r;

    blob_fd = openat(request->work_fd, request->blob_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (blob_fd < 0)
        return error_set(error, -errno, "opening the layer's copy: %m");
    r = open_directory(request->work_fd, EMPTY_DIR, 0700, &empty_fd, error);
    /* The root of a layer that says nothing about it. */
    if (r == 0 && request->tree_name)
        r = open_directory(request->work_fd, request->tree_name, 0755, &tree_fd, error);
    if (r == 0)
        r = run_children(request, blob_fd, empty_fd, tree_fd, answers, error);
    if (r == 0 && (!answers->has_stream || (request->tree_name && !answers->has_unpack)))
        r = error_set(error, -EPROTO, "the confined processes did not answer");
    if (r == 0)
        r = judge_digests(request, &answers->stream, error);
    if (r == 0 && tree_fd >= 0)
        r = mark_opaque(tree_fd, &answers->opaques, error);
    if (r == 0 && tree_fd >= 0)
        r = describe_tree(tree_fd, &answers->unpack, info, error);
    return r;
}

int unpack_layer(const UnpackRequest *request, StreamResult *ret_stream, LayerInfo *ret_info, Error *error)
{
    _cleanup_(answers_done) Answers answers = {.request = request};
    int r = open_and_run(request, &answers, ret_info, error);

    if (r < 0)
        return error_prefix(error, r, "%s", request->label);
    if (answers.unpack.skipped_xattrs > 0)
        log_warning("%s: %llu extended attributes were left out, because the file system does not take them",
                    request->label, (unsigned long long) answers.unpack.skipped_xattrs);
    *ret_stream = answers.stream;
    return 0;
}
