/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A daemon that nobody uses ends. The bus starts it again for the next call. */

#include "daemon/daemon.h"

#include <errno.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* Nobody is waiting for anything, and nobody wants to be told. */
static bool is_idle(const Daemon *daemon)
{
    return !daemon->pending && !daemon->jobs && !daemon->sessions && sd_bus_track_count(daemon->subscribers) == 0;
}

/* Once the name is given back, the bus sends new calls to the next daemon; what came before is answered still. */
static int on_released(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Daemon *daemon = userdata;

    (void) reply;
    (void) ret_error;
    return sd_event_exit(daemon->event, 0);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Daemon *daemon = userdata;

    (void) source;
    (void) usec;
    if (!is_idle(daemon)) {
        idle_touch(daemon);
        return 0;
    }
    daemon->is_ending = true;
    (void) sd_notify(0, "STOPPING=1\nSTATUS=Idle");
    return sd_bus_release_name_async(daemon->bus, NULL, BUS_NAME, on_released, daemon);
}

void idle_touch(Daemon *daemon)
{
    if (!daemon->idle_timer || daemon->is_ending || daemon->idle_usec == UINT64_MAX)
        return;
    (void) sd_event_source_set_time_relative(daemon->idle_timer, daemon->idle_usec);
    (void) sd_event_source_set_enabled(daemon->idle_timer, SD_EVENT_ONESHOT);
}

int idle_start(Daemon *daemon)
{
    int r = sd_event_add_time_relative(daemon->event, &daemon->idle_timer, CLOCK_MONOTONIC,
                                       daemon->idle_usec == UINT64_MAX ? 0 : daemon->idle_usec, 0, on_timer, daemon);

    if (r >= 0 && daemon->idle_usec == UINT64_MAX)
        r = sd_event_source_set_enabled(daemon->idle_timer, SD_EVENT_OFF);
    return r < 0 ? r : 0;
}
