/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/log-files.h"

#include "base/text.h"
#include "ctl/time.h"
#include "spec/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

/* Longer than the longest record that a supervisor writes: a line of 1 MiB and its head. */
#define RECORD_MAX_BYTES ((size_t) 2 << 20)
#define HOLE_LEAST_BYTES 512
#define FOLLOW_POLL_MS   1000

struct LogFiles {
    int logs_fd;
    const char *name;
    const LogFilter *filter;
    int fds[LOG_FILES_MAX + 1]; /* oldest first */
    size_t count;
    char *data; /* RECORD_MAX_BYTES: what is read and not parsed yet */
    size_t size;
    uint64_t damaged;
};

void log_files_close(LogFiles *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        safe_close(files->fds[i]);
    free(files->data);
    free(files);
}

static bool is_same_file(int a, int b)
{
    struct stat st_a, st_b;

    return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

static int open_part(const LogFiles *files, unsigned number)
{
    char name[TEXT_NAME_MAX + 16];

    snprintf(name, sizeof(name), number ? "%s:%u" : "%s", files->name, number);
    return openat(files->logs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* All parts, oldest first. Opened newest first: a file that moves up meanwhile is seen twice, and left out once, but none
 * is missed. */
static size_t open_parts(const LogFiles *files, int fds[LOG_FILES_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; i < LOG_FILES_MAX; i++) {
        int fd = open_part(files, i);

        if (fd < 0)
            continue;
        if (count > 0 && is_same_file(fd, fds[count - 1])) {
            safe_close(fd);
            continue;
        }
        fds[count++] = fd;
    }
    for (size_t i = 0; i < count / 2; i++) {
        int fd = fds[i];

        fds[i] = fds[count - 1 - i];
        fds[count - 1 - i] = fd;
    }
    return count;
}

int log_files_open(int logs_fd, const char *name, const LogFilter *filter, LogFiles **ret)
{
    _cleanup_(log_files_closep) LogFiles *files = calloc(1, sizeof(*files));

    if (!files)
        return -ENOMEM;
    files->logs_fd = logs_fd;
    files->name = name;
    files->filter = filter;
    files->data = malloc(RECORD_MAX_BYTES);
    if (!files->data)
        return -ENOMEM;
    files->count = open_parts(files, files->fds);
    if (files->count == 0)
        return -ENODATA;
    *ret = TAKE_PTR(files);
    return 0;
}

/* TIME STREAM TAGS TEXT: see executor/output.c. False: it is damaged. */
static bool parse_record(const char *line, size_t size, LogRecord *ret)
{
    LogRecord record = {.priority = 6};
    const char *end = line + size, *c = memchr(line, ' ', size);

    if (!c || time_parse_rfc3339(line, (size_t) (c - line), &record.time_usec) < 0)
        return false;
    c++;
    if (end - c >= 8 && memcmp(c, "berth L ", 8) == 0) {
        _cleanup_free_ char *number = strndup(c + 8, (size_t) (end - c - 8));

        record.stream = JOURNAL_STREAM_NONE;
        *ret = record;
        return number && text_parse_u64(number, UINT64_MAX, &ret->lines_dropped) == 0 && ret->lines_dropped > 0;
    }
    if (end - c < 9 || (memcmp(c, "stdout ", 7) != 0 && memcmp(c, "stderr ", 7) != 0))
        return false;
    record.stream = c[3] == 'o' ? JOURNAL_STREAM_STDOUT : JOURNAL_STREAM_STDERR;
    c += 7;
    if (*c != 'F' && *c != 'P')
        return false;
    record.is_partial = *c++ == 'P';
    if (end - c >= 3 && c[0] == ':' && c[1] >= '0' && c[1] <= '7') {
        record.priority = c[1] - '0';
        c += 2;
    }
    if (*c != ' ')
        return false;
    record.text = c + 1;
    record.size = (size_t) (end - record.text);
    *ret = record;
    return true;
}

static bool is_wanted(const LogFilter *filter, const LogRecord *record)
{
    if (record->time_usec < filter->since_usec || (filter->until_usec > 0 && record->time_usec > filter->until_usec))
        return false;
    if (filter->stream && strcmp(filter->stream, record->stream == JOURNAL_STREAM_STDERR ? "stderr" : "stdout") != 0)
        return false;
    return filter->priorities == 0 || (filter->priorities & 1U << record->priority);
}

/* Where the hole that ends at `end` begins; NULL for a few NUL bytes, which a payload may well write. */
static const char *find_hole(const char *line, const char *end)
{
    const char *start = end;

    while (start > line && start[-1] == 0)
        start--;
    return end - start >= HOLE_LEAST_BYTES ? start : NULL;
}

static int deliver(const LogFiles *files, const LogRecord *record, LogRecordFunction function, void *userdata)
{
    return is_wanted(files->filter, record) ? function(record, userdata) : 0;
}

/* One line of the file. What was lost with a power cut reads as NUL bytes (blocks that never came to the disk) with half
 * records on both sides, or a whole one behind them: then there are two on the line, each with its own time. */
static int parse_line(LogFiles *files, const char *line, size_t size, LogRecordFunction function, void *userdata)
{
    const char *nul = memrchr(line, 0, size), *hole = nul ? find_hole(line, nul + 1) : NULL;
    LogRecord record = {}, later = {};
    bool is_whole = parse_record(line, hole ? (size_t) (hole - line) : size, &record);
    bool has_later = nul && (hole || !is_whole) && parse_record(nul + 1, (size_t) (line + size - nul - 1), &later);
    int r = 0;

    files->damaged += !is_whole || hole;
    if (is_whole)
        r = deliver(files, &record, function, userdata);
    return r == 0 && has_later ? deliver(files, &later, function, userdata) : r;
}

static int parse_data(LogFiles *files, LogRecordFunction function, void *userdata)
{
    size_t at = 0;
    int r = 0;

    while (r == 0 && at < files->size) {
        const char *line = files->data + at, *newline = memchr(line, '\n', files->size - at);

        if (!newline)
            break;
        at += (size_t) (newline - line) + 1;
        r = parse_line(files, line, (size_t) (newline - line), function, userdata);
    }
    files->size -= at;
    memmove(files->data, files->data + at, files->size);
    if (files->size == RECORD_MAX_BYTES) {
        /* Too long to be a record. Half of it is kept: a whole one may come behind a hole. */
        files->size /= 2;
        memmove(files->data, files->data + files->size, files->size);
    }
    return r;
}

/* From the file's position to its end. */
static int read_part(LogFiles *files, int fd, LogRecordFunction function, void *userdata)
{
    for (;;) {
        ssize_t n = read(fd, files->data + files->size, RECORD_MAX_BYTES - files->size);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        files->size += (size_t) n;
        r = parse_data(files, function, userdata);
        if (r != 0)
            return r;
    }
}

/* A record does not go on in another file. */
static void end_part(LogFiles *files)
{
    files->damaged += files->size > 0;
    files->size = 0;
}

int log_files_read(LogFiles *files, LogRecordFunction function, void *userdata)
{
    for (size_t i = 0; i < files->count; i++) {
        int r = read_part(files, files->fds[i], function, userdata);

        if (r != 0)
            return r;
        if (i + 1 < files->count)
            end_part(files);
    }
    return 0;
}

int log_files_rewind(LogFiles *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (lseek(files->fds[i], 0, SEEK_SET) < 0)
            return -errno;
    files->size = 0;
    files->damaged = 0;
    return 0;
}

/* Takes in the files that have come since, behind the one that was the newest. */
static bool find_newer(LogFiles *files)
{
    int fds[LOG_FILES_MAX], current = files->fds[files->count - 1];
    size_t count = open_parts(files, fds), first = 0;

    for (size_t i = 0; i < count; i++)
        if (is_same_file(fds[i], current))
            first = i + 1;
    if (first == count && count > 0) {
        while (count > 0)
            safe_close(fds[--count]);
        return false;
    }
    /* Written faster than it was read: the one that was open has moved out, and others with it. */
    files->damaged += first == 0 && count > 0;
    for (size_t i = 0; i < first; i++)
        safe_close(fds[i]);
    for (size_t i = 0; i + 1 < files->count; i++)
        safe_close(files->fds[i]);
    /* The one that was read so far stays in front: it may have grown before it was left. */
    files->fds[0] = current;
    files->count = 1;
    for (size_t i = first; i < count; i++)
        files->fds[files->count++] = fds[i];
    return count > first;
}

static void watch(int watch_fd, int fd, int *mark)
{
    char path[32];

    if (*mark >= 0)
        (void) inotify_rm_watch(watch_fd, *mark);
    /* By way of the open file: its name may mean another one by now. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *mark = watch_fd < 0 ? -1 : inotify_add_watch(watch_fd, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
}

int log_files_follow(LogFiles *files, int supervisor_fd, LogRecordFunction function, void (*idle)(void), void *userdata)
{
    _cleanup_close_ int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char events[4096];
    int mark = -1, r = 0;

    watch(watch_fd, files->fds[files->count - 1], &mark);
    while (r == 0) {
        struct pollfd polls[] = {{supervisor_fd, POLLIN, 0}, {watch_fd, POLLIN, 0}};
        /* The kernel makes the supervisor's pidfd readable after its last write: what is read after that is all. */
        bool is_last = poll(&polls[0], 1, 0) > 0;

        r = read_part(files, files->fds[files->count - 1], function, userdata);
        if (r == 0 && find_newer(files)) {
            r = log_files_read(files, function, userdata);
            watch(watch_fd, files->fds[files->count - 1], &mark);
            continue;
        }
        if (r != 0 || is_last)
            break;
        idle();
        if (poll(polls, ELEMENTSOF(polls), mark < 0 ? FOLLOW_POLL_MS / 10 : FOLLOW_POLL_MS) < 0 && errno != EINTR)
            return -errno;
        while (watch_fd >= 0 && read(watch_fd, events, sizeof(events)) > 0)
            ;
    }
    return r;
}

uint64_t log_files_damaged(const LogFiles *files, bool is_running)
{
    return files->damaged + (!is_running && files->size > 0);
}
