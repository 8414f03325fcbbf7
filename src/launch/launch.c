/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/internal.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/systemd.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "kernel/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define DEFAULT_SLICE   "machine-berth.slice"
#define GIVE_UP_MSEC    10000
#define NAME_ATTEMPTS   5
#define NAME_PAUSE_MSEC 2
/* systemd collects an empty scope in milliseconds as a rule. */
#define SCOPE_ATTEMPTS   200
#define SCOPE_PAUSE_MSEC 10
/* By then it does not. */
#define SCOPE_STOP_ATTEMPT 20

static void launch_leave_bus(Launch *launch)
{
    systemd_close(launch->systemd);
    launch->systemd = NULL;
}

void launch_free(Launch *launch)
{
    if (!launch)
        return;
    /* What launch_prepare() made for a container that never started; afterwards it is the supervisor's. */
    if (launch->lock_fd >= 0 && !launch->is_started) {
        if (launch->facts.log_fd)
            roster_forget_log(launch->request.roster, launch->request.spec->name);
        if (launch->facts.attach_fd)
            (void) unlinkat(launch->request.roster->attach_fd, launch->machine->name, 0);
        roster_unlock(launch->request.roster, launch->request.spec->name);
    }
    launch_forget_userns(launch);
    fd_list_done(&launch->fds);
    for (size_t i = 0; launch->mounts && i < launch->request.spec->mounts.count; i++)
        free(launch->mounts[i].layer_fds);
    free(launch->mounts);
    strv_free(launch->cgroup_files);
    free(launch->cgroup_path);
    free(launch->resolv_conf);
    free(launch->unit);
    free(launch->health_plan);
    free(launch->host_os_release);
    strv_free(launch->host_environment);
    strv_free(launch->ports);
    launch_free_credentials(launch);
    seccomp_filter_done(&launch->seccomp);
    label_done(&launch->label);
    machine_free(launch->joined);
    step_list_done(&launch->plan);
    machine_free(launch->machine);
    launch_leave_bus(launch);
    safe_close(launch->lock_fd);
    safe_close(launch->control_fd);
    safe_close(launch->terminal_fd);
    for (int i = 0; i < 3; i++) {
        safe_close(launch->relay_fds[i]);
        safe_close(launch->child_fds[i]);
    }
    free(launch);
}

static uint64_t realtime_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int copy_string(char **to, const char *from)
{
    if (!from)
        return 0;
    free(*to);
    *to = strdup(from);
    return *to ? 0 : -ENOMEM;
}

static int copy_list(char ***to, char *const *from)
{
    *to = strv_copy(from);
    return *to ? 0 : -ENOMEM;
}

/* What is known of the machine before it runs. */
static int describe_machine(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;
    const StoreImage *image = launch->request.image;
    Machine *machine = launch->machine;
    _cleanup_strv_ char **command = NULL;
    char boot_id[64] = "";
    int fd, r;

    machine->schema = MACHINE_SCHEMA;
    machine->interactive = spec->interactive;
    machine->terminal = spec->tty || spec->boot;
    machine->boot = spec->boot;
    machine->remove = spec->remove || spec->ephemeral;
    machine->has_definition = launch->request.has_definition;
    machine->created_usec = realtime_usec();
    machine->stop_timeout_usec = spec->timeout_stop_usec;
    machine->stop_signal = (uint64_t) spec->stop_signal;
    machine->capabilities = spec->capabilities;
    if (spec->restart.mode != RESTART_NO && plan_restarts(spec)) {
        machine->restart = strdup(restart_mode_to_string(spec->restart.mode));
        if (!machine->restart)
            return -ENOMEM;
    }
    machine->no_new_privileges = spec->no_new_privileges;

    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, boot_id, sizeof(boot_id) - 1);

        boot_id[n > 0 ? strcspn(boot_id, "\n") : 0] = 0;
        safe_close(fd);
    }
    r = copy_string(&machine->name, spec->name);
    if (r == 0)
        r = copy_string(&machine->id, launch->id);
    if (r == 0)
        r = copy_string(&machine->boot_id, boot_id);
    if (r == 0)
        r = copy_string(&machine->machine_id, launch->machine_id);
    if (r == 0)
        r = copy_string(&machine->directory, spec->host_directory);
    if (r == 0 && image)
        r = copy_string(&machine->image, image->reference ? image->reference : spec->image);
    if (r == 0 && image)
        r = copy_string(&machine->image_id, digest_format(&image->id).text);
    if (r == 0)
        r = copy_string(&machine->user, spec->user);
    if (r == 0)
        r = copy_string(&machine->working_directory, spec->working_directory);
    if (r == 0)
        r = strv_extend(&machine->exposed_ports, spec->exposed_ports);
    if (r == 0 && launch->ports)
        r = strv_extend(&machine->ports, launch->ports);
    if (r == 0)
        r = copy_string(&machine->seccomp_profile, spec->seccomp_profile);
    if (r == 0 && launch->seccomp.name[0])
        r = copy_string(&machine->seccomp_filter, launch->seccomp.name);
    if (r == 0)
        r = copy_string(&machine->process_label, launch->facts.process_label);
    if (r == 0)
        r = copy_string(&machine->file_label, launch->facts.file_label);
    if (r == 0)
        r = launch_record_userns(launch);
    if (r == 0)
        r = copy_list(&machine->environment, spec->environment);
    if (r == 0)
        r = launch_record_secrets(launch);
    if (r == 0)
        r = strv_extend(&command, spec->entrypoint);
    if (r == 0)
        r = strv_extend(&command, spec->command);
    if (r == 0)
        r = copy_list(&machine->command, command);
    return r;
}

