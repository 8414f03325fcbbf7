/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the payload tells of itself by sd_notify(3): whether it is ready, its status, whether an init system listens
 *       for signals yet; and what of it goes on to the service manager of the unit.
 * Never does: believe anybody but the container's first process; pass on what would act on the unit (MAINPID=, fds).
 * Runs in: the supervisor. */

#include "executor/context.h"

typedef struct Notify {
    const StepSupervise *step;
    int fd;      /* the container's end of the conversation, -EBADF: none */
    int unit_fd; /* connected to the unit's $NOTIFY_SOCKET, -EBADF: none */
    bool is_ready;
    bool is_listening;        /* an init system takes SIGRTMIN+3 and its like */
    uint64_t listens_at_usec; /* monotonic: by then it is taken to listen, whatever it says */
    uint64_t ping_at_usec;    /* when the unit's watchdog is to hear of us; UINT64_MAX: never */
} Notify;

void notify_init(Notify *notify, const Context *context, const StepSupervise *step, uint64_t now_usec);
/* Reads and passes on what is there, of `payload_pid` only. */
void notify_receive(Notify *notify, pid_t payload_pid);
/* Passes lines of ours on to the unit's service manager, where there is one. */
void notify_unit(const Notify *notify, const char *text);
/* Tells the unit's service manager that the container is ready, once. */
void notify_ready(Notify *notify);
/* Whether a signal to shut down would be heard. Until an init system says so, or `listens_at_usec`, it would be lost:
 * systemd sets up its handlers some time after it has become PID 1. */
bool notify_is_listening(const Notify *notify, uint64_t now_usec);
/* Pings the watchdog when it is time to. */
void notify_on_time(Notify *notify, uint64_t now_usec);

/* Exposed for its test. One datagram's text is read line by line; what may go on is appended to `relay` (of `size`
 * bytes, always terminated). True: there is something to relay. */
bool notify_filter(Notify *notify, const char *text, size_t length, char *relay, size_t size);
