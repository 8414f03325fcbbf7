/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/worker.h"

#include "base/file.h"
#include "kernel/confine.h"
#include "kernel/mount.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define OPEN_FILES_MAX     4096 /* a fd for each directory on the way down */
#define MEMORY_MAX_BYTES   (UINT64_C(1) << 30)
#define MESSAGES_MAX_BYTES (UINT64_C(256) << 20) /* of one job */

enum { KIND_DONE = 16, KIND_ERROR };

typedef struct MessageHeader {
    uint32_t kind, size;
} MessageHeader;

struct Worker {
    int fd;
};

int worker_send(Worker *worker, unsigned kind, const void *data, size_t size)
{
    MessageHeader header = {kind, (uint32_t) size};
    char message[sizeof(header) + WORKER_MESSAGE_MAX];

    if (size > WORKER_MESSAGE_MAX)
        return -EMSGSIZE;
    memcpy(message, &header, sizeof(header));
    if (size > 0)
        memcpy(message + sizeof(header), data, size);
    return file_write_all(worker->fd, message, sizeof(header) + size);
}

/* CODE, text, NUL, hint, NUL. */
static void send_error(Worker *worker, int code, const Error *error)
{
    const char *text = error->text ? error->text : strerror(-code), *hint = error->hint ? error->hint : "";
    char message[WORKER_MESSAGE_MAX] = {};
    size_t size = sizeof(code);

    memcpy(message, &code, sizeof(code));
    strncpy(message + size, text, sizeof(message) / 2);
    size += strlen(message + size) + 1;
    strncpy(message + size, hint, sizeof(message) - size - 1);
    size += strlen(message + size) + 1;
    (void) worker_send(worker, KIND_ERROR, message, size);
}

static int enter_and_run(Worker *worker, const WorkerJob *job, int root_mount_fd, Error *error)
{
    ConfineSpec spec = {
        .root_mount_fd = root_mount_fd,
        .capabilities = job->capabilities,
        .fds = {worker->fd},
        .fds_count = 1,
        .memory_max_bytes = MEMORY_MAX_BYTES,
        .open_files_max = OPEN_FILES_MAX,
    };
    const int kept[] = {job->input_fd,    job->output_fd,   job->copy_fd,
                        job->tree_fds[0], job->tree_fds[1], job->tree_fds[2]};
    const char *step = NULL;
    int root_fd, r;

    for (size_t i = 0; i < ELEMENTSOF(kept); i++)
        if (kept[i] > 2)
            spec.fds[spec.fds_count++] = kept[i];
    r = confine_enter(&spec, &step);
    if (r < 0)
        return error_set(error, r, "confining the process that is to %s, while %s: %s", job->name, step, strerror(-r));
    root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return -errno;
    return job->run(worker, job, root_fd, error);
}

static _Noreturn void child_main(const WorkerJob *job, int pipe_fd, int root_mount_fd)
{
    Worker worker = {pipe_fd};
    Error error = {};
    int r;

    (void) signal(SIGXFSZ, SIG_IGN);
    (void) signal(SIGPIPE, SIG_IGN);
    r = enter_and_run(&worker, job, root_mount_fd, &error);
    if (r < 0)
        send_error(&worker, r, &error);
    else
        r = worker_send(&worker, KIND_DONE, NULL, 0);
    /* Not exit(): what the parent registered is not ours. */
    _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int take_error(const char *data, size_t size, Error *error)
{
    int code = -EIO;
    const char *hint;

    if (size < sizeof(code) + 2)
        return -EIO;
    memcpy(&code, data, sizeof(code));
    data += sizeof(code);
    hint = data + strlen(data) + 1;
    code = code < 0 && code > -4096 ? code : -EIO;
    error_set(error, code, "%s", data);
    if (hint < data + size - sizeof(code) && *hint)
        error_hint(error, code, "%s", hint);
    return code;
}

/* 1 for the last message, 0 for others. */
static int handle_message(const WorkerJob *job, const MessageHeader *header, const char *data, Error *error)
{
    int r;

    switch (header->kind) {
    case KIND_DONE:
        return 1;
    case KIND_ERROR:
        return take_error(data, header->size, error);
    default:
        r = job->receive == NULL ? -EPROTO : job->receive(header->kind, data, header->size, job->userdata, error);
        return r > 0 ? -EPROTO : r;
    }
}

/* 1 when the child said that it is done, 0 when it only went away. */
static int receive_all(const WorkerJob *job, int fd, Error *error)
{
    char data[WORKER_MESSAGE_MAX + 1];
    uint64_t total = 0;
    int r = 0;

    while (r == 0) {
        MessageHeader header;
        ssize_t n = file_read_all(fd, &header, sizeof(header));

        if (n < (ssize_t) sizeof(header))
            return n < 0 ? (int) n : 0;
        total += sizeof(header) + header.size;
        if (header.size > WORKER_MESSAGE_MAX || total > MESSAGES_MAX_BYTES)
            return error_set(error, -EPROTO, "the process that is to %s sends too much", job->name);
        n = file_read_all(fd, data, header.size);
        if (n < (ssize_t) header.size)
            return n < 0 ? (int) n : 0;
        data[header.size] = 0;
        r = handle_message(job, &header, data, error);
    }
    return r;
}

void worker_process_done(WorkerProcess *process)
{
    bool is_signaled;
    int code;

    if (process->pidfd >= 0) {
        (void) process_send_signal(process->pidfd, SIGKILL);
        (void) process_wait(process->pidfd, &code, &is_signaled);
    }
    process->pidfd = safe_close(process->pidfd);
    process->pipe_fd = safe_close(process->pipe_fd);
}

int worker_finish(WorkerProcess *process, Error *error)
{
    const char *name = process->job->name;
    int code = 0, result = receive_all(process->job, process->pipe_fd, error), r;
    bool is_signaled = false;

    if (result < 0)
        (void) process_send_signal(process->pidfd, SIGKILL);
    r = process_wait(process->pidfd, &code, &is_signaled);
    process->pidfd = safe_close(process->pidfd);
    if (result != 0)
        return MIN(result, 0);
    if (r < 0)
        return error_prefix(error, r, "waiting for the process that is to %s", name);
    return error_set(error, -EIO, "the process that is to %s ended before it was done (%s %d)", name,
                     is_signaled ? "signal" : "exit code", code);
}

static int make_empty_root(void)
{
    return mount_create("tmpfs", NULL, (char *[]){(char *) "size=4k", (char *) "nr_inodes=1", NULL},
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
}

int worker_start(const WorkerJob *job, WorkerProcess *ret, Error *error)
{
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF, root_mount_fd = -EBADF;
    int fds[2], pidfd = -EBADF;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(error, -errno, "making a pipe: %m");
    read_fd = fds[0];
    write_fd = fds[1];
    root_mount_fd = job->root_fd >= 0 ? mount_clone(job->root_fd, "", false) : make_empty_root();
    pid = root_mount_fd < 0 ? root_mount_fd : confine_start(&pidfd);
    if (pid < 0)
        return error_hint(
            error, error_set(error, pid, "making the confined process that is to %s: %s", job->name, strerror(-pid)),
            "this needs root's privileges, CAP_SYS_ADMIN among them");
    if (pid == 0)
        child_main(job, write_fd, root_mount_fd);
    *ret = (WorkerProcess){job, pidfd, TAKE_FD(read_fd)};
    return 0;
}

int worker_run(const WorkerJob *job, Error *error)
{
    _cleanup_worker_process_ WorkerProcess process = WORKER_PROCESS_NONE;
    int r = worker_start(job, &process, error);

    return r < 0 ? r : worker_finish(&process, error);
}
