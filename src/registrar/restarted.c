/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registrar/restarted.h"

#include "base/file.h"
#include "host/machined.h"
#include "kernel/process.h"
#include "machines/roster.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static uint64_t realtime_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* Where that fails the container goes on, unknown to machined. */
static void register_again(Machine *machine, pid_t old_leader, int leader_pidfd)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    MachinedRecord record = {
        .name = machine->name,
        .id = machine->machine_id,
        .host_directory = machine->directory,
        .leader = (pid_t) machine->leader,
        .leader_pidfd = leader_pidfd,
    };

    if (!machine->registered || systemd_open(&systemd, NULL) < 0)
        return;
    (void) machined_unregister(systemd, machine->name, old_leader, NULL);
    machine->registered = machined_register(systemd, &record, NULL) == 0;
}

int restarted(int run_fd, const char *name, pid_t leader, Error *error)
{
    _cleanup_(roster_closep) Roster *roster = NULL;
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int leader_pidfd = process_open(leader);
    pid_t old_leader;
    int r;

    if (leader_pidfd < 0)
        return error_set(error, leader_pidfd, "the process %d is gone", (int) leader);
    r = roster_open_at(run_fd, &roster, error);
    if (r == 0)
        r = roster_load(roster, name, &machine, error);
    if (r < 0)
        return r;
    old_leader = (pid_t) machine->leader;
    machine->leader = (uint64_t) leader;
    machine->leader_pidfd_id = process_pidfd_id(leader_pidfd);
    machine->started_usec = realtime_usec();
    machine->restarts++;
    r = process_start_time(leader, &machine->leader_started);
    if (r == 0)
        r = roster_update(roster, machine);
    if (r < 0)
        return error_set(error, r, "cannot write the state of '%s': %s", name, strerror(-r));
    register_again(machine, old_leader, leader_pidfd);
    return machine->registered ? 0 : roster_update(roster, machine);
}
