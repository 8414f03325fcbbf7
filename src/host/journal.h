/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading back what containers wrote to the journal.
 * Never does: format output or write entries; link libsystemd (loaded at the first query).
 * Runs in: fat programs on the host side, with the right to read the journal. */

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum JournalStream {
    JOURNAL_STREAM_STDOUT,
    JOURNAL_STREAM_STDERR,
    JOURNAL_STREAM_NONE, /* neither: a life cycle message */
} JournalStream;

typedef struct JournalField {
    const char *name;
    const void *value; /* any bytes, also a NUL */
    size_t value_size;
} JournalField;

/* All pointers are valid during the callback only. Everything but the time came from a container: escape it.
 */
typedef struct JournalEntry {
    const void *message; /* without a newline at its end; not NUL-terminated */
    size_t message_size;
    JournalStream stream;   /* from CONTAINER_STREAM, never guessed from the priority */
    int priority;           /* 0..7; 6 when absent or malformed */
    uint64_t realtime_usec; /* when journald received it */
    bool is_partial;        /* the line goes on in the next entry of the stream: print no newline */
    uint64_t lines_dropped; /* no line of the container's, but how many are not here that should be */

    const JournalField *fields; /* every field, when the query asked for them */
    size_t fields_count;
} JournalEntry;

/* 0: go on; > 0: enough, the read ends with 0; < 0: the read ends with this. */
typedef int (*JournalEntryFunction)(const JournalEntry *entry, void *userdata);
/* Asked while following, whenever all entries so far were delivered: true ends the read (after one last look,
 * so that nothing written before the answer is missed). */
typedef bool (*JournalStopFunction)(void *userdata);

/* Zero-initialised it would ask for everything that uid 0 wrote with any container name, at tail 0: set
 * `tail`. */
typedef struct JournalQuery {
    const char *container_name;     /* CONTAINER_NAME, or NULL for any */
    const char *container_id;       /* 64 hex digits, or the first 12 of them, or NULL */
    const char *stream;             /* only this one: "stdout" or "stderr", or NULL */
    unsigned priorities;            /* only these: 1 << 0 … 1 << 7; 0: all */
    const char *const *message_ids; /* only messages with one of these ids; ended by NULL, or NULL */
    uid_t sender_uid;               /* only entries that journald saw this uid send (any user can write any field) */

    unsigned tail;       /* lines (not entries: a partial message is part of a line) before the end; UINT_MAX all */
    uint64_t since_usec; /* CLOCK_REALTIME, 0: from the start */
    uint64_t until_usec; /* 0: no end */
    bool with_fields;    /* fill JournalEntry.fields */

    bool follow;                     /* wait for more */
    JournalStopFunction should_stop; /* or NULL: follow for ever */
    void *should_stop_userdata;
    int wake_fd; /* when following: an fd (a pidfd) whose readability makes should_stop be asked at once; 0 or
                    below: none, it is asked every second */

    const char *directory; /* for tests: read these files instead of the system's journal */
} JournalQuery;

/* Calls `function` with each matching entry, oldest first. -EOPNOTSUPP without libsystemd; -EACCES when no
 * journal file may be read; -ENOENT when there is no journal at all. */
int journal_read(const JournalQuery *query, JournalEntryFunction function, void *userdata, Error *error);

/* Waits until journald has stored everything that was sent to it before (io.systemd.Journal.Synchronize; root
 * only). -ENOENT without journald, -ETIMEDOUT after 2 s. Costs an fsync of journald's: for the end of a log,
 * not for each read. */
int journal_synchronize(void);