/* The socket for attach: bound by way of the directory's fd, so that the path fits and cannot be redirected. */
static int make_attach_socket(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, n;

    if (launch->facts.log == STEP_LOG_PASSTHROUGH || launch->facts.log == STEP_LOG_NONE)
        return 0;
    n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", launch->request.roster->attach_fd,
                 spec->name);
    if (n < 0 || (size_t) n >= sizeof(address.sun_path))
        return error_set(error, -ENAMETOOLONG, "the name '%s' is too long", spec->name);
    (void) unlinkat(launch->request.roster->attach_fd, spec->name, 0);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 8) < 0) {
        int r = -errno;

        safe_close(fd);
        return error_set(error, r, "cannot make the attach socket: %s", strerror(-r));
    }
    launch->facts.attach_fd = fd_list_add(&launch->fds, fd, true);
    return 0;
}

/* A machine whose supervisor was killed holds no lock but still has its name. */
static bool runs_unsupervised(Roster *roster, const char *name)
{
    _cleanup_(machine_freep) Machine *machine = NULL;

    return roster_load(roster, name, &machine, NULL) == 0 && machine_is_running(machine);
}

/* Who sweeps up after others holds the name of nobody for a moment. */
static int take_name(Launch *launch)
{
    Roster *roster = launch->request.roster;
    const char *name = launch->request.spec->name;

    for (unsigned attempt = 0;; attempt++) {
        int r = roster_lock(roster, name, &launch->lock_fd);

        if (r != -EBUSY || attempt == NAME_ATTEMPTS || roster_has(roster, name))
            return r;
        (void) poll(NULL, 0, NAME_PAUSE_MSEC);
    }
}

