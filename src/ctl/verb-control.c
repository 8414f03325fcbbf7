/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill, stop, terminate, rm. */

#include "ctl/control.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "machines/control.h"

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
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = ctl_load_machine(ctl, name, &machine, error);

    return r < 0 ? r : machine_terminate(ctl->roster, machine, error);
}

int verb_terminate(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, terminate_one, NULL, error);
}

static int kill_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    KillWhom whom = ctl->whom ? kill_whom_from_string(ctl->whom) : KILL_WHOM_LEADER;
    int signal_number = SIGTERM, r;

    if (ctl->signal && text_parse_signal(ctl->signal, &signal_number) < 0)
        return error_set(error, -EINVAL, "--signal: '%s' is not a signal", ctl->signal);
    if (whom == _KILL_WHOM_INVALID)
        return error_set(error, -EINVAL, "--kill-whom: '%s' is not leader, supervisor or all", ctl->whom);
    r = ctl_load_machine(ctl, name, &machine, error);
    return r < 0 ? r : machine_signal(machine, whom, signal_number, error);
}

int verb_kill(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, kill_one, NULL, error);
}

static int remove_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    return control_remove(ctl, name, ctl->force, error);
}

int verb_rm(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, remove_one, NULL, error);
}
