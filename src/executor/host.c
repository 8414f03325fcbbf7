/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of the supervisor, in the host's namespaces. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/namespaces.h"
#include "kernel/cgroup.h"
#include "kernel/device-filter.h"
#include "kernel/pipe.h"
#include "kernel/process.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Out of the scope's own group, which must hold no process to give its controllers to its children (cgroup-v2.rst, "no
 * internal process constraint"). Only there: a write to cgroup.procs may wait 10 ms for an RCU grace period, which systemd
 * has just had for our move into the scope. A group of our own is made empty, and the supervisor stays where it is. */
static int enter_supervisor_group(Context *context)
{
    int fd = -EBADF, r = cgroup_open(context->cgroup_fd, "supervisor", true, &fd);

    if (r == 0)
        r = cgroup_write(fd, "cgroup.procs", "0");
    safe_close(fd);
    return r < 0 ? fail(context, r, "cannot enter the cgroup: %s", strerror(-r)) : 0;
}

static const StepCgroup *find_cgroup(const Context *context)
{
    for (size_t i = 0; i < context->plan.count; i++)
        if (context->plan.steps[i].kind == STEP_CGROUP)
            return &context->plan.steps[i].cgroup;
    return NULL;
}

static int open_payload_group(Context *context, const StepCgroup *step)
{
    if (!step || !step->is_direct)
        return cgroup_open(context->cgroup_fd, "payload", true, &context->payload_cgroup_fd);
    context->payload_cgroup_fd = fcntl(context->cgroup_fd, F_DUPFD_CLOEXEC, 3);
    return context->payload_cgroup_fd < 0 ? -errno : 0;
}

static int make_payload_group(Context *context, const char *const *files)
{
    const StepCgroup *step = find_cgroup(context);
    int r = open_payload_group(context, step);

    if (r < 0)
        return fail(context, r, "cannot make the payload's cgroup: %s", strerror(-r));
    if (context->cgroup_uid > 0) {
        r = cgroup_delegate(context->payload_cgroup_fd, context->cgroup_uid, context->cgroup_gid);
        if (r < 0)
            return fail(context, r, "cannot give the payload its cgroup: %s", strerror(-r));
    }
    if (!step || !step->is_direct)
        cgroup_enable_controllers(context->cgroup_fd);
    if (step && step->devices_size > 0) {
        r = device_filter_attach(context->cgroup_fd, step->devices, step->devices_size);
        if (r < 0)
            return fail(context, r, "cannot filter devices: %s", strerror(-r));
    }

    for (size_t i = 0; files && files[i]; i++) {
        char name[64];
        const char *equals = strchr(files[i], '=');
        size_t length = equals ? (size_t) (equals - files[i]) : 0;

        if (length == 0 || length >= sizeof(name))
            return fail(context, -EINVAL, "'%s' is not FILE=VALUE", files[i]);
        memcpy(name, files[i], length);
        name[length] = 0;
        r = cgroup_write(context->cgroup_fd, name, equals + 1);
        if (r < 0)
            return fail(context, r, "cannot set %s: %s", files[i], strerror(-r));
    }
    return 0;
}

/* A group has the controllers that its parent gives it. */
static void enable_controllers_above(int root_fd, const char *name)
{
    char parent[PATH_MAX];

    cgroup_enable_controllers(root_fd);
    for (const char *slash = strchr(name, '/'); slash && (size_t) (slash - name) < sizeof(parent);
         slash = strchr(slash + 1, '/')) {
        int fd = -EBADF;

        memcpy(parent, name, (size_t) (slash - name));
        parent[slash - name] = 0;
        if (cgroup_open(root_fd, parent, false, &fd) == 0)
            cgroup_enable_controllers(fd);
        safe_close(fd);
    }
}