int launch_prepare(const LaunchRequest *request, bool probe, Launch **ret, Error *error)
{
    _cleanup_(launch_freep) Launch *launch = calloc(1, sizeof(Launch));
    int r = 0;

    if (!launch)
        return -ENOMEM;
    launch->request = *request;
    launch->is_probe = probe;
    launch_trace_mark(launch, LAUNCH_PHASE_READ);
    launch->begun_usec = request->begun_usec ? request->begun_usec : launch->phases_usec[LAUNCH_PHASE_READ];
    launch->lock_fd = launch->id_locks_fd = launch->control_fd = launch->terminal_fd = -EBADF;
    launch->label.categories_fd = -EBADF;
    for (int i = 0; i < 3; i++)
        launch->relay_fds[i] = launch->child_fds[i] = -EBADF;
    launch->machine = calloc(1, sizeof(Machine));
    if (!launch->machine)
        return -ENOMEM;
    if (!probe) {
        r = take_name(launch);
        if (r == -EBUSY || (r == 0 && runs_unsupervised(request->roster, request->spec->name)))
            return error_hint(
                error, error_set(error, -EEXIST, "a container named '%s' is already running", request->spec->name),
                "choose another --name=, or stop it: berthctl stop %s", request->spec->name);
        if (r < 0)
            return error_set(error, r, "cannot take the name '%s': %s", request->spec->name, strerror(-r));
        (void) fd_list_add(&launch->fds, launch->lock_fd, false);
    }
    r = launch_gather(launch, error);
    if (r == 0 && !probe)
        r = make_attach_socket(launch, error);
    if (r == 0)
        r = describe_machine(launch);
    launch_trace_mark(launch, LAUNCH_PHASE_GATHER);
    /* A run in the foreground is over before anybody could ask, and often short: it is not made longer. */
    launch->facts.is_traced = request->spec->detach || request->spec->keep_unit;
    if (r == 0)
        r = launch_plan_health(launch, error);
    if (r == 0)
        r = plan_make(request->spec, &launch->facts, &launch->plan, error);
    launch_trace_mark(launch, LAUNCH_PHASE_PLAN);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(launch);
    return 0;
}

const StepList *launch_plan(const Launch *launch)
{
    return &launch->plan;
}

static int prepare_stdio(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;

    if (spec->detach || spec->tty || spec->boot)
        return 0;
    return launch_prepare_streams(spec->interactive, launch->facts.userns.uid_map, launch->facts.file_label,
                                  launch->child_fds, launch->relay_fds);
}

/* A launcher that was killed between its request and its executor's death leaves a scope that never held a process: it
 * is never told to be empty, and keeps the name until somebody stops it. One that holds processes is not ours to end. */
static void stop_empty_scope(Systemd *systemd, const char *name)
{
    _cleanup_free_ char *cgroup = NULL;
    _cleanup_close_ int root_fd = -EBADF, group_fd = -EBADF;
    bool is_hybrid = false, is_populated = false;

    if (systemd_unit_cgroup(systemd, name, &cgroup, NULL) == 0 && cgroup_open_root(&root_fd, &is_hybrid) == 0 &&
        cgroup_open(root_fd, cgroup, false, &group_fd) == 0)
        (void) cgroup_is_populated(group_fd, &is_populated);
    if (!is_populated)
        (void) systemd_unit_stop(systemd, name, NULL);
}

/* The scope is asked for while the executor builds the namespaces. */
static int start_scope(Launch *launch, Systemd *systemd, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_strv_ char **properties = NULL;
    _cleanup_free_ char *name = text_format("berth-%s.scope", spec->name);
    _cleanup_free_ char *description = text_format("Container %s", spec->name);
    _cleanup_close_ int pidfd = process_open(launch->executor_pid);
    ScopeRequest request = {
        .name = name,
        .slice = spec->slice ? spec->slice : DEFAULT_SLICE,
        .description = description,
        .pids = &launch->executor_pid,
        .pidfds = pidfd >= 0 ? &pidfd : NULL,
        .pids_count = 1,
        .timeout_stop_usec = spec->timeout_stop_usec >= UINT64_MAX - 10000000
                                 ? UINT64_MAX
                                 : spec->timeout_stop_usec + 10 * UINT64_C(1000000),
    };
    int r;

    if (!name || !description || spec_list_unit_properties(spec, &properties) < 0)
        return -ENOMEM;
    request.properties = properties;
    r = systemd_scope_start(systemd, &request, error);
    if (r == 0)
        r = systemd_scope_wait(systemd, error);
    /* The name is ours by its lock: a unit that has it is the last container's, empty and about to be collected. */
    for (unsigned attempt = 0; r == -EEXIST && attempt < SCOPE_ATTEMPTS; attempt++) {
        error_done(error);
        (void) poll(NULL, 0, SCOPE_PAUSE_MSEC);
        if (attempt == SCOPE_STOP_ATTEMPT)
            stop_empty_scope(systemd, name);
        r = systemd_scope_start(systemd, &request, error);
        if (r == 0)
            r = systemd_scope_wait(systemd, error);
    }
    return r < 0 ? r : copy_string(&launch->machine->unit, name);
}

