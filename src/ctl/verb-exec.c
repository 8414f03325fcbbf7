/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exec, shell, attach. */

#include "ctl/ctl.h"

#include "base/log.h"
#include "base/strv.h"
#include "inputs/environment.h"
#include "launch/launch.h"

#include <errno.h>
#include <unistd.h>

static int enter(Ctl *ctl, char *const *argv, bool tty, bool interactive, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_strv_ char **environment = NULL;
    EnterRequest request = {
        .argv = argv,
        .user = ctl->user,
        .working_directory = ctl->workdir,
        .tty = tty,
        .interactive = interactive,
        .detach = ctl->detach,
        .privileged = ctl->privileged,
    };
    int r = ctl_load_machine(ctl, ctl->words[0], &machine, error);

    STRV_FOREACH (variable, ctl->environment) {
        const char *resolved = environment_resolve(*variable, environ);

        if (r == 0 && resolved)
            r = strv_append(&environment, resolved);
    }
    if (r < 0)
        return r;
    request.roster = ctl->roster;
    request.machine = machine;
    request.environment = environment;
    r = launch_enter(&request, &ctl->exit_status, error);
    return r < 0 ? r : ctl->exit_status;
}

int verb_exec(Ctl *ctl, Error *error)
{
    return enter(ctl, ctl->words + 1, ctl->tty, ctl->interactive || ctl->tty, error);
}

int verb_shell(Ctl *ctl, Error *error)
{
    /* The container's own idea of a login shell, by a shell that every container with one has. */
    char *const shell[] = {(char *) "/bin/sh", (char *) "-c",
                           (char *) "if [ -x /bin/bash ]; then exec /bin/bash -l; else exec /bin/sh -l; fi", NULL};
    bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

    return enter(ctl, ctl->words[1] ? ctl->words + 1 : shell, tty, true, error);
}

int verb_attach(Ctl *ctl, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    MachineExit end = {};
    int r = ctl_load_machine(ctl, ctl->words[0], &machine, error);

    if (r == 0)
        r = launch_attach(ctl->roster, machine, &end, error);
    if (r == -EREMOTE) {
        log_info("detached from '%s', which goes on", ctl->words[0]);
        return 0;
    }
    return r < 0 ? r : (int) end.code;
}
