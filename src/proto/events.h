/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what happens to containers and images, one table row per kind: name, message id of the journal, members, text; an
 *       event as an entry of the journal and as a line of JSON. The message catalogue is made from the same rows.
 * Never does: I/O (host/events.h sends, and so does the supervisor); use more than the C library.
 * Runs in: every program. */

#include <stddef.h>
#include <stdint.h>

typedef enum EventKind {
    _EVENT_INVALID = 0, /* an unfilled row: the table test fails */
    EVENT_CREATE,
    EVENT_START,
    EVENT_READY,
    EVENT_HEALTH_STATUS,
    EVENT_PAUSE,
    EVENT_UNPAUSE,
    EVENT_EXEC,
    EVENT_OOM,
    EVENT_DIE,
    EVENT_EXIT,
    EVENT_RENAME,
    EVENT_REMOVE,
    EVENT_LOG_DROPPED,
    EVENT_IMAGE_LOAD,
    EVENT_IMAGE_PULL,
    EVENT_IMAGE_REMOVE,
    EVENT_IMAGE_TAG,
    EVENT_IMAGE_COMMIT,
    _EVENT_MAX
} EventKind;

/* All strings are borrowed; NULL is not there. */
typedef struct Event {
    EventKind kind;
    uint64_t time_usec; /* CLOCK_REALTIME; of the line of JSON only, the journal has its own */
    const char *name;   /* of the container */
    const char *old_name;
    const char *id; /* of its run, 64 digits */
    const char *image, *image_id;
    const char *unit;
    const char *health;  /* starting, healthy, unhealthy */
    const char *output;  /* of the probe; hostile */
    const char *command; /* that was executed; hostile */
    uint64_t code;       /* exit status as a shell has it: 128 + signal */
    uint64_t signal;     /* that ended it; 0: none */
    uint64_t oom_kills;  /* processes that the kernel killed for want of memory */
    uint64_t failing;    /* probes in a row that failed */
    uint64_t lines;      /* of output, that could not be recorded */
} Event;

typedef enum EventMemberType { EVENT_MEMBER_STRING, EVENT_MEMBER_NUMBER } EventMemberType;

/* One member, its name in JSON and its field in the journal. */
typedef struct EventMember {
    const char *name, *field;
    EventMemberType type;
    size_t offset; /* in Event */
} EventMember;

extern const EventMember event_members[];
extern const size_t event_members_count;

typedef struct EventRow {
    const char *type, *name; /* "container" or "image", and what happened to it */
    const char *message_id;
    int priority;
    const char *members[6];   /* numbers that it has; strings are there when they are not NULL */
    const char *message;      /* with @FIELD@ for a member's value */
    const char *catalog_text; /* what it means and what to do, wrapped */
} EventRow;

extern const EventRow event_rows[_EVENT_MAX];

/* An entry in the journal's native protocol, to be sent as it is. The size; 0 when it does not fit. */
size_t event_format_entry(const Event *event, char *buffer, size_t room);
/* One line, with a newline. The size; 0 when it does not fit. */
size_t event_format_line(const Event *event, char *buffer, size_t room);

/* Room that is enough for what the programs send. */
#define EVENT_MAX_BYTES 4096

/* Where there is no journal: lines in this file of the run directory, of at most this size (base/append.h). */
#define EVENTS_FILE      "events"
#define EVENTS_MAX_BYTES (UINT64_C(1) << 20)
