/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/namespaces.h"

#include "base/cleanup.h"
#include "kernel/namespace.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

static const struct {
    int flag;
    const char *kind, *name;
} kinds[_SHARED_MAX] = {
    [SHARED_NETWORK] = {CLONE_NEWNET, "net", "network"},
    [SHARED_UTS] = {CLONE_NEWUTS, "uts", "UTS"},
    [SHARED_IPC] = {CLONE_NEWIPC, "ipc", "IPC"},
    [SHARED_PID] = {CLONE_NEWPID, "pid", "PID"}, /* of children only: setns(2) */
    [SHARED_TIME] = {CLONE_NEWTIME, "time", "time"},
};

/* Before the first change, so that there is always a way back. */
static int open_own(Context *context, int number, int *ret_fd)
{
    int fd = namespace_open(0, kinds[number].kind);

    if (fd < 0)
        return fail(context, fd, "cannot open the host's %s namespace: %s", kinds[number].name, strerror(-fd));
    *ret_fd = fd;
    return 0;
}

static int go_into(Context *context, int number, int target_fd, const char *const *time_offsets)
{
    int r = number == SHARED_TIME ? namespace_make_time(time_offsets) : namespace_enter(target_fd, kinds[number].flag);

    if (r == -ERANGE && number == SHARED_TIME)
        return fail(context, r, "a clock inside would be before its beginning");
    return r < 0 ? fail(context, r, "cannot go into the %s namespace: %s", kinds[number].name, strerror(-r)) : 0;
}

int namespaces_enter_shared(Context *context, const StepStart *step, SharedNamespaces *ret)
{
    const int targets[_SHARED_MAX] = {[SHARED_NETWORK] = context_fd(context, step->network_fd),
                                      [SHARED_UTS] = context_fd(context, step->uts_fd),
                                      [SHARED_IPC] = context_fd(context, step->ipc_fd),
                                      [SHARED_PID] = context_fd(context, step->pid_fd),
                                      [SHARED_TIME] = -EBADF};

    for (int i = 0; i < _SHARED_MAX; i++)
        ret->own_fds[i] = -EBADF;
    for (int i = 0; i < _SHARED_MAX; i++) {
        int r;

        if (i == SHARED_TIME ? step->time_offsets == NULL : targets[i] < 0)
            continue;
        r = open_own(context, i, &ret->own_fds[i]);
        if (r == 0)
            r = go_into(context, i, targets[i], step->time_offsets);
        if (r < 0)
            return r;
    }
    return 0;
}

int namespaces_leave_shared(Context *context, SharedNamespaces *shared)
{
    int result = 0;

    for (int i = 0; i < _SHARED_MAX; i++) {
        int r = shared->own_fds[i] < 0 ? 0 : namespace_enter(shared->own_fds[i], kinds[i].flag);

        if (r < 0 && result == 0)
            result = fail(context, r, "cannot come back from the %s namespace: %s", kinds[i].name, strerror(-r));
        shared->own_fds[i] = safe_close(shared->own_fds[i]);
    }
    return result;
}
