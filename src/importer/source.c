/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/source.h"

#include "base/file.h"
#include "base/text.h"
#include "importer/member.h"
#include "importer/spool.h"
#include "kernel/beneath.h"
#include "tree/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define SPOOL_DIR      "archive"
#define LINKS_MAX      16U
#define COPY_CHUNK     (1U << 20)
#define COPY_MAX_BYTES (UINT64_C(1) << 40)

typedef struct Member {
    char *path;
    char *target; /* of a link; NULL for a file */
    unsigned number;
} Member;

struct Source {
    char *name;
    int dir_fd;  /* a directory's; -EBADF for an archive */
    int work_fd; /* borrowed */
    Member *members;
    size_t members_count;
    bool is_spooled;
};

void source_free(Source *source)
{
    if (!source)
        return;
    if (source->is_spooled)
        (void) file_remove_tree_at(source->work_fd, SPOOL_DIR);
    for (size_t i = 0; i < source->members_count; i++) {
        free(source->members[i].path);
        free(source->members[i].target);
    }
    free(source->members);
    safe_close(source->dir_fd);
    free(source->name);
    free(source);
}

const char *source_name(const Source *source)
{
    return source->name;
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const Member *) a)->path, ((const Member *) b)->path);
}

static const Member *find_member(const Source *source, const char *path)
{
    const Member wanted = {.path = (char *) (uintptr_t) path};

    return source->members_count == 0
               ? NULL
               : bsearch(&wanted, source->members, source->members_count, sizeof(*source->members), compare_members);
}

/* Once, when all members are known. */
static int sort_members(Source *source, Error *error)
{
    if (source->members_count > 0)
        qsort(source->members, source->members_count, sizeof(*source->members), compare_members);
    for (size_t i = 1; i < source->members_count; i++)
        if (compare_members(&source->members[i - 1], &source->members[i]) == 0)
            return error_hint(
                error, error_set(error, -EINVAL, "the archive has two members named '%s'", source->members[i].path),
                "which one counts is unclear; make the archive again");
    return 0;
}

/* --- archive: the child's side --- */

typedef struct SpoolMessage {
    unsigned kind, number;
} SpoolMessage;

/* SpoolMessage, path, NUL, target. */
static int send_member(SpoolKind kind, unsigned number, const char *path, const char *target, void *userdata)
{
    const SpoolMessage head = {kind, number};
    size_t path_size = strlen(path) + 1, target_size = strlen(target) + 1;
    char message[WORKER_MESSAGE_MAX];

    if (sizeof(head) + path_size + target_size > sizeof(message))
        return -ENAMETOOLONG;
    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), path, path_size);
    memcpy(message + sizeof(head) + path_size, target, target_size);
    return worker_send(userdata, 0, message, sizeof(head) + path_size + target_size);
}

static int run_spool(Worker *worker, const WorkerJob *job, int root_fd, Error *error)
{
    const InflateLimits *limits = job->argument;

    return spool_archive(job->input_fd, root_fd, *limits, send_member, worker, error);
}

/* --- archive: the parent's side --- */

/* The directory that holds `path`, with its slash. */
static int join_link(const char *path, const char *target, char **ret)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *joined = NULL, *normal = NULL;
    char *out;

    /* Lexically: within an archive nothing else can be meant. ".." beyond the top is an error. */
    joined = target[0] == '/' ? strdup(target + 1)
                              : text_format("%.*s%s", slash ? (int) (slash - path + 1) : 0, path, target);
    normal = joined ? calloc(1, strlen(joined) + 2) : NULL;
    if (!normal)
        return -ENOMEM;
    out = normal;
    for (const char *part = joined; *part; part += strspn(part, "/")) {
        size_t length = strcspn(part, "/");

        if (length == 2 && strncmp(part, "..", 2) == 0) {
            if (out == normal)
                return -EINVAL;
            while (out > normal && *--out != '/')
                ;
            *out = 0;
        } else if (length > 0 && !(length == 1 && part[0] == '.')) {
            if (out > normal)
                *out++ = '/';
            memcpy(out, part, length);
            out += length;
            *out = 0;
        }
        part += length;
    }
    *ret = TAKE_PTR(normal);
    return 0;
}

static int add_member(Source *source, const SpoolMessage *head, const char *path, const char *target)
{
    Member *larger = reallocarray(source->members, source->members_count + 1, sizeof(*larger));
    Member member = {.number = head->number};
    int r = 0;

    if (!larger)
        return -ENOMEM;
    source->members = larger;
    if (head->kind == SPOOL_SYMLINK)
        r = join_link(path, target, &member.target);
    else if (head->kind == SPOOL_HARDLINK)
        r = join_link("", target, &member.target);
    /* A link out of the archive is a member that cannot be read; nobody may ever ask for it. */
    if (r == -EINVAL)
        return 0;
    member.path = r == 0 ? strdup(path) : NULL;
    if (!member.path) {
        free(member.target);
        return -ENOMEM;
    }
    source->members[source->members_count++] = member;
    return 0;
}

static int receive_member(unsigned kind, const char *data, size_t size, void *userdata, Error *error)
{
    SpoolMessage head;
    const char *path = data + sizeof(head), *target;

    if (kind != 0 || size < sizeof(head) + 2)
        return -EPROTO;
    memcpy(&head, data, sizeof(head));
    target = path + strlen(path) + 1;
    if (target >= data + size || head.kind > SPOOL_HARDLINK)
        return -EPROTO;
    return add_member(userdata, &head, path, target);
}

