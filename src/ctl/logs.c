/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/logs.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/text.h"
#include "ctl/log-files.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* A line that a container never ends is printed in pieces of this size: it must not fill our memory. */
#define LINE_MAX_BYTES ((size_t) 1 << 20)
/* Joins the parts of lines and prints them. */
typedef struct Printer {
    const LogRequest *request;
    uint64_t skip; /* lines that are not wanted */
    struct {
        Buffer line;
        uint64_t time_usec; /* of its first part */
        int priority;
        bool is_pending; /* parts have come, the end has not */
        bool is_begun;   /* and some of them are printed */
    } streams[2];
    FILE *last; /* where the last line went */
} Printer;

static void printer_done(Printer *printer)
{
    for (size_t i = 0; i < ELEMENTSOF(printer->streams); i++)
        buffer_done(&printer->streams[i].line);
}

/* The bytes, made harmless where a person would see them. */
static int put_text(FILE *file, const Printer *printer, const char *text, size_t size)
{
    _cleanup_free_ char *escaped = NULL;

    if (printer->request->format == LOG_FORMAT_CAT || (!printer->request->indent && !isatty(fileno(file)))) {
        fwrite(text, 1, size, file);
        return 0;
    }
    escaped = text_escape_prose(text, size);
    if (!escaped)
        return -ENOMEM;
    fputs(escaped, file);
    return 0;
}

static int put_json(const LogRecord *line)
{
    _cleanup_free_ char *time = time_format_rfc3339(line->time_usec), *escaped = NULL, *text = NULL;
    _cleanup_json_ json_t *object = NULL;
    bool is_utf8 = text_is_utf8(line->text, line->size);

    if (!is_utf8)
        escaped = text_escape(line->text, line->size);
    if (!time || (!is_utf8 && !escaped))
        return -ENOMEM;
    object = json_pack("{s:s, s:I, s:s, s:i, s:o}", "time", time, "time_usec", (json_int_t) line->time_usec, "stream",
                       line->stream == JOURNAL_STREAM_STDERR ? "stderr" : "stdout", "priority", line->priority,
                       "message", is_utf8 ? json_stringn(line->text, line->size) : json_string(escaped));
    /* A reader must be able to tell text that holds "\xff" from a byte that is no text. */
    if (object && !is_utf8)
        (void) json_object_set_new(object, "escaped", json_true());
    if (object && line->is_partial)
        (void) json_object_set_new(object, "partial", json_true());
    text = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    if (!text)
        return -ENOMEM;
    puts(text);
    return ferror(stdout) ? LOGS_UNREAD : 0;
}

static int put_head(FILE *file, const Printer *printer, const LogRecord *line)
{
    _cleanup_free_ char *time = NULL;

    if (printer->request->indent)
        fputs(printer->request->indent, file);
    if (!printer->request->with_timestamps)
        return 0;
    time = time_format_rfc3339(line->time_usec);
    if (!time)
        return -ENOMEM;
    fprintf(file, "%s ", time);
    return 0;
}

/* Prints a line, or of a very long one the next piece. */
static int put_line(Printer *printer, const LogRecord *line, bool is_begun)
{
    bool to_stderr = line->stream == JOURNAL_STREAM_STDERR && !printer->request->indent &&
                     printer->request->format != LOG_FORMAT_JSON;
    FILE *file = to_stderr ? stderr : stdout;
    int r = 0;

    if (printer->request->format == LOG_FORMAT_JSON)
        return put_json(line);
    /* Both may be the same terminal: what came first is to be seen first. */
    if (printer->last && printer->last != file)
        fflush(printer->last);
    printer->last = file;
    if (!is_begun)
        r = put_head(file, printer, line);
    if (r == 0)
        r = put_text(file, printer, line->text, line->size);
    if (r == 0 && !line->is_partial)
        fputc('\n', file);
    return r == 0 && ferror(file) ? LOGS_UNREAD : r;
}

/* Prints what has been collected of a stream's line. */
static int flush_stream(Printer *printer, size_t i, bool is_partial)
{
    LogRecord line = {
        .stream = i == 0 ? JOURNAL_STREAM_STDOUT : JOURNAL_STREAM_STDERR,
        .time_usec = printer->streams[i].time_usec,
        .priority = printer->streams[i].priority,
        .is_partial = is_partial,
        .text = printer->streams[i].line.data ? printer->streams[i].line.data : "",
        .size = printer->streams[i].line.size,
    };
    int r = 0;

    if (printer->streams[i].line.failed)
        return -ENOMEM;
    if (printer->skip == 0)
        r = put_line(printer, &line, printer->streams[i].is_begun);
    else if (!is_partial)
        printer->skip--;
    printer->streams[i].is_begun = is_partial;
    printer->streams[i].is_pending = is_partial;
    printer->streams[i].line.size = 0;
    return r;
}

