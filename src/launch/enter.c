/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entering a running machine: a short plan for the same executor. */

#include "launch/internal.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/events.h"
#include "host/systemd.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "kernel/tty.h"
#include "machines/pause.h"
#include "spec/health.h"
#include "spec/id-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

typedef struct Entry {
    const EnterRequest *request;
    FdList fds;
    StepList plan;
    SeccompFilter seccomp;
    char **secrets; /* VARIABLE=SECRET */
    int leader_fd;
    int child_fds[3], relay_fds[3];
} Entry;

static void entry_done(Entry *entry)
{
    fd_list_done(&entry->fds);
    step_list_done(&entry->plan);
    seccomp_filter_done(&entry->seccomp);
    launch_wipe_strings(&entry->secrets);
    safe_close(entry->leader_fd);
    for (int i = 0; i < 3; i++) {
        safe_close(entry->child_fds[i]);
        safe_close(entry->relay_fds[i]);
    }
}

static bool has_userns(const Machine *machine)
{
    return machine->uid_map && machine->uid_map[0];
}

/* The cgroup of the machine's first process: what runs inside counts against the same limits. */
static uint64_t add_cgroup(Entry *entry)
{
    _cleanup_close_ int root_fd = -EBADF;
    char path[PATH_MAX];
    bool is_hybrid = false;
    int fd = -EBADF;

    if (!entry->request->machine->cgroup || cgroup_open_root(&root_fd, &is_hybrid) < 0 ||
        cgroup_path_of((pid_t) entry->request->machine->leader, path, sizeof(path)) < 0 ||
        cgroup_open(root_fd, path, false, &fd) < 0)
        return 0;
    return fd_list_add(&entry->fds, fd, true);
}

