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
    int r = layer_stream(job->input_fd, job->output_fd, job->copy_fd, request->limits, &result, error);

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

struct UnpackJob {
    const UnpackRequest *request;
    Answers answers;
    int blob_fd, empty_fd, tree_fd;
    WorkerJob stream_job, unpack_job;
    WorkerProcess streamer, unpacker;
};

void unpack_job_free(UnpackJob *job)
{
    if (!job)
        return;
    worker_process_done(&job->streamer);
    worker_process_done(&job->unpacker);
    answers_done(&job->answers);
    safe_close(job->blob_fd);
    safe_close(job->empty_fd);
    safe_close(job->tree_fd);
    free(job);
}

static int start_children(UnpackJob *job, Error *error)
{
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    bool has_tree = job->tree_fd >= 0, is_fed = job->request->input_fd > 0;
    int fds[2], r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(error, -errno, "making a pipe: %m");
    read_fd = fds[0];
    write_fd = fds[1];
    (void) fcntl(write_fd, F_SETPIPE_SZ, PIPE_BYTES);
    job->stream_job = (WorkerJob){.name = "inflate the layer",
                                  .root_fd = job->empty_fd,
                                  .input_fd = is_fed ? job->request->input_fd : job->blob_fd,
                                  .output_fd = has_tree ? write_fd : -EBADF,
                                  .copy_fd = is_fed ? job->blob_fd : -EBADF,
                                  .run = run_stream,
                                  .argument = job->request,
                                  .receive = receive_stream,
                                  .userdata = &job->answers};
    job->unpack_job = (WorkerJob){.name = "unpack the layer",
                                  .root_fd = job->tree_fd,
                                  .input_fd = read_fd,
                                  .output_fd = -EBADF,
                                  .capabilities = UNPACK_CAPABILITIES,
                                  .run = run_unpack,
                                  .argument = job->request,
                                  .receive = receive_unpack,
                                  .userdata = &job->answers};
    r = worker_start(&job->stream_job, &job->streamer, error);
    return r == 0 && has_tree ? worker_start(&job->unpack_job, &job->unpacker, error) : r;
}

static int finish_children(UnpackJob *job, Error *error)
{
    _cleanup_error_ Error stream_error = {}, unpack_error = {};
    int stream, unpack = 0;

    /* In this order: the hashing child says little enough for its pipe to hold. */
    if (job->tree_fd >= 0)
        unpack = worker_finish(&job->unpacker, &unpack_error);
    stream = worker_finish(&job->streamer, &stream_error);
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

static int open_files(UnpackJob *job, Error *error)
{
    const UnpackRequest *request = job->request;
    int flags = request->input_fd > 0 ? O_WRONLY | O_CREAT | O_EXCL : O_RDONLY, r;

    job->blob_fd = openat(request->work_fd, request->blob_name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (job->blob_fd < 0)
        return error_set(error, -errno, "opening the layer's copy: %m");
    r = open_directory(request->work_fd, EMPTY_DIR, 0700, &job->empty_fd, error);
    /* The root of a layer that says nothing about it. */
    if (r == 0 && request->tree_name)
        r = open_directory(request->work_fd, request->tree_name, 0755, &job->tree_fd, error);
    return r;
}

int unpack_start(const UnpackRequest *request, UnpackJob **ret, Error *error)
{
    _cleanup_unpack_job_ UnpackJob *job = calloc(1, sizeof(*job));
    int r;

    if (!job)
        return -ENOMEM;
    *job = (UnpackJob){.request = request,
                       .answers.request = request,
                       .blob_fd = -EBADF,
                       .empty_fd = -EBADF,
                       .tree_fd = -EBADF,
                       .streamer = WORKER_PROCESS_NONE,
                       .unpacker = WORKER_PROCESS_NONE};
    r = open_files(job, error);
    if (r == 0)
        r = start_children(job, error);
    if (r < 0)
        return error_prefix(error, r, "%s", request->label);
    *ret = TAKE_PTR(job);
    return 0;
}

static int finish(UnpackJob *job, LayerInfo *info, Error *error)
{
    const UnpackRequest *request = job->request;
    int r = finish_children(job, error);

    if (r == 0 && (!job->answers.has_stream || (request->tree_name && !job->answers.has_unpack)))
        r = error_set(error, -EPROTO, "the confined processes did not answer");
    if (r == 0)
        r = judge_digests(request, &job->answers.stream, error);
    if (r == 0 && job->tree_fd >= 0)
        r = mark_opaque(job->tree_fd, &job->answers.opaques, error);
    if (r == 0 && job->tree_fd >= 0)
        r = describe_tree(job->tree_fd, &job->answers.unpack, info, error);
    return r;
}

int unpack_finish(UnpackJob *job, StreamResult *ret_stream, LayerInfo *ret_info, Error *error)
{
    const char *label = job->request->label;
    int r = finish(job, ret_info, error);

    if (r < 0)
        return error_prefix(error, r, "%s", label);
    if (job->answers.unpack.skipped_xattrs > 0)
        log_warning("%s: %llu extended attributes were left out, because the file system does not take them", label,
                    (unsigned long long) job->answers.unpack.skipped_xattrs);
    *ret_stream = job->answers.stream;
    return 0;
}

int unpack_layer(const UnpackRequest *request, StreamResult *ret_stream, LayerInfo *ret_info, Error *error)
{
    _cleanup_unpack_job_ UnpackJob *job = NULL;
    int r = unpack_start(request, &job, error);

    return r < 0 ? r : unpack_finish(job, ret_stream, ret_info, error);
}
