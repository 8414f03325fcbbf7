/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/events.h"

#include "base/append.h"
#include "base/cleanup.h"
#include "kernel/journal-send.h"

#include <fcntl.h>
#include <time.h>

void events_emit(Event event)
{
    const char *run_dir = secure_getenv("BERTH_RUN_DIR");
    _cleanup_close_ int run_fd = -1;
    char text[EVENT_MAX_BYTES];
    struct timespec now;
    size_t size;

    size = event_format_entry(&event, text, sizeof(text));
    if (size > 0 && journal_send_once(text, size) == 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    event.time_usec = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
    size = event_format_line(&event, text, sizeof(text));
    run_fd = open(run_dir ? run_dir : "/run/berth", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (size > 0 && run_fd >= 0)
        (void) append_record_at(run_fd, EVENTS_FILE, text, size, EVENTS_MAX_BYTES);
}