static const char **environment(Entry *entry)
{
    const EnterRequest *request = entry->request;
    _cleanup_strv_ char **list = NULL;
    const char *term = getenv("TERM");
    int r = strv_append(&list, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

    if (r == 0)
        r = strv_append(&list, "container=berth");
    if (r == 0 && request->tty)
        r = strv_append_format(&list, "TERM=%s", term ? term : "xterm");
    /* Later entries win: execve(2) keeps duplicates, so they are replaced here. */
    for (int pass = 0; pass < 2; pass++)
        STRV_FOREACH (item, pass == 0 ? request->machine->environment : (char **) (uintptr_t) request->environment) {
            size_t length = strcspn(*item, "=") + 1;
            bool replaced = false;

            STRV_FOREACH (old, list)
                if (strncmp(*old, *item, length) == 0) {
                    free(*old);
                    *old = strdup(*item);
                    replaced = *old != NULL;
                    break;
                }
            if (!replaced && r == 0)
                r = strv_append(&list, *item);
        }
    if (r < 0)
        entry->plan.failed = r;
    return step_list_strings(&entry->plan, list);
}

/* Without those that the caller gives another value. */
static const char **secrets(Entry *entry, const char **environment)
{
    char **kept = calloc(strv_length(entry->secrets) + 1, sizeof(char *));
    const char **copy;
    size_t count = 0;

    if (!kept)
        entry->plan.failed = -ENOMEM;
    STRV_FOREACH (item, kept ? entry->secrets : NULL) {
        bool given = false;

        for (size_t i = 0; environment && environment[i]; i++)
            given = given || strncmp(environment[i], *item, strcspn(*item, "=") + 1) == 0;
        if (!given)
            kept[count++] = *item;
    }
    copy = count > 0 ? step_list_strings(&entry->plan, kept) : NULL;
    free(kept);
    return copy;
}

static void plan_privileges(Entry *entry)
{
    const EnterRequest *request = entry->request;
    const Machine *machine = request->machine;
    StepList *plan = &entry->plan;
    uint64_t capabilities = request->privileged ? CAPABILITY_ALL : machine->capabilities, available = CAPABILITY_ALL;
    Step *step;

    if (!has_userns(machine))
        (void) process_get_capabilities(&available);
    for (int pass = 0; pass < 2; pass++) {
        bool restricted = machine->no_new_privileges && !request->privileged;

        /* Before the capabilities go without no_new_privs, after it with it: see plan_process(). */
        if (entry->seccomp.size_bytes > 0 && (pass == 1) == restricted) {
            if (restricted)
                step_list_add(plan, STEP_NO_NEW_PRIVILEGES, "machine");
            step = step_list_add(plan, STEP_SECCOMP, "machine");
            step->seccomp = (StepSeccomp){
                .profile = step_list_string(plan, machine->seccomp_profile),
                .program = step_list_bytes(plan, entry->seccomp.bytes, entry->seccomp.size_bytes),
                .program_size = entry->seccomp.size_bytes,
            };
        }
        if (pass == 1)
            break;
        step = step_list_add(plan, STEP_IDENTITY, request->user ? "--user" : "machine");
        step->identity.user = step_list_string(plan, !text_is_empty(request->user)   ? request->user
                                                     : !text_is_empty(machine->user) ? machine->user
                                                                                     : "0:0");
        step = step_list_add(plan, STEP_CAPABILITIES, "machine");
        step->capabilities = (StepCapabilities){.bounding = capabilities & available, .last = CAPABILITY_LAST};
    }
}

/* From the namespaces to the program: what exec and a health check have in common. */
static void plan_inside(Entry *entry, uint64_t target)
{
    const EnterRequest *request = entry->request;
    StepList *plan = &entry->plan;
    Step *step;

    step = step_list_add(plan, STEP_JOIN, "exec");
    step->join = (StepJoin){.target_pidfd = target,
                            .namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP |
                                          (has_userns(request->machine) ? CLONE_NEWUSER : 0) |
                                          (request->machine->time_offsets ? CLONE_NEWTIME : 0),
                            .uid = id_mapping_root(request->machine->uid_map),
                            .gid = id_mapping_root(request->machine->gid_map)};
    if (has_userns(request->machine))
        step_list_add(plan, STEP_BECOME_ROOT, "machine");
    if (request->tty) {
        uint16_t rows = 0, columns = 0;

        tty_get_size(STDIN_FILENO, &rows, &columns);
        step = step_list_add(plan, STEP_TERMINAL, "--tty");
        step->terminal = (StepTerminal){.is_stdio = true, .rows = rows, .columns = columns};
    }
    if (request->machine->process_label && !request->privileged) {
        step = step_list_add(plan, STEP_LABEL, "machine");
        step->label.process = step_list_string(plan, request->machine->process_label);
    }
    step_list_add(plan, STEP_KEYRING, "default");
    step = step_list_add(plan, STEP_WORKING_DIRECTORY, request->working_directory ? "--workdir" : "machine");
    step->working_directory.path =
        step_list_string(plan, request->working_directory            ? request->working_directory
                               : request->machine->working_directory ? request->machine->working_directory
                                                                     : "/");
    plan_privileges(entry);
    step = step_list_add(plan, STEP_EXEC, "exec");
    step->exec = (StepExec){.argv = step_list_strings(plan, request->argv), .environment = environment(entry)};
    step->exec.secrets = secrets(entry, step->exec.environment);
}

static int make_plan(Entry *entry, Error *error)
{
    const EnterRequest *request = entry->request;
    StepList *plan = &entry->plan;
    uint64_t target = fd_list_add(&entry->fds, entry->leader_fd, false);
    Step *step = step_list_add(plan, STEP_JOIN_START, "exec");

    step->join_start = (StepJoinStart){.target_pidfd = target, .cgroup_fd = add_cgroup(entry)};
    step = step_list_add(plan, STEP_SUPERVISE, "exec");
    step->supervise = (StepSupervise){
        .name = step_list_string(plan, request->machine->name),
        .stop_signal = SIGTERM,
        .stop_timeout_usec = 10000000,
        .log = request->detach ? STEP_LOG_NONE : STEP_LOG_PASSTHROUGH,
    };
    plan_inside(entry, target);
    return plan->failed ? plan->failed : plan_check(plan, error);
}

int launch_plan_health(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_strv_ char **argv = NULL;
    EnterRequest request = {.machine = launch->machine};
    Entry entry = {.request = &request, .seccomp = launch->seccomp}; /* borrowed, as is all but the plan */
    int r;

    if (!spec_has_health_check(spec)) {
        if (spec->notify != NOTIFY_HEALTHY)
            return 0;
        return error_hint(error,
                          error_set(error, -EINVAL, "%s: the image has no health check that could tell",
                                    spec_origin(spec, offsetof(ContainerSpec, notify))),
                          "--health-cmd= gives one");
    }
    if (spec->health_on_failure == HEALTH_ACTION_RESTART && !spec->keep_unit && spec->restart.mode == RESTART_NO)
        return error_hint(error,
                          error_set(error, -EINVAL, "%s: only a service restarts, and what has a restart policy",
                                    spec_origin(spec, offsetof(ContainerSpec, health_on_failure))),
                          "--restart=on-failure is one; berthctl create makes a definition, whose service restarts; or "
                          "use kill or stop");
    argv = health_command_argv(spec->health_command);
    if (!argv)
        return -ENOMEM;
    request.argv = argv;
    r = launch_read_secret_variables(launch->request.roster, launch->machine->secret_environment, &entry.secrets,
                                     error);
    if (r == 0)
        plan_inside(&entry, 1);
    launch_wipe_strings(&entry.secrets);
    if (r == 0)
        r = entry.plan.failed;
    if (r == 0)
        r = step_list_encode(&entry.plan, &launch->health_plan, &launch->facts.health_plan_size);
    launch->facts.health_plan = launch->health_plan;
    step_list_done(&entry.plan);
    return r;
}

static int prepare_stdio(Entry *entry)
{
    const EnterRequest *request = entry->request;
    const char *label = request->privileged ? NULL : request->machine->file_label;

    if (request->detach || request->tty)
        return 0;
    return launch_prepare_streams(request->interactive, has_userns(request->machine), label, entry->child_fds,
                                  entry->relay_fds);
}

static void tell(const Entry *entry)
{
    const EnterRequest *request = entry->request;
    char command[256] = "";

    for (size_t i = 0, at = 0; request->argv[i] && at < sizeof(command); i++)
        at += (size_t) snprintf(command + at, sizeof(command) - at, "%s%s", i > 0 ? " " : "", request->argv[i]);
    events_emit((Event){.kind = EVENT_EXEC,
                        .name = request->machine->name,
                        .id = request->machine->id,
                        .image = request->machine->image,
                        .unit = request->machine->unit,
                        .command = command});
}

static int start_and_follow(Entry *entry, int *ret_exit_status, Error *error)
{
    const EnterRequest *request = entry->request;
    _cleanup_close_ int control_fd = -EBADF, terminal_fd = -EBADF, fd = -EBADF;
    MachineExit end = {};
    Relay relay = {.terminal_fd = -EBADF, .pipes = entry->relay_fds};
    Message message;
    pid_t pid = 0;
    int r = launch_spawn_executor(&entry->plan, &entry->fds, entry->child_fds, 0, &control_fd, &pid, error);

    if (r < 0)
        return r;
    for (int i = 0; i < 3; i++)
        entry->child_fds[i] = safe_close(entry->child_fds[i]);
    r = launch_read_message(control_fd, 60000, &message, &fd);
    if (r == 1 && message.kind == MESSAGE_FAILED)
        return launch_explain_failure(&entry->plan, &message, request->machine->name, ret_exit_status, error);
    if (r != 1 || message.kind != MESSAGE_STARTED)
        return error_set(error, -EPROTO, "the executor did not start the command");
    tell(entry);
    (void) launch_announce(control_fd, false);
    if (request->detach) {
        *ret_exit_status = 0;
        return 0;
    }
    if (request->tty) {
        r = launch_read_message(control_fd, 10000, &message, &terminal_fd);
        if (r != 1 || message.kind != MESSAGE_TERMINAL)
            return error_set(error, -EPROTO, "the executor did not hand over the terminal");
    }
    relay.control_fd = control_fd;
    relay.terminal_fd = terminal_fd;
    r = relay_run(&relay, &end, error);
    if (r < 0)
        return r;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *ret_exit_status = (int) end.code;
    return 0;
}

int launch_enter(const EnterRequest *request, int *ret_exit_status, Error *error)
{
    _cleanup_(entry_done) Entry entry = {.request = request,
                                         .leader_fd = -EBADF,
                                         .child_fds = {-EBADF, -EBADF, -EBADF},
                                         .relay_fds = {-EBADF, -EBADF, -EBADF}};
    const Machine *machine = request->machine;
    SeccompRequest seccomp = {.profile = request->privileged ? "unconfined" : machine->seccomp_profile,
                              .made_name = machine->seccomp_filter,
                              .capabilities = machine->capabilities};
    int r;

    *ret_exit_status = LAUNCH_EXIT_FAILURE;
    /* Its namespaces, root and processes are its owner's, who could be waiting for somebody with more rights. */
    if (machine->foreign)
        return error_hint(error, error_set(error, -EOPNOTSUPP, "'%s' is no container of Berth's", machine->name),
                          "use '%s', which registered it", machine->service ? machine->service : "the program");
    entry.leader_fd = machine_open_leader(machine);
    if (entry.leader_fd < 0)
        return error_set(error, entry.leader_fd, "'%s' is not running any more", machine->name);
    if (machine_is_paused(machine))
        return error_hint(error, error_set(error, -EBUSY, "'%s' is paused: nothing can run in it", machine->name),
                          "berthctl resume %s lets it go on", machine->name);
    r = seccomp_prepare(&seccomp, request->roster->seccomp_fd, &entry.seccomp, error);
    if (r == 0)
        r = launch_read_secret_variables(request->roster, machine->secret_environment, &entry.secrets, error);
    if (r == 0)
        r = make_plan(&entry, error);
    if (r == 0)
        r = prepare_stdio(&entry);
    return r < 0 ? r : start_and_follow(&entry, ret_exit_status, error);
}
