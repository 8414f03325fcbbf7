/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pause, resume, restart. */

#include "ctl/container.h"
#include "ctl/control.h"

#include "base/log.h"
#include "base/text.h"
#include "definitions/services.h"
#include "machines/pause.h"

#include <errno.h>

static int pause_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r == 0)
        r = machine_pause(machine, error);
    if (r == 1)
        log_info("'%s' is paused already", name);
    return MIN(r, 0);
}

int verb_pause(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, pause_one, NULL, error);
}

static int resume_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r == 0)
        r = machine_resume(machine, error);
    if (r == 1)
        log_info("'%s' is not paused", name);
    return MIN(r, 0);
}

int verb_resume(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, resume_one, NULL, error);
}

static int restart_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    const uint64_t *timeout_usec = userdata;
    _cleanup_container_ Container *container = NULL;
    int r = container_load(ctl, name, &container, error);

    if (r == 0 && container->machine && !container->definition)
        r = service_restart_unit(container->machine->unit, error);
    if (r != 0)
        return MIN(r, 0);
    /* Nothing is stopped that could not be started again. */
    if (!container->definition || (container->machine && container->machine->remove))
        return error_hint(error, error_set(error, -ENOENT, "'%s' has no definition to start it from again", name),
                          "it was run with --rm, --ephemeral or in the foreground: stop it and run it anew");
    if (container->machine)
        r = control_stop(ctl, name, *timeout_usec, error);
    return r < 0 ? r : ctl_start(ctl, name, error);
}

int verb_restart(Ctl *ctl, Error *error)
{
    uint64_t timeout_usec = UINT64_MAX;

    if (ctl->timeout && text_parse_timespan_usec(ctl->timeout, &timeout_usec) < 0)
        return error_set(error, -EINVAL, "--time: '%s' is not a time span", ctl->timeout);
    return ctl_for_each_word(ctl, restart_one, &timeout_usec, error);
}
