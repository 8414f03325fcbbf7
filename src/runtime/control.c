/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill, delete, pause, resume, ps: what is done to a container that is there. */

#include "runtime/runtime.h"

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MSEC      10000
#define PROCS_MAX_BYTES (1U << 20)

int verb_kill(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    _cleanup_close_ int pidfd = -EBADF, group_fd = -EBADF;
    const char *text = runtime->words[1] ? runtime->words[1] : "SIGTERM";
    int signal_number = 0, r = container_state_load(runtime, runtime->words[0], &state, error);

    if (r < 0)
        return r;
    if (text_parse_signal(text, &signal_number) < 0)
        return error_set(error, -EINVAL, "'%s' is not a signal", text);
    if (runtime->all) {
        r = container_open_cgroup(&state, &group_fd);
        if (r == 0)
            r = signal_number == SIGKILL ? cgroup_kill(group_fd) : cgroup_signal(group_fd, signal_number);
        return r < 0 ? error_set(error, r, "cannot signal the processes of '%s': %s", state.id, strerror(-r)) : 0;
    }
    pidfd = container_open_process(&state);
    r = pidfd < 0 ? pidfd : process_send_signal(pidfd, signal_number);
    if (r == -ESRCH)
        return error_set(error, r, "cannot signal '%s': container not running", state.id);
    return r < 0 ? error_set(error, r, "cannot signal '%s': %s", state.id, strerror(-r)) : 0;
}

int verb_delete(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    int r = container_state_load(runtime, runtime->words[0], &state, error);
    ContainerStatus status;

    if (r == -ENOENT && runtime->force) {
        error_done(error);
        return 0;
    }
    if (r < 0)
        return r;
    status = container_status(&state);
    if (status != STATUS_STOPPED && !runtime->force)
        return error_set(error, -EBUSY, "cannot delete '%s': it is %s; --force kills it", state.id,
                         container_status_to_string(status));
    return container_destroy(runtime, &state, error);
}

static int set_frozen(Runtime *runtime, ContainerStatus wanted, bool freeze, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    _cleanup_close_ int group_fd = -EBADF;
    int r = container_state_load(runtime, runtime->words[0], &state, error);

    if (r < 0)
        return r;
    if (container_status(&state) != wanted)
        return error_set(error, -EINVAL, "'%s' is %s, not %s", state.id,
                         container_status_to_string(container_status(&state)), container_status_to_string(wanted));
    r = container_open_cgroup(&state, &group_fd);
    if (r == 0)
        r = cgroup_freeze(group_fd, freeze);
    if (r == 0 && freeze)
        r = cgroup_wait_frozen(group_fd, PAUSE_MSEC);
    return r < 0 ? error_set(error, r, "cannot %s '%s': %s", freeze ? "pause" : "resume", state.id, strerror(-r)) : 0;
}

int verb_pause(Runtime *runtime, Error *error)
{
    return set_frozen(runtime, STATUS_RUNNING, true, error);
}

int verb_resume(Runtime *runtime, Error *error)
{
    return set_frozen(runtime, STATUS_PAUSED, false, error);
}

/* The processes of the container's group itself: as the host numbers them. */
int verb_ps(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    _cleanup_close_ int group_fd = -EBADF;
    _cleanup_free_ char *pids = malloc(PROCS_MAX_BYTES);
    bool is_json = runtime->format && strcmp(runtime->format, "json") == 0;
    int r = container_state_load(runtime, runtime->words[0], &state, error);

    if (r < 0)
        return r;
    if (runtime->format && !is_json && strcmp(runtime->format, "table") != 0)
        return error_set(error, -EINVAL, "--format: '%s' is neither table nor json", runtime->format);
    r = pids ? container_open_cgroup(&state, &group_fd) : -ENOMEM;
    if (r == 0)
        r = (int) cgroup_read(group_fd, "cgroup.procs", pids, PROCS_MAX_BYTES);
    if (r < 0)
        return error_set(error, r, "cannot read the processes of '%s': %s", state.id, strerror(-r));
    printf(is_json ? "[" : "PID\n");
    for (const char *pid = pids; *pid;) {
        size_t length = strcspn(pid, "\n");

        printf("%s%.*s%s", is_json && pid > pids ? "," : "", (int) length, pid, is_json ? "" : "\n");
        pid += length + (pid[length] == '\n');
    }
    printf(is_json ? "]\n" : "");
    return 0;
}