static int send_cgroup(int control_fd, int group_fd)
{
    Message message = {.kind = MESSAGE_CGROUP};

    return socket_send(control_fd, &message, sizeof(message), &group_fd, 1);
}

/* The last component that is a unit's name. */
static const char *unit_of(const char *path)
{
    const char *last = path_last(path);

    return strchr(last, '.') ? last : NULL;
}

/* --keep-unit: the unit's own group. The launcher goes into the sub-group `supervisor` like the executor will, because a
 * group with processes of its own cannot give controllers to its children. A manager that knows DelegateSubgroup= may
 * have started it there already. */
static int enter_supervisor_group(int root_fd, char *path, Error *error)
{
    static const char subgroup[] = "/supervisor";
    _cleanup_close_ int group_fd = -EBADF;
    _cleanup_free_ char *supervisor = NULL;
    int r;

    if (text_has_suffix(path, subgroup))
        path[strlen(path) - strlen(subgroup)] = 0;
    supervisor = text_format("%s%s", path, subgroup);
    if (!supervisor)
        return -ENOMEM;
    r = cgroup_open(root_fd, supervisor, true, &group_fd);
    if (r == 0)
        r = cgroup_write(group_fd, "cgroup.procs", "0");
    return r < 0
               ? error_hint(error,
                            error_set(error, r, "--keep-unit: cannot divide the cgroup of this unit: %s", strerror(-r)),
                            "the unit needs Delegate=yes")
               : 0;
}

/* Opens the group that the executor is in now and hands it over. */
static int give_cgroup(Launch *launch, Error *error)
{
    _cleanup_close_ int root_fd = -EBADF, group_fd = -EBADF;
    char path[PATH_MAX];
    bool is_hybrid = false;
    int r = cgroup_path_of(launch->executor_pid, path, sizeof(path));

    /* A process that died early never came into its scope: what it was in before is somebody else's. */
    if (r == 0 && launch->machine->unit && strcmp(path_last(path), launch->machine->unit) != 0)
        return error_set(error, -ESRCH, "the executor did not come into its scope");
    if (r == 0)
        r = cgroup_open_root(&root_fd, &is_hybrid);
    if (r == 0 && launch->cgroup == LAUNCH_CGROUP_UNIT) {
        r = enter_supervisor_group(root_fd, path, error);
        if (r < 0)
            return r;
        r = copy_string(&launch->machine->unit, unit_of(path));
    }
    if (r == 0)
        r = copy_string(&launch->machine->cgroup, path);
    if (r == 0)
        r = cgroup_open(root_fd, path, false, &group_fd);
    if (r == 0)
        r = send_cgroup(launch->control_fd, group_fd);
    return r < 0 ? error_set(error, r, "cannot hand over the cgroup: %s", strerror(-r)) : 0;
}

static int provide_cgroup(Launch *launch, Error *error)
{
    int r = 0;

    switch (launch->cgroup) {
    case LAUNCH_CGROUP_NONE:
        return 0;
    case LAUNCH_CGROUP_OWN:
        return copy_string(&launch->machine->cgroup, launch->cgroup_path);
    case LAUNCH_CGROUP_SCOPE:
        r = start_scope(launch, launch->systemd, error);
        break;
    case LAUNCH_CGROUP_UNIT:
        break;
    }
    if (r == 0)
        r = give_cgroup(launch, error);
    /* The container is on its way: now there is time. */
    if (!launch->wants_registration)
        launch_leave_bus(launch);
    return r;
}

static int describe_link(Launch *launch, const Message *message)
{
    static const uint8_t none[sizeof(message->address6)];
    struct in_addr address = {htonl(message->address)};
    char text[INET6_ADDRSTRLEN];
    int r;

    if (message->address == 0)
        return 0;
    launch->machine->link = text_format("%s%u", NETWORK_LINK_PREFIX, message->address - launch->facts.network.network);
    r = launch->machine->link ? copy_string(&launch->machine->address, inet_ntop(AF_INET, &address, text, sizeof(text)))
                              : -ENOMEM;
    if (r == 0 && memcmp(message->address6, none, sizeof(none)) != 0)
        r = copy_string(&launch->machine->address6, inet_ntop(AF_INET6, message->address6, text, sizeof(text)));
    return r;
}