static int spool(Source *source, int fd, InflateLimits limits, Error *error)
{
    _cleanup_close_ int spool_fd = -EBADF;
    WorkerJob job = {
        .name = "read the archive",
        .input_fd = fd,
        .output_fd = -EBADF,
        .run = run_spool,
        .argument = &limits,
        .receive = receive_member,
        .userdata = source,
    };
    int r;

    if (mkdirat(source->work_fd, SPOOL_DIR, 0700) < 0)
        return error_set(error, -errno, "making a temporary directory: %m");
    source->is_spooled = true;
    spool_fd = openat(source->work_fd, SPOOL_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (spool_fd < 0)
        return error_set(error, -errno, "opening a temporary directory: %m");
    job.root_fd = spool_fd;
    r = worker_run(&job, error);
    return r < 0 ? r : sort_members(source, error);
}

/* --- both --- */

static int open_input(Source *source, const char *path, InflateLimits limits, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat st;

    fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(error, -errno, "opening it: %m");
    if (S_ISDIR(st.st_mode)) {
        source->dir_fd = TAKE_FD(fd);
        return 0;
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
        return error_set(error, -EINVAL, "it is neither a file nor a directory nor a pipe");
    if (isatty(fd))
        return error_set(error, -EINVAL, "standard input is a terminal");
    if (fcntl(fd, F_SETFL, 0) < 0)
        return error_set(error, -errno, "opening it: %m");
    return spool(source, fd, limits, error);
}

int source_open(const char *path, int work_fd, InflateLimits limits, Source **ret, Error *error)
{
    _cleanup_source_ Source *source = calloc(1, sizeof(*source));
    int r;

    if (!source)
        return -ENOMEM;
    source->dir_fd = -EBADF;
    source->work_fd = work_fd;
    source->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (!source->name)
        return -ENOMEM;
    r = open_input(source, path, limits, error);
    if (r < 0)
        return error_prefix(error, r, "%s", source->name);
    *ret = TAKE_PTR(source);
    return 0;
}

/* The file of an archive's member, over the links that docker save makes between equal layers. */
static int open_member(const Source *source, const char *path)
{
    const Member *member = find_member(source, path);
    char name[sizeof(SPOOL_DIR) + 16];

    for (unsigned i = 0; member && member->target; i++)
        member = i < LINKS_MAX ? find_member(source, member->target) : NULL;
    if (!member)
        return -ENOENT;
    snprintf(name, sizeof(name), SPOOL_DIR "/%u", member->number);
    return openat(source->work_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_file(const Source *source, const char *name)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = member_normalise(name, &path, NULL);

    if (r < 0)
        return r;
    fd = source->dir_fd >= 0 ? beneath_open(source->dir_fd, path[0] ? path : ".", O_RDONLY | O_NONBLOCK | O_NOCTTY)
                             : open_member(source, path);
    if (fd < 0)
        return fd == -1 ? -errno : fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

static int say_file(const Source *source, const char *name, int code, Error *error)
{
    switch (code) {
    case -ENOENT:
        return error_hint(error, error_set(error, code, "%s: '%s' is missing", source->name, name),
                          "the image is incomplete; make or download it again");
    case -EFBIG:
        return error_set(error, code, "%s: '%s' is too large", source->name, name);
    case -EXDEV:
    case -EINVAL:
        return error_set(error, -EINVAL, "%s: '%s' is not a file in there", source->name, name);
    default:
        return error_set(error, code, "%s: reading '%s': %s", source->name, name, strerror(-code));
    }
}

bool source_has(Source *source, const char *name)
{
    _cleanup_close_ int fd = open_file(source, name);

    return fd >= 0;
}

int source_read(Source *source, const char *name, size_t max_bytes, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_close_ int fd = open_file(source, name);
    int r = fd < 0 ? fd : file_read_fd(fd, max_bytes, ret, ret_size);

    return r < 0 ? say_file(source, name, r, error) : 0;
}

static int copy_by_hand(int from_fd, int to_fd)
{
    _cleanup_free_ char *buffer = malloc(COPY_CHUNK);

    if (!buffer)
        return -ENOMEM;
    for (;;) {
        ssize_t n = file_read_all(from_fd, buffer, COPY_CHUNK);
        int r = n > 0 ? file_write_all(to_fd, buffer, (size_t) n) : (int) n;

        if (n <= 0 || r < 0)
            return r;
    }
}

/* A clone shares the blocks until somebody writes. */
static int copy_file(int from_fd, int to_fd)
{
    uint64_t copied = 0;

    if (ioctl(to_fd, FICLONE, from_fd) == 0)
        return 0;
    while (copied < COPY_MAX_BYTES) {
        ssize_t n = copy_file_range(from_fd, NULL, to_fd, NULL, COPY_CHUNK * 64U, 0);

        if (n == 0)
            return 0;
        if (n < 0 && copied == 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO)
            return copy_by_hand(from_fd, to_fd);
        if (n < 0)
            return -errno;
        copied += (uint64_t) n;
    }
    return -EFBIG;
}

int source_take(Source *source, const char *name, const char *as, Error *error)
{
    _cleanup_close_ int from_fd = open_file(source, name), to_fd = -EBADF;
    int r;

    if (from_fd < 0)
        return say_file(source, name, from_fd, error);
    to_fd = openat(source->work_fd, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    r = to_fd < 0 ? -errno : copy_file(from_fd, to_fd);
    return r < 0 ? error_prefix(error, r, "copying '%s' of %s", name, source->name) : 0;
}
