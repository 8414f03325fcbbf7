/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the handshake: the named messages between launcher, supervisor and the container's first process.
 * Never does: send one (kernel/socket.h does).
 * Runs in: launcher and executor; libc only.
 *
 * launcher ──CGROUP──► supervisor ──CGROUP──► inner      the scope exists, go on
 * launcher ──SIGNAL──► supervisor                        forward a signal to the payload
 * inner ──WANT_CGROUP──► supervisor                      everything before the cgroup is built
 * inner ──WANT_STEPS──► supervisor ──STEPS_DONE(root)──► inner   do what I may not: the outer steps from this one on
 * inner ──TERMINAL(fd)──► supervisor ──TERMINAL(fd)──► launcher
 * inner ──NOTIFY(fd)──► supervisor                       the socket that the payload tells of itself by
 * inner ──WAITING──► supervisor ──ANNOUNCED──► inner     all is built but the program is to be started by somebody else
 * supervisor ──STARTED(pidfd)──► launcher                the payload's program runs
 * launcher ──ANNOUNCED──► supervisor                     the roster knows it; a launcher that dies before ends it
 * supervisor ──EXITED──► launcher                        and this is how it ended
 * inner or supervisor ──FAILED──► launcher               in place of any of them, once */

#include <stdint.h>

/* What a supervisor of an init system also understands, beside SIGTERM for an orderly stop: signals of systemd(1) by their
 * numbers, which the C libraries count differently. It passes the request on when the init system can hear it. */
#define SUPERVISOR_POWER_OFF (32 + 2 + 4) /* SIGRTMIN+4 */
#define SUPERVISOR_REBOOT    (32 + 2 + 5) /* SIGRTMIN+5 */

typedef enum MessageKind {
    _MESSAGE_INVALID = 0,
    MESSAGE_CGROUP,
    MESSAGE_WANT_CGROUP,
    MESSAGE_SIGNAL,
    MESSAGE_TERMINAL,
    MESSAGE_NOTIFY,
    MESSAGE_STARTED,
    MESSAGE_ANNOUNCED,
    MESSAGE_EXITED,
    MESSAGE_FAILED,
    MESSAGE_WANT_STEPS,
    MESSAGE_STEPS_DONE,
    MESSAGE_WAITING,
} MessageKind;

#define TRACE_ENTRIES_MAX 39

/* One step that took its time. */
typedef struct TraceEntry {
    uint32_t step, begin_usec, duration_usec; /* begin: after base_usec */
} TraceEntry;

/* In the text of STARTED: where the time went. All zero where it was not measured. */
typedef struct StartTrace {
    uint64_t base_usec; /* CLOCK_MONOTONIC */
    uint32_t count;
    uint32_t rest_usec; /* the other steps together */
    TraceEntry entries[TRACE_ENTRIES_MAX];
} StartTrace;

/* Fixed size; one datagram. Text is NUL-terminated and hostile when it comes from the inner process. */
typedef struct Message {
    uint32_t kind;
    int32_t number;       /* SIGNAL: signal; STARTED: pid; ANNOUNCED: 1 when registered with systemd-machined;
                             EXITED: code or signal; FAILED: errno */
    uint32_t step;        /* FAILED, WANT_STEPS: place in the plan */
    uint32_t is_signaled; /* EXITED */
    uint32_t oom_kills;   /* EXITED */
    uint32_t address;     /* STARTED: on a network of the host, IPv4, in the host's byte order; 0: none */
    uint8_t address6[16]; /* and IPv6; all zero: none */
    uint32_t exit_status; /* FAILED: what the launcher should exit with, 125 to 127 */
    char text[488];
} Message;

_Static_assert(sizeof(StartTrace) <= sizeof(((Message *) 0)->text), "a trace fits into a message");