int apply_cgroup(Context *context, const Step *step)
{
    int root_fd = context_fd(context, step->cgroup.root_fd), r;

    context->cgroup_uid = (uid_t) step->cgroup.owner_uid;
    context->cgroup_gid = (gid_t) step->cgroup.owner_gid;
    /* There already: the payload is started again. */
    if (context->cgroup_fd >= 0)
        return make_payload_group(context, NULL);
    /* Without a directory to make it in, the launcher sends the group as soon as its scope is there (wait_cgroup()). */
    if (root_fd < 0)
        return 0;
    r = cgroup_open(root_fd, step->cgroup.name, true, &context->cgroup_fd);
    if (r < 0)
        return fail(context, r, "cannot make the cgroup '%s': %s", step->cgroup.name, strerror(-r));
    if (step->cgroup.files)
        enable_controllers_above(root_fd, step->cgroup.name);
    return make_payload_group(context, step->cgroup.files);
}

void undo_cgroup(Context *context, const Step *step)
{
    int root_fd = context_fd(context, step->cgroup.root_fd);

    if (context->cgroup_fd < 0)
        return;
    /* As a rule the payload took all its processes with it, and its group can go at once. */
    if (context->payload_cgroup_fd >= 0 && cgroup_remove(context->cgroup_fd, "payload") < 0)
        (void) cgroup_kill(context->payload_cgroup_fd);
    if (root_fd < 0)
        return;
    for (unsigned attempt = 0; attempt < 100 && cgroup_remove(root_fd, step->cgroup.name) == -EBUSY; attempt++)
        (void) poll(NULL, 0, attempt < 10 ? 1 : 10);
}

