/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/pause.h"

#include "base/text.h"
#include "host/systemd.h"
#include "kernel/cgroup.h"
#include "machines/roster.h"

#include <errno.h>
#include <string.h>

/* A process in the kernel stops when it comes back from there. */
#define FREEZE_TIMEOUT_MSEC 10000

/* The whole of the machine, and the payload's part of it. */
typedef struct Groups {
    int machine_fd, payload_fd;
} Groups;

static void groups_done(Groups *groups)
{
    safe_close(groups->machine_fd);
    safe_close(groups->payload_fd);
}

static int open_groups(const Machine *machine, Groups *groups)
{
    _cleanup_close_ int root_fd = -EBADF;
    bool is_hybrid;
    int r;

    if (!machine->cgroup)
        return -EOPNOTSUPP;
    r = cgroup_open_root(&root_fd, &is_hybrid);
    if (r == 0)
        r = cgroup_open(root_fd, machine->cgroup, false, &groups->machine_fd);
    if (r == 0)
        r = cgroup_open(groups->machine_fd, "payload", false, &groups->payload_fd);
    return r;
}

bool machine_is_paused(const Machine *machine)
{
    _cleanup_(groups_done) Groups groups = {-EBADF, -EBADF};
    bool is_frozen = false;

    return open_groups(machine, &groups) == 0 && cgroup_is_frozen(groups.payload_fd, &is_frozen) == 0 && is_frozen;
}

static int open_groups_of_running(const Machine *machine, Groups *groups, Error *error)
{
    _cleanup_close_ int leader = -EBADF;
    int r;

    if (machine->leader == 0)
        return error_hint(error, error_set(error, -EAGAIN, "'%s' is just being started", machine->name),
                          "try again in a moment");
    leader = machine_open_leader(machine);
    if (leader < 0)
        return error_set(error, -ESRCH, "'%s' is not running any more", machine->name);
    r = open_groups(machine, groups);
    if (r == -EOPNOTSUPP)
        return error_hint(error, error_set(error, r, "'%s' has no cgroup that could be frozen", machine->name),
                          "berthctl info tells what this host lacks");
    return r < 0 ? error_set(error, r, "cannot open the cgroup of '%s': %s", machine->name, strerror(-r)) : 0;
}

/* What was frozen by `systemctl freeze`: the manager has to know that it is not any more. Without it, or if it does not
 * take it, the file is written all the same. */
static void thaw_unit(const Machine *machine, int machine_fd)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    char text[16] = "";

    if (cgroup_read(machine_fd, "cgroup.freeze", text, sizeof(text)) <= 0 || strcmp(text, "1") != 0)
        return;
    if (machine->unit && systemd_is_running() && systemd_open(&systemd, NULL) == 0 &&
        systemd_unit_thaw(systemd, machine->unit, NULL) == 0)
        return;
    (void) cgroup_freeze(machine_fd, false);
}

int machine_pause(const Machine *machine, Error *error)
{
    _cleanup_(groups_done) Groups groups = {-EBADF, -EBADF};
    bool is_frozen = false;
    int r = open_groups_of_running(machine, &groups, error);

    if (r < 0)
        return r;
    if (cgroup_is_frozen(groups.payload_fd, &is_frozen) == 0 && is_frozen)
        return 1;
    r = cgroup_freeze(groups.payload_fd, true);
    if (r == -ENOENT)
        return error_set(error, -EOPNOTSUPP, "this kernel cannot freeze a cgroup");
    if (r == 0)
        r = cgroup_wait_frozen(groups.payload_fd, FREEZE_TIMEOUT_MSEC);
    if (r == -ETIMEDOUT) {
        (void) cgroup_freeze(groups.payload_fd, false);
        return error_set(error, r, "a process of '%s' is stuck in the kernel and cannot be paused", machine->name);
    }
    if (r < 0)
        return error_set(error, r, "cannot pause '%s': %s", machine->name, strerror(-r));
    machine_tell(machine, EVENT_PAUSE);
    return 0;
}

int machine_resume(const Machine *machine, Error *error)
{
    _cleanup_(groups_done) Groups groups = {-EBADF, -EBADF};
    bool is_frozen = false;
    int r = open_groups_of_running(machine, &groups, error);

    if (r < 0)
        return r;
    (void) cgroup_is_frozen(groups.payload_fd, &is_frozen);
    /* Also when it is not frozen yet: somebody may be about to pause it. */
    r = cgroup_freeze(groups.payload_fd, false);
    thaw_unit(machine, groups.machine_fd);
    if (r < 0)
        return error_set(error, r, "cannot resume '%s': %s", machine->name, strerror(-r));
    if (!is_frozen)
        return 1;
    machine_tell(machine, EVENT_UNPAUSE);
    return 0;
}

void machine_thaw(const Machine *machine)
{
    _cleanup_(groups_done) Groups groups = {-EBADF, -EBADF};

    (void) open_groups(machine, &groups);
    if (groups.payload_fd >= 0)
        (void) cgroup_freeze(groups.payload_fd, false);
    if (groups.machine_fd >= 0)
        thaw_unit(machine, groups.machine_fd);
}
