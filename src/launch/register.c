/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registration with systemd-machined, for what stays running. */

#include "launch/internal.h"

#include "base/program.h"
#include "base/text.h"
#include "host/machined.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define REGISTRAR_NAME "berth-registrar"

static bool wants_registration(const ContainerSpec *spec)
{
    switch (spec->registration) {
    case REGISTER_YES:
        return true;
    case REGISTER_AUTO:
        return (spec->detach || spec->boot || spec->keep_unit) && spec_can_be_registered(spec) && systemd_is_running();
    default:
        return false;
    }
}

int launch_gather_registrar(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    int fd;

    launch->wants_registration = wants_registration(spec);
    if (spec->registration == REGISTER_YES && !systemd_is_running())
        return error_set(error, -EOPNOTSUPP, "%s: this host was not booted with systemd",
                         spec_origin(spec, offsetof(ContainerSpec, registration)));
    if (!launch->wants_registration && !plan_restarts(spec))
        return 0;
    fd = program_open("registrar", REGISTRAR_NAME, error);
    if (fd < 0)
        return fd;
    launch->facts.registrar_fd = fd_list_add(&launch->fds, fd, true);
    return 0;
}

int launch_register(Launch *launch, int leader_pidfd, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_error_ Error cause = {};
    MachinedRecord record = {
        .name = spec->name,
        .id = launch->machine_id,
        .host_directory = spec->host_directory,
        .leader = (pid_t) launch->machine->leader,
        .leader_pidfd = leader_pidfd,
    };
    int r = 0;

    if (!launch->wants_registration)
        return 0;
    if (!launch->systemd)
        r = systemd_open(&launch->systemd, &cause);
    if (r == 0)
        r = machined_register(launch->systemd, &record, &cause);
    launch->machine->registered = r == 0;
    /* One that has ended already is no failure of ours, and a host without machined is not worth a line. */
    if (r == 0 || r == -ESRCH || (r == -EOPNOTSUPP && spec->registration == REGISTER_AUTO))
        return 0;
    if (spec->registration == REGISTER_YES) {
        error_move(error, &cause);
        return r;
    }
    if (launch->request.notice) {
        _cleanup_free_ char *text =
            text_format("not registered with systemd-machined: %s", cause.text ? cause.text : strerror(-r));

        if (text)
            launch->request.notice(text, launch->request.userdata);
    }
    return 0;
}

void launch_unregister_dead(Launch *launch, int leader_pidfd)
{
    struct pollfd poll_one = {leader_pidfd, POLLIN, 0};

    if (launch->machine->registered && poll(&poll_one, 1, 0) > 0)
        (void) machined_unregister(launch->systemd, launch->request.spec->name, (pid_t) launch->machine->leader, NULL);
}
