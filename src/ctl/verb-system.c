/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login, poweroff, reboot: of containers that run a system of their own. */

#include "ctl/ctl.h"

#include "kernel/process.h"
#include "launch/launch.h"
#include "steps/messages.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* What an init system does on a request, by way of the supervisor, which knows when the request can be heard. */
typedef struct SystemRequest {
    const char *what;
    int supervisor_signal, init_signal;
} SystemRequest;

static int request_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    const SystemRequest *request = userdata;
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int supervisor = -EBADF, leader = -EBADF;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r < 0)
        return r;
    if (!machine->boot)
        return error_hint(error,
                          error_set(error, -EOPNOTSUPP, "'%s' runs a program, not a system: there is nobody to %s it",
                                    name, request->what),
                          "berthctl stop %s, or berthctl restart %s", name, name);
    supervisor = machine_open_supervisor(machine);
    if (supervisor >= 0)
        r = process_send_signal(supervisor, request->supervisor_signal);
    else {
        leader = machine_open_leader(machine);
        r = leader < 0 ? leader : process_send_signal(leader, request->init_signal);
    }
    return r < 0 ? error_set(error, r, "cannot %s '%s': %s", request->what, name, strerror(-r)) : 0;
}

int verb_poweroff(Ctl *ctl, Error *error)
{
    SystemRequest request = {"power off", SUPERVISOR_POWER_OFF, SIGRTMIN + 4};

    return ctl_for_each_word(ctl, request_one, &request, error);
}

int verb_reboot(Ctl *ctl, Error *error)
{
    SystemRequest request = {"reboot", SUPERVISOR_REBOOT, SIGINT};

    return ctl_for_each_word(ctl, request_one, &request, error);
}

/* The container's own login(1) asks who it is, and its PAM makes a session of it. */
int ctl_login_machine(Ctl *ctl, Error *error)
{
    char *const argv[] = {(char *) "login", (char *) "-p", NULL};
    _cleanup_(machine_freep) Machine *machine = NULL;
    EnterRequest request = {.argv = argv, .user = "0:0", .working_directory = "/", .tty = true, .interactive = true};
    int r;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_hint(error, error_set(error, -ENOTTY, "'login' needs a terminal"),
                          "berthctl exec %s runs a command without one", ctl->words[0]);
    r = ctl_load_machine(ctl, ctl->words[0], &machine, error);
    if (r < 0)
        return r;
    request.roster = ctl->roster;
    request.machine = machine;
    r = launch_enter(&request, &ctl->exit_status, error);
    return r < 0 ? r : ctl->exit_status;
}