int apply_directory(Context *context, const Step *step)
{
    int parent_fd = context_fd(context, step->directory.parent_fd);
    _cleanup_close_ int fd = -EBADF;

    context->made_directory = mkdirat(parent_fd, step->directory.name, (mode_t) step->directory.mode) == 0;
    if (!context->made_directory && errno != EEXIST)
        return fail(context, -errno, "cannot make the container's directory: %s", strerror(errno));
    fd = openat(parent_fd, step->directory.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(context, -errno, "cannot open the container's directory: %s", strerror(errno));
    for (size_t i = 0; step->directory.children && step->directory.children[i]; i++) {
        const char *child = step->directory.children[i];

        if (mkdirat(fd, child, 0700) < 0) {
            if (errno == EEXIST)
                continue;
            return fail(context, -errno, "cannot make '%s' in the container's directory: %s", child, strerror(errno));
        }
        if (fchownat(fd, child, (uid_t) step->directory.child_uid, (gid_t) step->directory.child_gid,
                     AT_SYMLINK_NOFOLLOW) < 0 ||
            fchmodat(fd, child, (mode_t) step->directory.child_mode, 0) < 0)
            return fail(context, -errno, "cannot set the owner of '%s' in the container's directory: %s", child,
                        strerror(errno));
    }
    return 0;
}

void undo_directory(Context *context, const Step *step)
{
    if (step->directory.remove || (context->is_failing && context->made_directory))
        (void) file_remove_tree_at(context_fd(context, step->directory.parent_fd), step->directory.name);
}

static int open_output_pipes(Context *context, const StepSupervise *supervise)
{
    for (int i = 0; i < 2; i++) {
        int fds[2], r;

        if (supervise->log == STEP_LOG_NONE) {
            context->payload_stdio[i + 1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
            continue;
        }
        r = pipe_make(supervise->file_label, fds);
        if (r < 0)
            return r;
        context->output_fds[i] = fds[0];
        context->payload_stdio[i + 1] = fds[1];
    }
    if (!supervise->echo)
        context->payload_stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return 0;
}

static const StepSupervise *find_supervise(const Context *context)
{
    for (size_t i = 0; i < context->plan.count; i++)
        if (context->plan.steps[i].kind == STEP_SUPERVISE)
            return &context->plan.steps[i].supervise;
    return NULL;
}

/* Clones the first process of the container; the copy runs the inner steps and does not come back. */
static int start(Context *context, uint64_t namespaces, int cgroup_fd)
{
    const StepSupervise *supervise_step = find_supervise(context);
    int sockets[2], r;
    pid_t pid;

    r = socket_make_pair(sockets);
    if (r == 0 && supervise_step && supervise_step->log != STEP_LOG_PASSTHROUGH)
        r = open_output_pipes(context, supervise_step);
    if (r < 0)
        return fail(context, r, "cannot make the sockets and pipes: %s", strerror(-r));

    pid = process_clone(namespaces, cgroup_fd, &context->payload_pidfd);
    if (pid < 0) {
        safe_close(sockets[0]);
        safe_close(sockets[1]);
        return fail(context, pid, "cannot make the namespaces: %s", strerror(-pid));
    }
    if (pid == 0) {
        /* Until the program runs a dead supervisor leaves nobody to finish the job; afterwards the payload may
         * outlive it (apply_exec() clears this). */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        safe_close(sockets[0]);
        context->control_fd = safe_close(context->control_fd);
        context->inner_fd = sockets[1];
        run_inner_steps(context);
    }
    safe_close(sockets[1]);
    context->inner_fd = sockets[0];
    context->payload_pid = pid;
    for (int i = 0; i < 3; i++)
        context->payload_stdio[i] = safe_close(context->payload_stdio[i]);
    return 0;
}

int apply_start(Context *context, const Step *step)
{
    SharedNamespaces shared;
    int r = namespaces_enter_shared(context, &step->start, &shared), back;

    if (r == 0)
        r = start(context, step->start.namespaces, context->payload_cgroup_fd);
    back = namespaces_leave_shared(context, &shared);
    return r < 0 ? r : back;
}

int apply_join_start(Context *context, const Step *step)
{
    int target = context_fd(context, step->join_start.target_pidfd);

    /* setns(2) with CLONE_NEWPID concerns children only: the supervisor itself stays outside in every namespace. */
    if (setns(target, CLONE_NEWPID) < 0)
        return fail(context, -errno, "cannot join the pid namespace: %s", strerror(errno));
    return start(context, 0, context_fd(context, step->join_start.cgroup_fd));
}

/* The launcher's word that the scope exists, with the scope's cgroup. */
static int wait_cgroup(Context *context)
{
    Message message;
    int fds[SOCKET_FDS_MAX];
    size_t fds_count = 0;
    ssize_t n;

    n = socket_receive(context->control_fd, &message, sizeof(message), fds, &fds_count);
    if (n != sizeof(message) || message.kind != MESSAGE_CGROUP || fds_count != 1) {
        while (fds_count > 0)
            safe_close(fds[--fds_count]);
        return fail(context, n < 0 ? (int) n : -ECANCELED, "the launcher went away before the cgroup was there");
    }
    context->cgroup_fd = fds[0];
    /* A supervisor that goes need not be out of the way of the group's children. */
    n = find_cgroup(context) && find_cgroup(context)->is_direct ? 0 : enter_supervisor_group(context);
    return n < 0 ? (int) n : make_payload_group(context, NULL);
}

/* The inner process has built what it can and waits to be in its cgroup, which is made as soon as there is a scope. */
static int give_cgroup(Context *context)
{
    char pid[16];
    int r = wait_cgroup(context);

    if (r < 0)
        return r;
    snprintf(pid, sizeof(pid), "%d", (int) context->payload_pid);
    r = cgroup_write(context->payload_cgroup_fd, "cgroup.procs", pid);
    if (r < 0)
        return fail(context, r, "cannot move the payload into its cgroup: %s", strerror(-r));
    r = send_message(context->inner_fd, MESSAGE_CGROUP, 0, -EBADF);
    return r < 0 ? fail(context, r, "the inner process is gone: %s", strerror(-r)) : 0;
}

/* Follows the inner process until its program runs: the socket closes on execve(2). */
static int follow_inner(Context *context)
{
    for (;;) {
        Message message;
        int fds[SOCKET_FDS_MAX], r = 0;
        size_t fds_count = 0;
        ssize_t n = socket_receive(context->inner_fd, &message, sizeof(message), fds, &fds_count);

        if (n == 0 || (n == sizeof(message) && message.kind == MESSAGE_WAITING)) {
            context->is_waiting = n > 0;
            break;
        }
        if (n != sizeof(message))
            return fail(context, n < 0 ? (int) n : -EBADMSG, "broken message from the inner process");
        message.text[sizeof(message.text) - 1] = 0;
        switch (message.kind) {
        case MESSAGE_WANT_CGROUP:
            r = give_cgroup(context);
            break;
        case MESSAGE_WANT_STEPS:
            r = serve_outer_steps(context, message.step, fds_count == 1 ? fds[0] : -EBADF);
            break;
        case MESSAGE_TERMINAL:
            if (fds_count == 1) {
                safe_close(context->terminal_fd);
                context->terminal_fd = fds[0];
                fds_count = 0;
            }
            break;
        case MESSAGE_NOTIFY:
            if (fds_count == 1) {
                safe_close(context->notify_fd);
                context->notify_fd = fds[0];
                fds_count = 0;
            }
            break;
        case MESSAGE_FAILED:
            context->current = message.step;
            context->exit_status = (int) message.exit_status;
            r = fail(context, message.number < 0 ? message.number : -EIO, "%s", message.text);
            break;
        default:
            r = fail(context, -EBADMSG, "unexpected message %u from the inner process", message.kind);
        }
        while (fds_count > 0)
            safe_close(fds[--fds_count]);
        if (r < 0)
            return r;
    }
    if (!context->is_waiting)
        context->inner_fd = safe_close(context->inner_fd);
    /* They are the payload's mounts now; here they would only keep them alive. */
    for (size_t i = 0; i < context->trees_count; i++)
        context->trees[i] = safe_close(context->trees[i]);
    context->userns_fd = safe_close(context->userns_fd);
    return 0;
}

/* Ends the container's first process and with it all in its pid namespace. */
static void end_payload(Context *context)
{
    int code = 0;
    bool signaled = false;

    (void) process_send_signal(context->payload_pidfd, SIGKILL);
    (void) process_wait(context->payload_pidfd, &code, &signaled);
}

static int send_started(Context *context)
{
    Message message = {.kind = MESSAGE_STARTED, .number = (int32_t) context->payload_pid, .address = context->address};
    StartTrace trace;

    memcpy(message.address6, context->address6, sizeof(message.address6));
    trace_pack(context->trace, &trace);
    trace_close(context->trace);
    context->trace = NULL;
    memcpy(message.text, &trace, sizeof(trace));
    return socket_send(context->control_fd, &message, sizeof(message), &context->payload_pidfd, 1);
}

int follow_start(Context *context)
{
    int r = follow_inner(context);

    if (r < 0)
        end_payload(context);
    return r;
}

/* When others can find the container it is left to itself: it waits for its start, or its program runs. */
static int leave_container(Context *context)
{
    Message message;
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    ssize_t n = socket_receive(context->control_fd, &message, sizeof(message), fds, &count);

    while (count > 0)
        safe_close(fds[--count]);
    if (n != sizeof(message) || message.kind != MESSAGE_ANNOUNCED) {
        end_payload(context);
        return fail(context, -ECANCELED, "the launcher is gone");
    }
    if (!context->is_waiting)
        return 0;
    n = send_message(context->inner_fd, MESSAGE_ANNOUNCED, 0, -EBADF);
    /* Its end of the socket is closed when it no longer minds our end. */
    if (n == 0)
        n = socket_receive(context->inner_fd, &message, sizeof(message), fds, &count);
    if (n == sizeof(message) && message.kind == MESSAGE_FAILED)
        (void) fail(context, -EIO, "%.*s", (int) sizeof(message.text) - 1, message.text);
    if (n != 0) {
        end_payload(context);
        return fail(context, -ECANCELED, "the container's first process is gone");
    }
    return 0;
}

int apply_supervise(Context *context, const Step *step)
{
    int r = follow_start(context);

    if (r < 0)
        return r;
    r = send_started(context);
    if (r == 0 && context->terminal_fd >= 0 && step->supervise.log == STEP_LOG_PASSTHROUGH)
        r = send_message(context->control_fd, MESSAGE_TERMINAL, 0, context->terminal_fd);
    if (r < 0) {
        end_payload(context);
        return fail(context, r, "cannot tell the launcher: %s", strerror(-r));
    }
    return step->supervise.leaves ? leave_container(context) : supervise(context, &step->supervise);
}
