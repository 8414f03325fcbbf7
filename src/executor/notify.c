/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/notify.h"

#include "base/cleanup.h"
#include "kernel/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* An init system that says nothing (sysvinit, systemd before 253) has set up its handlers by then. */
#define LISTEN_PATIENCE_USEC (10 * UINT64_C(1000000))
/* At once, so that a payload that floods us does not keep us from anything else. */
#define MESSAGES_MAX 16
#define STATUS_MAX   256
/* X_SYSTEMD_SIGNALS_LEVEL= of systemd(1): from 2 on, all signals of its interface are handled. */
#define SIGNALS_LEVEL 2

void notify_init(Notify *notify, const Context *context, const StepSupervise *step, uint64_t now_usec)
{
    *notify = (Notify){
        .step = step,
        .fd = context->notify_fd,
        .unit_fd = context_fd(context, step->unit_notify_fd),
        .is_listening = !step->is_system,
        .listens_at_usec = now_usec + LISTEN_PATIENCE_USEC,
        .ping_at_usec = step->watchdog_usec > 0 && step->notify != STEP_NOTIFY_CONTAINER ? now_usec : UINT64_MAX,
    };
}

void notify_unit(const Notify *notify, const char *text)
{
    if (notify->unit_fd >= 0)
        (void) send(notify->unit_fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_ready(Notify *notify)
{
    if (!notify->is_ready)
        notify_unit(notify, "READY=1\n");
    notify->is_ready = true;
}

/* Text of the payload's in `systemctl status`: one line without control characters. */
static void append_status(char *relay, size_t size, const char *value, size_t length)
{
    size_t at = strlen(relay);

    length = MIN(length, (size_t) STATUS_MAX);
    if (at + strlen("STATUS=") + length + 2 > size)
        return;
    at += (size_t) snprintf(relay + at, size - at, "STATUS=");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char) value[i];

        relay[at++] = c < 0x20 || c == 0x7f ? ' ' : (char) c;
    }
    relay[at++] = '\n';
    relay[at] = 0;
}

static void append(char *relay, size_t size, const char *line)
{
    size_t at = strlen(relay);

    if (at + strlen(line) + 2 <= size)
        (void) snprintf(relay + at, size - at, "%s\n", line);
}

static bool is_line(const char *line, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(line, wanted, length) == 0;
}

bool notify_filter(Notify *notify, const char *text, size_t length, char *relay, size_t size)
{
    static const char status[] = "STATUS=", level[] = "X_SYSTEMD_SIGNALS_LEVEL=";
    bool from_payload = notify->step->notify == STEP_NOTIFY_CONTAINER;

    relay[0] = 0;
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t n = end ? (size_t) (end - text) : length;

        if (is_line(text, n, "READY=1")) {
            notify->is_listening = true;
            if (from_payload && !notify->is_ready) {
                notify->is_ready = true;
                append(relay, size, "READY=1");
            }
        } else if (n > strlen(status) && memcmp(text, status, strlen(status)) == 0)
            append_status(relay, size, text + strlen(status), n - strlen(status));
        else if (n == strlen(level) + 1 && memcmp(text, level, strlen(level)) == 0 &&
                 text[n - 1] >= '0' + SIGNALS_LEVEL && text[n - 1] <= '9')
            notify->is_listening = true;
        else if (from_payload && notify->step->watchdog_usec > 0 &&
                 (is_line(text, n, "WATCHDOG=1") || is_line(text, n, "WATCHDOG=trigger")))
            append(relay, size, text[strlen("WATCHDOG=")] == '1' ? "WATCHDOG=1" : "WATCHDOG=trigger");
        text += n + (end != NULL);
        length -= n + (end != NULL);
    }
    return relay[0] != 0;
}

void notify_receive(Notify *notify, pid_t payload_pid)
{
    for (unsigned i = 0; i < MESSAGES_MAX; i++) {
        char text[4096], relay[1024];
        pid_t sender = 0;
        ssize_t n = socket_receive_from(notify->fd, text, sizeof(text), &sender);

        if (n == -EMSGSIZE)
            continue;
        if (n < 0)
            return;
        /* The payload is not reaped yet: its pid is nobody else's. */
        if (sender == payload_pid && notify_filter(notify, text, (size_t) n, relay, sizeof(relay)))
            notify_unit(notify, relay);
    }
}

bool notify_is_listening(const Notify *notify, uint64_t now_usec)
{
    return notify->is_listening || notify->fd < 0 || now_usec >= notify->listens_at_usec;
}

void notify_on_time(Notify *notify, uint64_t now_usec)
{
    if (now_usec < notify->ping_at_usec)
        return;
    notify_unit(notify, "WATCHDOG=1\n");
    notify->ping_at_usec = now_usec + notify->step->watchdog_usec / 2;
}
