/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/control.h"

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "machines/pause.h"
#include "machines/processes.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* How long the supervisor may take, after the payload's end, to take everything back. */
#define TEARDOWN_USEC (10 * UINT64_C(1000000))
/* Somebody who is killed and has not died by then waits for something else; and how often that is looked at. */
#define STUCK_USEC (3 * UINT64_C(500000))
#define LOOK_USEC  (UINT64_C(500000) / 2)

static int wait_for(int pidfd, uint64_t timeout_usec)
{
    struct pollfd poll_one = {pidfd, POLLIN, 0};
    int msec = timeout_usec >= (uint64_t) INT32_MAX * 1000 ? -1 : (int) (timeout_usec / 1000);
    int r;

    do
        r = poll(&poll_one, 1, msec);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* Whoever waits in the kernel for a file system that does not answer does not even hear SIGKILL, and when it does nobody
 * knows. `killed_usec` is when all are killed, from now. -EBUSY: somebody is stuck so since STUCK_USEC. */
static int wait_for_end(int pidfd, const Machine *machine, uint64_t timeout_usec, uint64_t killed_usec)
{
    uint64_t begun_usec = now_usec();

    for (;;) {
        uint64_t waited = now_usec() - begun_usec;
        int r = wait_for(pidfd, MIN(timeout_usec - MIN(waited, timeout_usec), LOOK_USEC));

        if (r != -ETIMEDOUT)
            return r;
        waited = now_usec() - begun_usec;
        if (waited >= timeout_usec)
            return -ETIMEDOUT;
        if (waited >= STUCK_USEC && waited - STUCK_USEC >= killed_usec && machine_find_stuck(machine) > 0)
            return -EBUSY;
    }
}

static void kill_machine(const Machine *machine)
{
    _cleanup_close_ int leader = machine_open_leader(machine), root_fd = -EBADF, group_fd = -EBADF;
    _cleanup_free_ char *payload = machine->cgroup ? text_format("%s/payload", machine->cgroup) : NULL;
    bool is_hybrid;

    if (payload && cgroup_open_root(&root_fd, &is_hybrid) == 0 && cgroup_open(root_fd, payload, false, &group_fd) == 0)
        (void) cgroup_kill(group_fd);
    if (leader >= 0)
        (void) process_send_signal(leader, SIGKILL);
}

static int say_stuck(const Machine *machine, Error *error)
{
    return error_hint(error,
                      error_set(error, -EBUSY, "'%s' does not end: its process %d was killed and waits in the kernel",
                                machine->name, (int) machine_find_stuck(machine)),
                      "for a file system that does not answer, as a rule: it ends when that does");
}

/* A machine whose supervisor was killed: what the supervisor would have done is done here. */
static int end_unsupervised(Roster *roster, const Machine *machine, uint64_t patience_usec, Error *error)
{
    _cleanup_close_ int leader = machine_open_leader(machine), lock_fd = -EBADF;

    /* Somebody holds the name: it is being started, and its state does not tell yet by whom. */
    if (roster_lock(roster, machine->name, &lock_fd) < 0)
        return error_hint(error, error_set(error, -EBUSY, "'%s' is just being started", machine->name),
                          "try again in a moment");
    machine_thaw(machine);
    if (leader >= 0 && patience_usec > 0 && machine->stop_signal > 0 &&
        process_send_signal(leader, (int) machine->stop_signal) == 0)
        (void) wait_for(leader, patience_usec);
    kill_machine(machine);
    if (leader >= 0 && wait_for_end(leader, machine, TEARDOWN_USEC, 0) == -EBUSY)
        return say_stuck(machine, error);
    roster_undo(roster, machine);
    return 0;
}

/* The supervisor is gone, or does not go. One that was killed rather than told leaves its payload. */
static int end_or_explain(int code, Roster *roster, const Machine *machine, uint64_t patience_usec, Error *error)
{
    if (code == -EBUSY)
        return say_stuck(machine, error);
    if (code < 0)
        return error_set(error, code, "'%s' does not end: process %llu cannot be killed", machine->name,
                         (unsigned long long) machine->leader);
    return machine_is_running(machine) ? end_unsupervised(roster, machine, patience_usec, error) : 0;
}

int machine_stop(Roster *roster, const Machine *machine, uint64_t timeout_usec, Error *error)
{
    _cleanup_close_ int supervisor = machine_open_supervisor(machine);
    uint64_t patience;
    int r;

    if (supervisor < 0)
        return end_unsupervised(roster, machine, MIN(timeout_usec, machine->stop_timeout_usec), error);
    patience = timeout_usec != UINT64_MAX                     ? timeout_usec
               : machine->stop_timeout_usec >= UINT64_MAX / 2 ? UINT64_MAX
                                                              : machine->stop_timeout_usec + TEARDOWN_USEC;
    r = process_send_signal(supervisor, SIGTERM);
    machine_thaw(machine);
    if (r == 0)
        r = wait_for_end(supervisor, machine, patience, MIN(timeout_usec, machine->stop_timeout_usec));
    if (r == -ESRCH)
        r = 0;
    if (r == -ETIMEDOUT) {
        kill_machine(machine);
        r = wait_for_end(supervisor, machine, TEARDOWN_USEC, 0);
    }
    return end_or_explain(r, roster, machine, MIN(timeout_usec, machine->stop_timeout_usec), error);
}

int machine_terminate(Roster *roster, const Machine *machine, Error *error)
{
    _cleanup_close_ int supervisor = machine_open_supervisor(machine);

    if (supervisor < 0)
        return end_unsupervised(roster, machine, 0, error);
    /* It hears of this before it hears of the end. */
    if (machine->restart)
        (void) process_send_signal(supervisor, MACHINE_LAST_END_SIGNAL);
    kill_machine(machine);
    machine_thaw(machine);
    return end_or_explain(wait_for_end(supervisor, machine, TEARDOWN_USEC, 0), roster, machine, 0, error);
}

static const char *const kill_whom_names[] = {
    [KILL_WHOM_LEADER] = "leader",
    [KILL_WHOM_SUPERVISOR] = "supervisor",
    [KILL_WHOM_ALL] = "all",
};

KillWhom kill_whom_from_string(const char *string)
{
    for (int i = 0; i < _KILL_WHOM_MAX; i++)
        if (strcmp(string, kill_whom_names[i]) == 0)
            return (KillWhom) i;
    return _KILL_WHOM_INVALID;
}

/* Every process of the group, by one pass over cgroup.procs of it and the groups below. */
static int signal_group(const Machine *machine, int signal_number, Error *error)
{
    _cleanup_close_ int root_fd = -EBADF, group_fd = -EBADF;
    _cleanup_free_ char *payload = machine->cgroup ? text_format("%s/payload", machine->cgroup) : NULL;
    bool is_hybrid;
    int r;

    if (!payload)
        return error_set(error, -EOPNOTSUPP, "'%s' has no cgroup: only its leader can be signalled", machine->name);
    r = cgroup_open_root(&root_fd, &is_hybrid);
    if (r == 0)
        r = cgroup_open(root_fd, payload, false, &group_fd);
    if (r == 0)
        r = signal_number == SIGKILL ? cgroup_kill(group_fd) : cgroup_signal(group_fd, signal_number);
    return r < 0 ? error_set(error, r, "cannot signal the processes of '%s': %s", machine->name, strerror(-r)) : 0;
}

int machine_signal(const Machine *machine, KillWhom whom, int signal_number, Error *error)
{
    _cleanup_close_ int pidfd = -EBADF;
    int r;

    if (whom == KILL_WHOM_ALL)
        return signal_group(machine, signal_number, error);
    pidfd = whom == KILL_WHOM_LEADER ? machine_open_leader(machine) : machine_open_supervisor(machine);
    r = pidfd < 0 ? pidfd : process_send_signal(pidfd, signal_number);
    return r < 0 ? error_set(error, r, "cannot signal the %s of '%s': %s", kill_whom_names[whom], machine->name,
                             strerror(-r))
                 : 0;
}
