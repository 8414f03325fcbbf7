/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading the log files that supervisors write (executor/log-file.h), whatever became of them.
 * Never does: print.
 * Runs in: berthctl. */

#include "host/journal.h"

/* One record, of a line or a part of one. */
typedef struct LogRecord {
    JournalStream stream;
    uint64_t time_usec;
    int priority;
    bool is_partial;
    uint64_t lines_dropped; /* not 0: no record of the container's, but how many are not here that should be */
    const char *text;
    size_t size;
} LogRecord;

typedef struct LogFilter {
    uint64_t since_usec, until_usec; /* until 0: no end */
    unsigned priorities;             /* 1 << 0 … 1 << 7; 0: all */
    const char *stream;              /* "stdout", "stderr" or NULL: both */
} LogFilter;

/* 0: go on; anything else ends the reading and is returned. */
typedef int (*LogRecordFunction)(const LogRecord *record, void *userdata);

typedef struct LogFiles LogFiles;

void log_files_close(LogFiles *files);
DEFINE_CLEANUP(LogFiles *, log_files_close)

/* -ENODATA when there is no log of that name. `filter` stays the caller's. */
int log_files_open(int logs_fd, const char *name, const LogFilter *filter, LogFiles **ret);

/* Everything there is now, oldest first. */
int log_files_read(LogFiles *files, LogRecordFunction function, void *userdata);
/* Again from the beginning. */
int log_files_rewind(LogFiles *files);
/* Goes on where log_files_read() ended, until the supervisor is gone; `idle` is called before each wait. */
int log_files_follow(LogFiles *files, int supervisor_fd, LogRecordFunction function, void (*idle)(void),
                     void *userdata);
/* How many places could not be read. Half a record at the very end is one that is being written, unless nobody writes
 * any more. */
uint64_t log_files_damaged(const LogFiles *files, bool is_running);
