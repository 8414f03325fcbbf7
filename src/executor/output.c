/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/output.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#define JOURNAL_SOCKET    "/run/systemd/journal/socket"
#define JOURNAL_WAIT_MSEC 500

/* Connected, so that poll(2) tells when the journal's queue has room; anew when journald was restarted, which makes a new
 * socket under the same name. */
static int connect_journal(Output *output)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};

    return connect(output->journal_fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

void output_init(Output *output, Context *context, const StepSupervise *step)
{
    output->step = step;
    output->journal_fd = -EBADF;
    output->file_fd = step->log == STEP_LOG_FILE ? context_fd(context, step->log_fd) : -EBADF;
    output->streams[0].number = 1;
    output->streams[1].number = 2;
    if (step->log == STEP_LOG_JOURNAL)
        output->journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void) connect_journal(output);
}

/* systemd.io/JOURNAL_NATIVE_PROTOCOL: a field is NAME=VALUE\n, or NAME\n, the length as 64-bit little endian, the
 * bytes and \n: that form takes newlines and binary bytes. */
static size_t add_field(char *buffer, size_t size, size_t at, const char *name, const char *value)
{
    int n;

    if (!value || strchr(value, '\n'))
        return at;
    n = snprintf(buffer + at, size - at, "%s=%s\n", name, value);
    return n > 0 && (size_t) n < size - at ? at + (size_t) n : at;
}

/* Too large for a datagram: the same bytes in a sealed memfd. */
static int send_by_memfd(int fd, const struct iovec *parts, size_t count)
{
    _cleanup_close_ int memfd = memfd_create("journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {};
    struct msghdr message = {
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    if (memfd < 0)
        return -errno;
    for (size_t i = 0; i < count; i++)
        if (file_write_all(memfd, parts[i].iov_base, parts[i].iov_len) < 0)
            return -EIO;
    if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &memfd, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int try_send(Output *output, struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};

    if (sendmsg(output->journal_fd, &message, MSG_NOSIGNAL) >= 0)
        return 0;
    if (errno == EMSGSIZE || errno == ENOBUFS)
        return send_by_memfd(output->journal_fd, parts, count);
    return -errno;
}

/* The queue of the journal's socket is short (net.unix.max_dgram_qlen): a burst fills it, and a moment later there is
 * room again. Only once a wait has run out are lines dropped without one. */
static int send_parts(Output *output, struct iovec *parts, size_t count)
{
    struct pollfd poll_one = {output->journal_fd, POLLOUT, 0};
    int r = try_send(output, parts, count);

    if ((r == -ECONNREFUSED || r == -ENOTCONN || r == -ECONNRESET) && connect_journal(output) == 0)
        r = try_send(output, parts, count);
    if (r == -EAGAIN && !output->is_stalled && poll(&poll_one, 1, JOURNAL_WAIT_MSEC) > 0)
        r = try_send(output, parts, count);
    output->is_stalled = r == -EAGAIN;
    return r;
}

static int send_to_journal(Output *output, int stream, const char *line, size_t length, bool is_partial)
{
    const StepSupervise *step = output->step;
    char head[2048 + 8], short_id[13] = "";
    uint64_t le_length = htole64(length);
    size_t at = 0;
    struct iovec parts[4];

    snprintf(short_id, sizeof(short_id), "%s", step->id ? step->id : "");
    at = add_field(head, sizeof(head) - 8, at, "PRIORITY", stream == 2 ? "3" : "6");
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_STREAM", stream == 2 ? "stderr" : "stdout");
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_NAME", step->name);
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_ID", short_id);
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_ID_FULL", step->id);
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_TAG", step->tag);
    at = add_field(head, sizeof(head) - 8, at, "SYSLOG_IDENTIFIER", step->tag);
    at = add_field(head, sizeof(head) - 8, at, "IMAGE_NAME", step->image);
    at = add_field(head, sizeof(head) - 8, at, "CONTAINER_PARTIAL_MESSAGE", is_partial ? "true" : NULL);
    memcpy(head + at, "MESSAGE\n", 8);
    parts[0] = (struct iovec){head, at + 8};
    parts[1] = (struct iovec){&le_length, sizeof(le_length)};
    parts[2] = (struct iovec){(void *) (uintptr_t) line, length};
    parts[3] = (struct iovec){(void *) (uintptr_t) "\n", 1};

    return send_parts(output, parts, ELEMENTSOF(parts));
}

/* The form of Kubernetes' container logs: TIME STREAM F|P MESSAGE, P for a part of a line. */
static int append_to_file(Output *output, int stream, const char *line, size_t length, bool is_partial)
{
    char head[64];
    struct timespec now;
    struct tm utc;
    struct iovec parts[3];
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t) snprintf(head + n, sizeof(head) - n, ".%09ldZ %s %c ", now.tv_nsec, stream == 2 ? "stderr" : "stdout",
                           is_partial ? 'P' : 'F');
    parts[0] = (struct iovec){head, n};
    parts[1] = (struct iovec){(void *) (uintptr_t) line, length};
    parts[2] = (struct iovec){(void *) (uintptr_t) "\n", 1};
    return writev(output->file_fd, parts, 3) < 0 ? -errno : 0;
}

static void emit(Output *output, OutputStream *stream, const char *line, size_t length, bool is_partial)
{
    int r = 0;

    if (output->journal_fd >= 0)
        r = send_to_journal(output, stream->number, line, length, is_partial);
    else if (output->file_fd >= 0)
        r = append_to_file(output, stream->number, line, length, is_partial);
    if (r < 0)
        output->dropped++;
    stream->continues = is_partial;
}

void output_write(Output *output, int number, const char *data, size_t size)
{
    OutputStream *stream = &output->streams[number - 1];

    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t) (newline - data) : size;
        size_t take = MIN(length, sizeof(stream->line) - stream->length);

        memcpy(stream->line + stream->length, data, take);
        stream->length += take;
        data += take;
        size -= take;
        if (size > 0 && *data == '\n') {
            emit(output, stream, stream->line, stream->length, false);
            data++;
            size--;
        } else if (stream->length == sizeof(stream->line))
            emit(output, stream, stream->line, stream->length, true);
        else
            break;
        stream->length = 0;
    }
}

void output_flush(Output *output)
{
    for (size_t i = 0; i < ELEMENTSOF(output->streams); i++) {
        OutputStream *stream = &output->streams[i];

        /* A line whose earlier parts are out is ended, be its last part empty. */
        if (stream->length > 0 || stream->continues)
            emit(output, stream, stream->line, stream->length, false);
        stream->length = 0;
    }
}
