/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/log-files.h"

#include "base/text.h"
#include "ctl/line-files.h"
#include "ctl/time.h"

#include <errno.h>
#include <string.h>

/* Longer than the longest record that a supervisor writes: a line of 1 MiB and its head. */
#define RECORD_MAX_BYTES ((size_t) 2 << 20)
#define HOLE_LEAST_BYTES 512

struct LogFiles {
    LineFiles *lines;
    const LogFilter *filter;
    LogRecordFunction function;
    void *userdata;
    uint64_t damaged;
};

void log_files_close(LogFiles *files)
{
    if (!files)
        return;
    line_files_close(files->lines);
    free(files);
}

int log_files_open(int logs_fd, const char *name, const LogFilter *filter, LogFiles **ret)
{
    _cleanup_(log_files_closep) LogFiles *files = calloc(1, sizeof(*files));
    int r;

    if (!files)
        return -ENOMEM;
    files->filter = filter;
    r = line_files_open(logs_fd, name, RECORD_MAX_BYTES, &files->lines);
    if (r == 0)
        *ret = TAKE_PTR(files);
    return r;
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

static int deliver(const LogFiles *files, const LogRecord *record)
{
    return is_wanted(files->filter, record) ? files->function(record, files->userdata) : 0;
}

/* One line of the file. What was lost with a power cut reads as NUL bytes (blocks that never came to the disk) with half
 * records on both sides, or a whole one behind them: then there are two on the line, each with its own time. */
static int parse_line(const char *line, size_t size, void *userdata)
{
    LogFiles *files = userdata;
    const char *nul = memrchr(line, 0, size), *hole = nul ? find_hole(line, nul + 1) : NULL;
    LogRecord record = {}, later = {};
    bool is_whole = parse_record(line, hole ? (size_t) (hole - line) : size, &record);
    bool has_later = nul && (hole || !is_whole) && parse_record(nul + 1, (size_t) (line + size - nul - 1), &later);
    int r = 0;

    files->damaged += !is_whole || hole;
    if (is_whole)
        r = deliver(files, &record);
    return r == 0 && has_later ? deliver(files, &later) : r;
}

int log_files_read(LogFiles *files, LogRecordFunction function, void *userdata)
{
    files->function = function;
    files->userdata = userdata;
    return line_files_read(files->lines, parse_line, files);
}

int log_files_rewind(LogFiles *files)
{
    files->damaged = 0;
    return line_files_rewind(files->lines);
}

int log_files_follow(LogFiles *files, int supervisor_fd, LogRecordFunction function, void (*idle)(void), void *userdata)
{
    files->function = function;
    files->userdata = userdata;
    return line_files_follow(files->lines, supervisor_fd, parse_line, idle, files);
}

uint64_t log_files_damaged(const LogFiles *files, bool is_running)
{
    return files->damaged + line_files_damaged(files->lines) + (!is_running && line_files_is_torn(files->lines));
}