/* Lines that should be here and are not. */
static int put_gap(const Printer *printer, const LogRecord *record)
{
    unsigned long long count = (unsigned long long) record->lines_dropped;
    _cleanup_free_ char *time = time_format_rfc3339(record->time_usec);

    if (!time)
        return -ENOMEM;
    if (printer->request->format == LOG_FORMAT_JSON)
        printf("{\"time\":\"%s\",\"time_usec\":%llu,\"lines_dropped\":%llu}\n", time,
               (unsigned long long) record->time_usec, count);
    else {
        fflush(stdout);
        log_warning("%llu lines are not in the log here (%s)", count, time);
    }
    return 0;
}

static int print_record(Printer *printer, const LogRecord *record)
{
    size_t i = record->stream == JOURNAL_STREAM_STDERR ? 1 : 0;

    if (record->lines_dropped > 0)
        return printer->skip > 0 ? 0 : put_gap(printer, record);
    if (!printer->streams[i].is_pending) {
        printer->streams[i].time_usec = record->time_usec;
        printer->streams[i].priority = record->priority;
    }
    printer->streams[i].is_pending = true;
    buffer_append(&printer->streams[i].line, record->text, record->size);
    if (record->is_partial && printer->streams[i].line.size < LINE_MAX_BYTES && !printer->streams[i].line.failed)
        return 0;
    return flush_stream(printer, i, record->is_partial);
}

/* At the end: lines whose end never came. */
static int print_rest(Printer *printer)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(printer->streams); i++)
        if (printer->streams[i].is_pending)
            r = flush_stream(printer, i, false);
    return r;
}

/* --- the journal --- */

static int on_entry(const JournalEntry *entry, void *userdata)
{
    LogRecord record = {
        .stream = entry->stream,
        .time_usec = entry->realtime_usec,
        .priority = entry->priority,
        .lines_dropped = entry->lines_dropped,
        .is_partial = entry->is_partial,
        .text = entry->message,
        .size = entry->message_size,
    };

    /* Messages about the container are not by it. */
    return entry->stream == JOURNAL_STREAM_NONE && entry->lines_dropped == 0 ? 0 : print_record(userdata, &record);
}

static int remember_id(const JournalEntry *entry, void *userdata)
{
    char *id = userdata;

    for (size_t i = 0; i < entry->fields_count; i++)
        if (strcmp(entry->fields[i].name, "CONTAINER_ID_FULL") == 0 && entry->fields[i].value_size == 64)
            memcpy(id, entry->fields[i].value, 64);
    return 0;
}

/* The id of the run of that name that wrote last; empty when there is none. */
static int find_last_run(const char *name, char id[65], Error *error)
{
    JournalQuery query = {.container_name = name, .tail = 1, .with_fields = true};

    memset(id, 0, 65);
    return journal_read(&query, remember_id, id, error);
}

static bool has_ended(void *userdata)
{
    const int *pidfd = userdata;
    struct pollfd poll_one = {*pidfd, POLLIN, 0};

    fflush(stdout);
    return *pidfd < 0 || poll(&poll_one, 1, 0) > 0;
}

static int print_journal(const Container *container, Printer *printer, int supervisor_fd, Error *error)
{
    const LogRequest *request = printer->request;
    JournalQuery query = {
        .tail = request->tail > UINT_MAX ? UINT_MAX : (unsigned) request->tail,
        .since_usec = request->since_usec,
        .until_usec = request->until_usec,
        .priorities = request->priorities,
        .stream = request->stream,
        .follow = request->follow && supervisor_fd >= 0,
        .should_stop = has_ended,
        .should_stop_userdata = &supervisor_fd,
        .wake_fd = supervisor_fd,
    };
    char id[65] = "";
    int r = 0;

    if (request->instance && strcmp(request->instance, "all") == 0)
        query.container_name = container->name;
    else if (request->instance) {
        query.container_name = container->name;
        query.container_id = request->instance;
    } else if (container->machine)
        query.container_id = container->machine->id;
    else {
        r = find_last_run(container->name, id, error);
        if (r < 0 || !*id)
            return r < 0 ? r : -ENODATA;
        query.container_id = id;
    }
    r = journal_read(&query, on_entry, printer, error);
    return r < 0 ? r : print_rest(printer);
}

