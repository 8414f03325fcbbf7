/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading back what a container wrote, from the journal or the log file, and printing it.
 * Never does: parse options.
 * Runs in: berthctl. */

#include "ctl/container.h"

typedef enum LogFormat {
    LOG_FORMAT_SHORT, /* the lines; escaped where they go to a terminal */
    LOG_FORMAT_CAT,   /* the bytes as they came */
    LOG_FORMAT_JSON,  /* one object for each line, all on stdout */
} LogFormat;

typedef struct LogRequest {
    LogFormat format;
    bool with_timestamps;            /* RFC 3339 before each line; JSON always has it */
    bool follow;                     /* until the container ends; one that does not run ends at once */
    uint64_t tail;                   /* lines before the end, UINT64_MAX: all */
    uint64_t since_usec, until_usec; /* CLOCK_REALTIME; until 0: no end */
    unsigned priorities;             /* 1 << 0 … 1 << 7; 0: all */
    const char *stream;              /* "stdout", "stderr" or NULL: both */
    const char *instance; /* of the journal: the run with this id, or "all" runs of that name; NULL: the last */
    const char *indent;   /* before each line; with one everything is escaped and goes to stdout */
} LogRequest;

typedef enum LogsOutcome {
    LOGS_UNREAD = 1,  /* nobody reads what is printed any more */
    LOGS_DAMAGED = 2, /* some records could not be read; a warning says how many */
} LogsOutcome;

/* What the running container, or else the last run of that name, wrote: lines of stdout to stdout and of
 * stderr to stderr. 0, a LogsOutcome, or -errno: -ENODATA with a text when nothing was recorded. */
int logs_print(Ctl *ctl, const Container *container, const LogRequest *request, Error *error);