/* Waits for STARTED, or for the reason why not. */
static int wait_started(Launch *launch, int *ret_leader_pidfd, int *ret_exit_status, Error *error)
{
    uint64_t timeout = launch->request.spec->timeout_start_usec / 1000;
    Message message;
    int fd = -EBADF;
    int r = launch_read_message(launch->control_fd, timeout > INT_MAX ? -1 : (int) timeout, &message, &fd);

    if (r == -ETIMEDOUT)
        return error_hint(error, error_set(error, r, "'%s' did not start in time", launch->request.spec->name),
                          "--timeout-start= sets how long to wait");
    if (r < 0)
        return error_set(error, r, "cannot hear from the executor: %s", strerror(-r));
    if (r == 0)
        return error_set(error, -ECONNRESET, "the executor died while it started '%s'", launch->request.spec->name);
    if (message.kind == MESSAGE_FAILED) {
        safe_close(fd);
        return launch_explain_failure(&launch->plan, &message, launch->request.spec->name, ret_exit_status, error);
    }
    if (message.kind != MESSAGE_STARTED) {
        safe_close(fd);
        return error_set(error, -EBADMSG, "unexpected message %u from the executor", message.kind);
    }
    r = describe_link(launch, &message);
    if (r < 0) {
        safe_close(fd);
        return r;
    }
    launch->machine->leader = (uint64_t) message.number;
    memcpy(&launch->trace, message.text, sizeof(launch->trace));
    launch->machine->leader_pidfd_id = fd >= 0 ? process_pidfd_id(fd) : 0;
    *ret_leader_pidfd = fd;
    (void) process_start_time(message.number, &launch->machine->leader_started);
    launch->machine->started_usec = realtime_usec();
    return 0;
}

/* An executor that fails at once is dead by the time systemd moves it: a scope that never held a process is never told to
 * be empty, and would keep the name. */
static void end_scope(const Launch *launch)
{
    _cleanup_systemd_ Systemd *systemd = NULL;

    if (launch->cgroup == LAUNCH_CGROUP_SCOPE && launch->machine->unit && systemd_open(&systemd, NULL) == 0)
        (void) systemd_unit_stop(systemd, launch->machine->unit, NULL);
}

/* With its socket closed the executor ends the container and takes back what it did. Should it hang (a step stuck in
 * the kernel), it is killed, the inner process dies with it, and we take back instead. */
static void give_up(Launch *launch)
{
    _cleanup_close_ int pidfd = process_open(launch->executor_pid);
    struct pollfd poll_one = {pidfd, POLLIN, 0};

    launch->control_fd = safe_close(launch->control_fd);
    if (pidfd >= 0 && poll(&poll_one, 1, GIVE_UP_MSEC) == 0)
        (void) process_send_signal(pidfd, SIGKILL);
    while (waitpid(launch->executor_pid, NULL, 0) < 0 && errno == EINTR)
        ;
    end_scope(launch);
    roster_undo(launch->request.roster, launch->machine);
}

/* Why there is no cgroup may be that the executor failed before it could be put there: then its reason is the one to
 * tell. */
static void prefer_own_reason(Launch *launch, int *ret_exit_status, Error *error)
{
    _cleanup_error_ Error own = {};
    Message message;
    int fd = -EBADF;

    if (launch_read_message(launch->control_fd, 100, &message, &fd) <= 0)
        return;
    safe_close(fd);
    if (message.kind != MESSAGE_FAILED)
        return;
    (void) launch_explain_failure(&launch->plan, &message, launch->request.spec->name, ret_exit_status, &own);
    error_done(error);
    error_move(error, &own);
}

/* systemd stops a unit by SIGTERM to its main process and, when that is gone, SIGKILL to all others: a start that is under
 * way is not left to that. The signal waits for who stops in order, the supervisor or launch_follow(). */
static void hold_stop_signal(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    (void) sigprocmask(SIG_BLOCK, &mask, NULL);
}

