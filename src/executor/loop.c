/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/apply.h"

#include "kernel/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Operation {
    int (*apply)(Context *context, const Step *step);
    void (*undo)(Context *context, const Step *step);
} Operation;

static const Operation operations[_STEP_KIND_MAX] = {
    [STEP_CGROUP] = {apply_cgroup, undo_cgroup},
    [STEP_DIRECTORY] = {apply_directory, undo_directory},
    [STEP_ID_RANGE] = {apply_id_range, undo_id_range},
    [STEP_CLONE_TREE] = {apply_clone_tree, NULL},
    [STEP_DEVICE_TREE] = {apply_device_tree, NULL},
    [STEP_START] = {apply_start, NULL},
    [STEP_JOIN_START] = {apply_join_start, NULL},
    [STEP_SUPERVISE] = {apply_supervise, NULL},
    [STEP_ID_MAP] = {apply_id_map, NULL},
    [STEP_MAP_TREE] = {apply_map_tree, NULL},
    [STEP_LINK] = {apply_link, NULL},
    [STEP_PUBLISH] = {apply_publish, undo_publish},
    [STEP_JOIN] = {apply_join, NULL},
    [STEP_JOIN_USER] = {apply_join_user, NULL},
    [STEP_BECOME_ROOT] = {apply_become_root, NULL},
    [STEP_AWAIT] = {apply_await, NULL},
    [STEP_PROPAGATION] = {apply_propagation, NULL},
    [STEP_ROOT_TREE] = {apply_root_tree, NULL},
    [STEP_ROOT_OVERLAY] = {apply_root_overlay, NULL},
    [STEP_MOUNT] = {apply_mount, NULL},
    [STEP_BIND] = {apply_bind, NULL},
    [STEP_OVERLAY] = {apply_overlay, NULL},
    [STEP_MAKE_DIRECTORY] = {apply_make_directory, NULL},
    [STEP_DEVICE] = {apply_device, NULL},
    [STEP_SYMLINK] = {apply_symlink, NULL},
    [STEP_FILE] = {apply_file, NULL},
    [STEP_NOTIFY_SOCKET] = {apply_notify_socket, NULL},
    [STEP_INACCESSIBLE] = {apply_inaccessible, NULL},
    [STEP_CREDENTIAL] = {apply_credential, NULL},
    [STEP_SHOW_FILE] = {apply_show_file, NULL},
    [STEP_TERMINAL] = {apply_terminal, NULL},
    [STEP_MASK] = {apply_mask, NULL},
    [STEP_READ_ONLY] = {apply_read_only, NULL},
    [STEP_SYSCTL] = {apply_sysctl, NULL},
    [STEP_PIVOT] = {apply_pivot, NULL},
    [STEP_JOIN_CGROUP] = {apply_join_cgroup, NULL},
    [STEP_HOSTNAME] = {apply_hostname, NULL},
    [STEP_LOOPBACK] = {apply_loopback, NULL},
    [STEP_LABEL] = {apply_label, NULL},
    [STEP_KEYRING] = {apply_keyring, NULL},
    [STEP_RLIMIT] = {apply_rlimit, NULL},
    [STEP_OOM_SCORE] = {apply_oom_score, NULL},
    [STEP_IDENTITY] = {apply_identity, NULL},
    [STEP_WORKING_DIRECTORY] = {apply_working_directory, NULL},
    [STEP_CHOWN_TREE] = {apply_chown_tree, NULL},
    [STEP_CAPABILITIES] = {apply_capabilities, NULL},
    [STEP_NO_NEW_PRIVILEGES] = {apply_no_new_privileges, NULL},
    [STEP_SECCOMP] = {apply_seccomp, NULL},
    [STEP_EXEC] = {apply_exec, NULL},
};

void context_init(Context *context)
{
    *context = (Context){
        .control_fd = -EBADF,
        .inner_fd = -EBADF,
        .cgroup_fd = -EBADF,
        .payload_cgroup_fd = -EBADF,
        .payload_pidfd = -EBADF,
        .root_fd = -EBADF,
        .proc_fd = -EBADF,
        .notify_fd = -EBADF,
        .userns_fd = -EBADF,
        .host_mounts_fd = -EBADF,
        .terminal_fd = -EBADF,
        .output_fds = {-EBADF, -EBADF},
        .payload_stdio = {-EBADF, -EBADF, -EBADF},
    };
}

int fail(Context *context, int r, const char *format, ...)
{
    va_list arguments;

    if (context->failure[0] == 0) {
        va_start(arguments, format);
        vsnprintf(context->failure, sizeof(context->failure), format, arguments);
        va_end(arguments);
    }
    return r;
}

