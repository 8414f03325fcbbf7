/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/lifecycle.h"

#include "base/append.h"
#include "base/cleanup.h"
#include "kernel/journal-send.h"

#include <time.h>

void lifecycle_emit(const Context *context, const StepSupervise *step, Event event)
{
    char text[EVENT_MAX_BYTES];
    struct timespec now;
    size_t size;

    if (!step->run_fd)
        return;
    event.name = step->name;
    event.id = step->id;
    event.image = step->image;
    event.unit = step->unit;
    size = event_format_entry(&event, text, sizeof(text));
    if (size > 0 && journal_send_once(text, size) == 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    event.time_usec = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
    size = event_format_line(&event, text, sizeof(text));
    if (size > 0)
        (void) append_record_at(context_fd(context, step->run_fd), EVENTS_FILE, text, size, EVENTS_MAX_BYTES);
}