int launch_start(Launch *launch, int *ret_exit_status, Error *error)
{
    Roster *roster = launch->request.roster;
    _cleanup_close_ int leader_pidfd = -EBADF;
    uint64_t linger_fd = 0;
    int r;

    *ret_exit_status = LAUNCH_EXIT_FAILURE;
    if (launch->cgroup == LAUNCH_CGROUP_UNIT)
        hold_stop_signal();
    /* The bus lets us in while the executor is started. */
    if (launch->cgroup == LAUNCH_CGROUP_SCOPE) {
        r = systemd_open(&launch->systemd, error);
        if (r < 0)
            return r;
    }
    r = prepare_stdio(launch);
    if (r < 0)
        return error_set(error, r, "cannot make pipes: %s", strerror(-r));
    roster_forget_exit(roster, launch->request.spec->name);
    r = roster_save(roster, launch->machine);
    if (r < 0)
        return error_set(error, r, "cannot write the state of '%s': %s", launch->request.spec->name, strerror(-r));
    if (launch->request.spec->keep_unit && launch->request.spec->detach)
        r = launch_make_linger(&launch->fds, &linger_fd);
    if (r == 0)
        r = launch_spawn_executor(&launch->plan, &launch->fds, launch->child_fds, linger_fd, &launch->control_fd,
                                  &launch->executor_pid, error);
    if (r < 0) {
        roster_forget(roster, launch->request.spec->name);
        return r;
    }
    for (int i = 0; i < 3; i++)
        launch->child_fds[i] = safe_close(launch->child_fds[i]);
    launch->machine->supervisor = (uint64_t) launch->executor_pid;
    (void) process_start_time(launch->executor_pid, &launch->machine->supervisor_started);

    launch_trace_mark(launch, LAUNCH_PHASE_SPAWN);
    r = provide_cgroup(launch, error);
    launch_trace_mark(launch, LAUNCH_PHASE_CGROUP);
    if (r == 0)
        r = wait_started(launch, &leader_pidfd, ret_exit_status, error);
    else
        prefer_own_reason(launch, ret_exit_status, error);
    launch_trace_mark(launch, LAUNCH_PHASE_STARTED);
    if (r == 0)
        r = launch_register(launch, leader_pidfd, error);
    launch_trace_mark(launch, LAUNCH_PHASE_REGISTER);
    if (r == 0 && launch->facts.is_traced)
        r = launch_trace_record(launch);
    if (r < 0) {
        give_up(launch);
        return r;
    }
    /* A payload that has ended already took its state file with it: -ENOENT, and nothing to update. */
    r = roster_update(roster, launch->machine);
    if (r < 0 && r != -ENOENT) {
        (void) error_set(error, r, "cannot write the state of '%s': %s", launch->request.spec->name, strerror(-r));
        give_up(launch);
        launch_unregister_dead(launch, leader_pidfd);
        return r;
    }
    launch->is_started = true;
    (void) launch_announce(launch->control_fd, launch->machine->registered);
    /* A service of Type=notify is ready when its payload runs and others can find it, unless that is for others to say. */
    if (launch->request.spec->keep_unit && launch->request.spec->notify == NOTIFY_STARTED)
        (void) systemd_notify_ready(0, NULL);
    launch_unregister_dead(launch, leader_pidfd);
    launch_leave_bus(launch);
    return 0;
}

int launch_follow(Launch *launch, MachineExit *ret, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    Relay relay = {.control_fd = launch->control_fd, .terminal_fd = -EBADF, .pipes = launch->relay_fds};
    int r;

    if (launch->facts.log != STEP_LOG_PASSTHROUGH && (spec->tty || spec->boot))
        r = launch_attach(launch->request.roster, launch->machine, ret, error);
    else {
        if (spec->tty || spec->boot) {
            Message message;

            r = launch_read_message(launch->control_fd, 10000, &message, &launch->terminal_fd);
            if (r <= 0 || message.kind != MESSAGE_TERMINAL)
                return error_set(error, -EBADMSG, "the executor did not hand over the terminal");
        }
        relay.terminal_fd = launch->terminal_fd;
        r = relay_run(&relay, ret, error);
    }
    /* The supervisor announced the end after it had undone everything; it is gone in a moment. */
    if (r == 0)
        while (waitpid(launch->executor_pid, NULL, 0) < 0 && errno == EINTR)
            ;
    return r;
}