int context_fd(const Context *context, uint64_t place_plus_one)
{
    return place_plus_one == 0 || place_plus_one > context->fds_count ? -EBADF : context->fds[place_plus_one - 1];
}

int context_tree(const Context *context, uint64_t number)
{
    return number == 0 || number > context->trees_count ? -EBADF : context->trees[number - 1];
}

int send_message(int socket_fd, MessageKind kind, int number, int fd)
{
    Message message = {.kind = kind, .number = number};

    return socket_send(socket_fd, &message, sizeof(message), &fd, fd >= 0 ? 1 : 0);
}

void send_failure(Context *context, int socket_fd, int r)
{
    Message message = {
        .kind = MESSAGE_FAILED,
        .number = r,
        .step = (uint32_t) context->current,
        .exit_status = context->exit_status ? (uint32_t) context->exit_status : 125,
    };

    snprintf(message.text, sizeof(message.text), "%s", context->failure);
    (void) socket_send(socket_fd, &message, sizeof(message), NULL, 0);
}

/* Built into test builds only: the step to fail at, so that a test can sweep over all of them. */
static int injected_failure(size_t number)
{
#if BERTH_TEST_HOOKS
    const char *text = getenv("BERTH_FAIL_STEP");

    if (text && strtoul(text, NULL, 10) == number)
        return -EIO;
#else
    (void) number;
#endif
    return 0;
}

int run_step(Context *context, size_t number)
{
    const Step *step = &context->plan.steps[number];
    int r;

    context->current = number;
    r = injected_failure(number);
    if (r < 0)
        return fail(context, r, "made to fail by the test");
    trace_begin(context->trace, number);
    r = operations[step->kind].apply(context, step);
    trace_end(context->trace, number);
    return r;
}

/* Those for a payload come behind those of the host, and know by themselves whether they were done. */
void undo_steps(Context *context, size_t end)
{
    for (size_t i = context->plan.count; i > 0; i--) {
        const Step *step = &context->plan.steps[i - 1];

        if (operations[step->kind].undo && (i <= end || step_where(step) == STEP_OUTER))
            operations[step->kind].undo(context, step);
    }
}

static bool is_traced(const Context *context)
{
    for (size_t i = 0; i < context->plan.count; i++)
        if (context->plan.steps[i].kind == STEP_SUPERVISE)
            return context->plan.steps[i].supervise.trace;
    return false;
}

int run_host_steps(Context *context)
{
    context->trace = is_traced(context) ? trace_open(context->plan.count) : NULL;
    for (size_t i = 0; i < context->plan.count; i++) {
        int r;

        if (step_where(&context->plan.steps[i]) != STEP_HOST)
            break;
        r = run_step(context, i);
        if (r < 0) {
            if (context->failure[0] != 0 || context->control_fd >= 0)
                send_failure(context, context->control_fd, r);
            /* The step itself too: it may have done half. Each undo looks at what is there. */
            context->is_failing = true;
            undo_steps(context, i + 1);
            return r;
        }
    }
    return 0;
}

/* A row of outer steps is one request. What it may have made is the root. */
static int run_outer_row(Context *context, size_t *number)
{
    int fd = -EBADF, r;

    context->current = *number;
    /* A link is made from outside for everybody; who has no user namespace has nothing else to ask for. */
    context->may_ask = context->may_ask || context->plan.steps[*number].kind != STEP_LINK;
    r = ask_for_steps(context, &fd);
    if (fd >= 0)
        context->root_fd = fd;
    while (*number + 1 < context->plan.count && step_where(&context->plan.steps[*number + 1]) == STEP_OUTER)
        ++*number;
    return r;
}

int run_start_steps(Context *context)
{
    for (size_t i = 0; i < context->plan.count; i++) {
        StepKind kind = context->plan.steps[i].kind;
        int r = step_where(&context->plan.steps[i]) == STEP_HOST && kind != STEP_SUPERVISE ? run_step(context, i) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

_Noreturn void run_inner_steps(Context *context)
{
    for (size_t i = 0; i < context->plan.count; i++) {
        StepWhere where = step_where(&context->plan.steps[i]);
        int r;

        if (where == STEP_HOST)
            continue;
        r = where == STEP_OUTER ? run_outer_row(context, &i) : run_step(context, i);
        if (r < 0) {
            send_failure(context, context->inner_fd, r);
            _exit(context->exit_status ? context->exit_status : 125);
        }
    }
    _exit(125); /* plan_check() sees to it that exec is last: not reached */
}
