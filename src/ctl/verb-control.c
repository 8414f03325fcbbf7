/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill, stop, terminate, wait, rm. */

#include "ctl/control.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int stop_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    uint64_t timeout_usec = UINT64_MAX;

    if (ctl->timeout && text_parse_timespan_usec(ctl->timeout, &timeout_usec) < 0)
        return error_set(error, -EINVAL, "--time: '%s' is not a time span", ctl->timeout);
    return control_stop(ctl, name, timeout_usec, error);
}

int verb_stop(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, stop_one, NULL, error);
}

static int terminate_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    return control_terminate(ctl, name, error);
}

int verb_terminate(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, terminate_one, NULL, error);
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

static int kill_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int pidfd = -EBADF;
    const char *whom = ctl->whom ? ctl->whom : "leader";
    int signal_number = SIGTERM, r;

    if (ctl->signal && text_parse_signal(ctl->signal, &signal_number) < 0)
        return error_set(error, -EINVAL, "--signal: '%s' is not a signal", ctl->signal);
    r = ctl_load_machine(ctl, name, &machine, error);
    if (r < 0)
        return r;
    if (strcmp(whom, "all") == 0)
        return signal_group(machine, signal_number, error);
    if (strcmp(whom, "leader") == 0)
        pidfd = machine_open_leader(machine);
    else if (strcmp(whom, "supervisor") == 0)
        pidfd = machine_open_supervisor(machine);
    else
        return error_set(error, -EINVAL, "--kill-whom: '%s' is not leader, supervisor or all", whom);
    r = pidfd < 0 ? pidfd : process_send_signal(pidfd, signal_number);
    return r < 0 ? error_set(error, r, "cannot signal the %s of '%s': %s", whom, name, strerror(-r)) : 0;
}

int verb_kill(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, kill_one, NULL, error);
}

static int wait_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    MachineExit end = {};
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r == 0) {
        _cleanup_close_ int supervisor = machine_open_supervisor(machine);
        struct pollfd poll_one = {supervisor, POLLIN, 0};

        while (supervisor >= 0 && poll(&poll_one, 1, -1) < 0 && errno == EINTR)
            ;
    } else if (r != -ENOENT)
        return r;
    r = roster_load_exit(ctl->roster, name, &end);
    if (r < 0)
        return machine
                   ? error_set(error, r, "'%s' ended without telling its exit code: its supervisor was killed", name)
                   : r;
    error_done(error);
    printf("%lld\n", (long long) end.code);
    return 0;
}

int verb_wait(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, wait_one, NULL, error);
}

static int remove_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    return control_remove(ctl, name, ctl->force, error);
}

int verb_rm(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, remove_one, NULL, error);
}