/* --- the log file --- */

typedef struct LineCount {
    uint64_t lines;
    bool is_pending[2];
} LineCount;

static int count_record(const LogRecord *record, void *userdata)
{
    LineCount *count = userdata;

    if (record->lines_dropped > 0)
        return 0;
    count->is_pending[record->stream == JOURNAL_STREAM_STDERR] = record->is_partial;
    count->lines += !record->is_partial;
    return 0;
}

static int print_record_of_file(const LogRecord *record, void *userdata)
{
    return print_record(userdata, record);
}

static void flush_stdout(void)
{
    fflush(stdout);
}

/* How many lines come before the last `tail` ones: the files are read once more for that. */
static int count_skipped(LogFiles *files, uint64_t tail, uint64_t *ret)
{
    LineCount count = {};
    int r = log_files_read(files, count_record, &count);

    if (r < 0)
        return r;
    count.lines += count.is_pending[0] + count.is_pending[1];
    *ret = count.lines > tail ? count.lines - tail : 0;
    return log_files_rewind(files);
}

static int print_file(Ctl *ctl, const Container *container, Printer *printer, int supervisor_fd, Error *error)
{
    const LogRequest *request = printer->request;
    const LogFilter filter = {
        .since_usec = request->since_usec,
        .until_usec = request->until_usec,
        .priorities = request->priorities,
        .stream = request->stream,
    };
    _cleanup_(log_files_closep) LogFiles *files = NULL;
    uint64_t damaged;
    int r = log_files_open(ctl->roster->logs_fd, container->name, &filter, &files);

    if (r < 0)
        return r;
    if (request->tail != UINT64_MAX)
        r = count_skipped(files, request->tail, &printer->skip);
    if (r == 0)
        r = log_files_read(files, print_record_of_file, printer);
    if (r == 0 && request->follow && supervisor_fd >= 0)
        r = log_files_follow(files, supervisor_fd, print_record_of_file, flush_stdout, printer);
    if (r == 0)
        r = print_rest(printer);
    if (r < 0)
        return error_set(error, r, "cannot read the log of '%s': %s", container->name, strerror(-r));
    damaged = log_files_damaged(files, container->machine != NULL);
    if (damaged == 0 || r == LOGS_UNREAD)
        return r;
    log_warning("the log of '%s' is damaged in %llu places; what can be read is shown", container->name,
                (unsigned long long) damaged);
    return LOGS_DAMAGED;
}

/* --- which of them --- */

static int say_none(const Container *container, Error *error)
{
    const char *log = container->machine ? container->machine->log : NULL;

    if (log && (strcmp(log, "none") == 0 || strcmp(log, "passthrough") == 0))
        return error_hint(error,
                          error_set(error, -ENODATA, "the output of '%s' is not recorded: its log driver is '%s'",
                                    container->name, log),
                          "--log-driver=journald or file records it");
    return error_set(error, -ENODATA, "nothing is recorded of '%s'", container->name);
}

static int print_stopped(Ctl *ctl, const Container *container, Printer *printer, Error *error)
{
    _cleanup_error_ Error problem = {};
    int r = print_file(ctl, container, printer, -EBADF, error);

    if (r != -ENODATA)
        return r;
    r = print_journal(container, printer, -EBADF, &problem);
    /* A host without a journal has not lost one. */
    if (r == -ENODATA || r == -ENOENT || r == -EOPNOTSUPP)
        return say_none(container, error);
    if (r < 0)
        error_move(error, &problem);
    return r;
}

int logs_print(Ctl *ctl, const Container *container, const LogRequest *request, Error *error)
{
    _cleanup_(printer_done) Printer printer = {.request = request};
    const Machine *machine = container->machine;
    _cleanup_close_ int supervisor_fd = request->follow && machine ? machine_open_supervisor(machine) : -EBADF;
    const char *log = machine && machine->log ? machine->log : "";
    int r;

    if (request->instance) {
        r = print_journal(container, &printer, supervisor_fd, error);
        if (r == -ENODATA)
            r = say_none(container, error);
    } else if (!machine)
        r = print_stopped(ctl, container, &printer, error);
    else if (strcmp(log, "journald") == 0)
        r = print_journal(container, &printer, supervisor_fd, error);
    else if (strcmp(log, "file") == 0)
        r = print_file(ctl, container, &printer, supervisor_fd, error);
    else
        r = say_none(container, error);
    fflush(stdout);
    return r;
}
