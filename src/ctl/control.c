/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/control.h"

#include "base/file.h"
#include "base/text.h"
#include "ctl/definitions.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* How long the supervisor may take, after the payload's end, to take everything back. */
#define TEARDOWN_USEC (10 * UINT64_C(1000000))

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

/* A machine whose supervisor was killed: what the supervisor would have done is done here. */
static int end_unsupervised(Ctl *ctl, const Machine *machine, uint64_t patience_usec, Error *error)
{
    _cleanup_close_ int leader = machine_open_leader(machine), lock_fd = -EBADF;

    /* Somebody holds the name: it is being started, and its state does not tell yet by whom. */
    if (roster_lock(ctl->roster, machine->name, &lock_fd) < 0)
        return error_hint(error, error_set(error, -EBUSY, "'%s' is just being started", machine->name),
                          "try again in a moment");
    if (leader >= 0 && patience_usec > 0 && machine->stop_signal > 0 &&
        process_send_signal(leader, (int) machine->stop_signal) == 0)
        (void) wait_for(leader, patience_usec);
    kill_machine(machine);
    if (leader >= 0)
        (void) wait_for(leader, TEARDOWN_USEC);
    roster_undo(ctl->roster, machine);
    return 0;
}

int control_stop(Ctl *ctl, const char *name, uint64_t timeout_usec, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int supervisor = -EBADF;
    uint64_t patience;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r < 0)
        return r;
    supervisor = machine_open_supervisor(machine);
    if (supervisor < 0)
        return end_unsupervised(ctl, machine, MIN(timeout_usec, machine->stop_timeout_usec), error);
    patience = timeout_usec != UINT64_MAX                     ? timeout_usec
               : machine->stop_timeout_usec >= UINT64_MAX / 2 ? UINT64_MAX
                                                              : machine->stop_timeout_usec + TEARDOWN_USEC;
    r = process_send_signal(supervisor, SIGTERM);
    if (r == 0)
        r = wait_for(supervisor, patience);
    if (r == -ESRCH)
        return 0;
    if (r == -ETIMEDOUT) {
        kill_machine(machine);
        r = wait_for(supervisor, TEARDOWN_USEC);
    }
    return r < 0 ? error_set(error, r, "'%s' does not end: process %llu cannot be killed", name,
                             (unsigned long long) machine->leader)
                 : 0;
}

int control_terminate(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int supervisor = -EBADF;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r < 0)
        return r;
    supervisor = machine_open_supervisor(machine);
    if (supervisor < 0)
        return end_unsupervised(ctl, machine, 0, error);
    kill_machine(machine);
    r = wait_for(supervisor, TEARDOWN_USEC);
    return r < 0 ? error_set(error, r, "'%s' does not end: process %llu cannot be killed", name,
                             (unsigned long long) machine->leader)
                 : 0;
}

void definition_remove_transient(Ctl *ctl, const char *name)
{
    _cleanup_free_ char *file = text_format("%s" DEFINITION_SUFFIX, name);

    if (file)
        (void) unlinkat(ctl->roster->definitions_fd, file, 0);
}

/* The caller holds the name. */
static int remove_locked(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_free_ char *path = NULL;
    bool is_defined = definition_exists(name, &path), has_data;
    struct stat st;
    int r;

    has_data = fstatat(ctl->roster->containers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_defined && !has_data && faccessat(ctl->roster->exits_fd, name, F_OK, 0) < 0)
        return error_set(error, -ENOENT, "there is no container named '%s'", name);
    if (is_defined && unlink(path) < 0 && errno != ENOENT)
        return error_set(error, -errno, "cannot remove '%s': %s", path, strerror(errno));
    r = file_remove_tree_at(ctl->roster->containers_fd, name);
    if (r < 0)
        return error_set(error, r, "cannot remove what '%s' wrote: %s", name, strerror(-r));
    roster_forget_exit(ctl->roster, name);
    (void) unlinkat(ctl->roster->logs_fd, name, 0);
    (void) unlinkat(ctl->roster->attach_fd, name, 0);
    return 0;
}

/* -EBUSY while it runs, with its supervisor (which holds the lock) or without. */
static int lock_stopped(Ctl *ctl, const char *name, int *ret_fd)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r = roster_lock(ctl->roster, name, &fd);

    if (r < 0)
        return r;
    if (roster_load(ctl->roster, name, &machine, NULL) == 0 && machine_is_running(machine))
        return -EBUSY;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int control_remove(Ctl *ctl, const char *name, bool force, Error *error)
{
    _cleanup_close_ int lock_fd = -EBADF;
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    if (!text_is_name(name))
        return error_set(error, -EINVAL, "'%s' is not a container name", name);
    r = lock_stopped(ctl, name, &lock_fd);
    if (r == -EBUSY && force) {
        r = control_stop(ctl, name, UINT64_MAX, error);
        if (r == 0)
            r = lock_stopped(ctl, name, &lock_fd);
    }
    if (r == -EBUSY)
        return error_hint(error, error_set(error, r, "'%s' is running", name), "--force stops it first");
    if (r < 0)
        return error_prefix(error, r, "cannot lock '%s'", name);
    r = remove_locked(ctl, name, error);
    roster_unlock(ctl->roster, name);
    return r;
}
