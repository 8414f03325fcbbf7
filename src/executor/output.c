/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/output.h"

#include "base/cleanup.h"
#include "kernel/journal-send.h"
#include "proto/events.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define JOURNAL_WAIT_MSEC 500
#define PRIORITY_DEFAULT  6 /* informational, of both streams: that it went to stderr makes no line an error */

/* What every entry says of the container. */
static int make_head(Output *output)
{
    const StepSupervise *step = output->step;
    char short_id[13] = "";
    const char *const fields[][2] = {
        {"CONTAINER_NAME", step->name},
        {"CONTAINER_ID", short_id},
        {"CONTAINER_ID_FULL", step->id},
        {"CONTAINER_TAG", step->tag},
        {"SYSLOG_IDENTIFIER", step->tag},
        {"IMAGE_NAME", step->image},
        /* journald finds the unit of a sender by its pid, so not that of one that is gone when the entry is read.
         * journalctl -u looks at this field too, when the sender was root (systemd.journal-fields(7)). */
        {"OBJECT_SYSTEMD_UNIT", step->unit},
    };
    size_t room = 1;

    snprintf(short_id, sizeof(short_id), "%s", step->id ? step->id : "");
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        room += strlen(fields[i][0]) + (fields[i][1] ? strlen(fields[i][1]) : 0) + 2;
    for (size_t i = 0; step->log_fields && step->log_fields[i]; i++)
        room += strlen(step->log_fields[i]) + 1;
    output->head = malloc(room);
    if (!output->head)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        output->head_size = journal_add_field(output->head, room, output->head_size, fields[i][0], fields[i][1]);
    for (size_t i = 0; step->log_fields && step->log_fields[i]; i++)
        output->head_size +=
            (size_t) snprintf(output->head + output->head_size, room - output->head_size, "%s\n", step->log_fields[i]);
    return 0;
}

int output_init(Output *output, Context *context, const StepSupervise *step)
{
    struct stat st;

    output->step = step;
    output->journal_fd = -EBADF;
    output->file = (LogFile){
        .fd = step->log == STEP_LOG_FILE ? context_fd(context, step->log_fd) : -EBADF,
        .directory_fd = context_fd(context, step->run_fd),
        .name = step->name,
        .max_bytes = step->log_max_bytes,
        .max_files = (unsigned) step->log_max_files,
    };
    if (output->file.fd >= 0 && fstat(output->file.fd, &st) == 0)
        output->file.size_bytes = (uint64_t) st.st_size;
    if (step->log != STEP_LOG_JOURNAL)
        return 0;
    output->journal_fd = journal_open();
    return make_head(output);
}

/* The queue of the journal's socket is short (net.unix.max_dgram_qlen): a burst fills it, and a moment later there is
 * room again. Only once a wait has run out are lines dropped without one. */
static int send_parts(Output *output, const struct iovec *parts, size_t count)
{
    struct pollfd poll_one = {output->journal_fd, POLLOUT, 0};
    int r = journal_send(output->journal_fd, parts, count);

    if (r == -EAGAIN && !output->is_stalled && poll(&poll_one, 1, JOURNAL_WAIT_MSEC) > 0)
        r = journal_send(output->journal_fd, parts, count);
    output->is_stalled = r == -EAGAIN;
    return r;
}

/* A field is NAME=VALUE\n, or NAME\n, the length as 64-bit little endian, the bytes and \n: that form takes newlines and
 * binary bytes. */
static int send_line(Output *output, int stream, const Line *line)
{
    uint64_t le_length = htole64(line->size);
    char fields[128];
    int n = snprintf(fields, sizeof(fields), "PRIORITY=%d\nCONTAINER_STREAM=%s\n%sMESSAGE\n",
                     line->priority < 0 ? PRIORITY_DEFAULT : line->priority, stream == 2 ? "stderr" : "stdout",
                     line->is_partial ? "CONTAINER_PARTIAL_MESSAGE=true\n" : "");
    const struct iovec parts[] = {
        {output->head, output->head_size}, {fields, (size_t) n},
        {&le_length, sizeof(le_length)},   {(void *) (uintptr_t) line->text, line->size},
        {(void *) (uintptr_t) "\n", 1},
    };

    return send_parts(output, parts, ELEMENTSOF(parts));
}

/* Of the form of Kubernetes' container logs: TIME STREAM TAGS TEXT. The first tag is F, or P for a part of a line; the
 * line's priority, where it has one, is another behind a colon. */
static int append_record(Output *output, const char *stream, const char *tags, const char *text, size_t size)
{
    char head[80];
    struct timespec now;
    struct tm utc;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t) snprintf(head + n, sizeof(head) - n, ".%09ldZ %s %s ", now.tv_nsec, stream, tags);

    const struct iovec parts[] = {
        {head, n},
        {(void *) (uintptr_t) text, size},
        {(void *) (uintptr_t) "\n", 1},
    };
    return log_file_append(&output->file, parts, ELEMENTSOF(parts));
}

static int append_line(Output *output, int stream, const Line *line)
{
    char tags[] = {line->is_partial ? 'P' : 'F', line->priority < 0 ? 0 : ':', (char) ('0' + line->priority), 0};

    return append_record(output, stream == 2 ? "stderr" : "stdout", tags, line->text, line->size);
}

/* Says in the log itself, at the place where they would be, how many lines are not there. */
static int report_dropped(Output *output)
{
    uint64_t count = output->dropped - output->dropped_reported;
    char text[EVENT_MAX_BYTES];
    int r;

    if (count == 0)
        return 0;
    if (output->journal_fd >= 0) {
        const StepSupervise *step = output->step;
        Event event = {
            .kind = EVENT_LOG_DROPPED,
            .name = step->name,
            .id = step->id,
            .image = step->image,
            .unit = step->unit,
            .lines = count,
        };
        struct iovec part = {text, event_format_entry(&event, text, sizeof(text))};

        r = send_parts(output, &part, 1);
    } else {
        int n = snprintf(text, sizeof(text), "%llu", (unsigned long long) count);

        r = append_record(output, "berth", "L", text, (size_t) n);
    }
    if (r == 0)
        output->dropped_reported = output->dropped;
    return r;
}

static void emit(Output *output, int stream, const Line *line)
{
    int r;

    if (output->journal_fd < 0 && output->file.fd < 0)
        return;
    r = report_dropped(output);
    if (r == 0)
        r = output->journal_fd >= 0 ? send_line(output, stream, line) : append_line(output, stream, line);
    if (r < 0)
        output->dropped++;
}

static void emit_stdout(const Line *line, void *userdata)
{
    emit(userdata, 1, line);
}

static void emit_stderr(const Line *line, void *userdata)
{
    emit(userdata, 2, line);
}

void output_write(Output *output, int stream, const char *data, size_t size)
{
    lines_write(&output->streams[stream - 1], data, size, stream == 2 ? emit_stderr : emit_stdout, output);
}

void output_flush(Output *output)
{
    lines_flush(&output->streams[0], emit_stdout, output);
    lines_flush(&output->streams[1], emit_stderr, output);
    if (output->journal_fd >= 0 || output->file.fd >= 0)
        (void) report_dropped(output);
}
