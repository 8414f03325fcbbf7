/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/context.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/echo.h"
#include "executor/lifecycle.h"
#include "executor/notify.h"
#include "executor/output.h"
#include "executor/probe.h"
#include "executor/registrar.h"
#include "kernel/cgroup.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "proto/health.h"
#include "proto/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#define CLIENTS_MAX         16
#define TERMINAL_PAUSE_USEC 100000
#define REBOOT_CODE         133
/* A system that reboots at once, for ever, is not to keep a processor busy. */
#define RESTART_PAUSE_MSEC 1000
/* A program that ends at once is started again later and later; one that has run for a while at once. */
#define BACKOFF_LEAST_MSEC 100
#define BACKOFF_MOST_MSEC  60000
#define BACKOFF_RUN_MSEC   10000
/* What has run for so long may run for months: from now on memory counts. */
#define SETTLED_USEC 200000

typedef struct Supervisor {
    Context *context;
    const StepSupervise *step;
    Notify notify;
    Probe *probe;       /* NULL: no health check */
    bool is_to_restart; /* it ended to be started anew */
    bool is_last_end;   /* somebody wants it to end: it is not started again */
    uint64_t restarts, backoff_msec;
    Echo echo;
    Output *output; /* NULL when the payload writes to its caller's files itself */
    int signals_fd;
    int clients[CLIENTS_MAX];  /* attached, -EBADF: free */
    uint64_t started_usec;     /* monotonic: the payload, last */
    uint64_t kill_at_usec;     /* monotonic; UINT64_MAX: no stop is under way */
    int pending_signal;        /* for an init system that does not listen yet; 0: none */
    bool is_announced;         /* the launcher may go: others can find the container */
    bool is_registered;        /* with systemd-machined */
    int memory_events_fd;      /* of the cgroup; -EBADF: its memory is not accounted */
    uint64_t oom_kills;        /* that were told of */
    uint64_t terminal_at_usec; /* not to be read before: nobody has it open */
    uint64_t settled_at_usec;  /* monotonic: what the start needed is dropped then; UINT64_MAX: it was */
} Supervisor;

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void kill_payload(Supervisor *supervisor)
{
    Context *context = supervisor->context;

    if (context->payload_cgroup_fd < 0 || cgroup_kill(context->payload_cgroup_fd) < 0)
        (void) process_send_signal(context->payload_pidfd, SIGKILL);
}

/* A signal to shut down goes to an init system when it can hear it. */
static void send_when_heard(Supervisor *supervisor, int signal_number)
{
    supervisor->pending_signal = signal_number;
    if (!notify_is_listening(&supervisor->notify, now_usec()))
        return;
    supervisor->pending_signal = 0;
    (void) process_send_signal(supervisor->context->payload_pidfd, signal_number);
}

/* An orderly stop: the payload's own signal, its time, then the end. A second request does not start it over. */
static void begin_stop(Supervisor *supervisor)
{
    const StepSupervise *step = supervisor->step;

    if (supervisor->kill_at_usec != UINT64_MAX)
        return;
    /* A paused payload would not take notice of it. */
    if (supervisor->context->payload_cgroup_fd >= 0)
        (void) cgroup_freeze(supervisor->context->payload_cgroup_fd, false);
    probe_stop(supervisor->probe);
    supervisor->kill_at_usec =
        step->stop_timeout_usec >= UINT64_MAX / 2 ? UINT64_MAX - 1 : now_usec() + step->stop_timeout_usec;
    send_when_heard(supervisor, (int) step->stop_signal);
}

static void stop_for_good(Supervisor *supervisor)
{
    supervisor->is_last_end = true;
    begin_stop(supervisor);
}

static void on_signal(Supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signals_fd, &info, sizeof(info)) == sizeof(info))
        /* SIGURG is what `systemctl stop` of our scope sends to everybody in it: the payload ignores it by default
         * and we take it as "stop". See SYSTEMD_SCOPE_STOP_SIGNAL of host/systemd.h. */
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGURG)
            stop_for_good(supervisor);
        else if (info.ssi_signo == MACHINE_LAST_END_SIGNAL)
            supervisor->is_last_end = true;
        else if (supervisor->step->is_system && supervisor->kill_at_usec == UINT64_MAX)
            /* Ctrl-Alt-Del is the request to reboot that every kind of init system knows. */
            send_when_heard(supervisor, info.ssi_signo == SUPERVISOR_REBOOT ? SIGINT : SUPERVISOR_POWER_OFF);
}

/* Every attached client gets it; one that does not read is dropped, not waited for. */
static void send_to_clients(Supervisor *supervisor, int stream, const char *data, size_t size)
{
    char head = (char) stream;

    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct iovec parts[] = {{&head, 1}, {(void *) (uintptr_t) data, size}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

        if (supervisor->clients[i] >= 0 && sendmsg(supervisor->clients[i], &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            supervisor->clients[i] = safe_close(supervisor->clients[i]);
    }
}

/* Reads what is there from one source. False at its end. */
static bool pump(Supervisor *supervisor, int fd, int stream)
{
    char data[4096];
    ssize_t n = read(fd, data, sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0)
        return false;
    output_write(supervisor->output, stream, data, (size_t) n);
    echo_write(&supervisor->echo, stream, data, (size_t) n);
    send_to_clients(supervisor, stream, data, (size_t) n);
    return true;
}

static void on_attach(Supervisor *supervisor, int listen_fd)
{
    int client = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int i = 0; client >= 0 && i < CLIENTS_MAX; i++)
        if (supervisor->clients[i] < 0) {
            /* The terminal goes to the client by fd: input and window size need no protocol. */
            if (send_message(client, MESSAGE_TERMINAL, 0, supervisor->context->terminal_fd) == 0)
                supervisor->clients[i] = TAKE_FD(client);
            break;
        }
    (void) safe_close(client);
}

/* The launcher forwards the signals that a person sends to a container in the foreground. */
static void on_control(Supervisor *supervisor)
{
    Context *context = supervisor->context;
    Message message;
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    ssize_t n = socket_receive(context->control_fd, &message, sizeof(message), fds, &count);

    while (count > 0)
        safe_close(fds[--count]);
    if (n <= 0) {
        context->control_fd = safe_close(context->control_fd);
        /* A killed launcher does not end the container: it goes on, as if detached. But one that nobody can find in the
         * roster is not left running. */
        if (!supervisor->is_announced)
            kill_payload(supervisor);
    } else if (n == sizeof(message) && message.kind == MESSAGE_ANNOUNCED) {
        supervisor->is_announced = true;
        supervisor->is_registered = message.number > 0;
    } else if (n == sizeof(message) && message.kind == MESSAGE_SIGNAL && message.number == SIGTERM)
        stop_for_good(supervisor);
    else if (n == sizeof(message) && message.kind == MESSAGE_SIGNAL)
        (void) process_send_signal(context->payload_pidfd, message.number);
}

static int open_signals(void)
{
    sigset_t mask;
    int fd;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGURG);
    sigaddset(&mask, SUPERVISOR_POWER_OFF);
    sigaddset(&mask, SUPERVISOR_REBOOT);
    sigaddset(&mask, MACHINE_LAST_END_SIGNAL);
    fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int wait_time_msec(const Supervisor *supervisor)
{
    uint64_t next = supervisor->kill_at_usec, now;

    if (supervisor->terminal_at_usec > 0)
        next = MIN(next, supervisor->terminal_at_usec);
    if (supervisor->pending_signal)
        next = MIN(next, supervisor->notify.listens_at_usec);
    next = MIN(next, supervisor->notify.ping_at_usec);
    next = MIN(next, supervisor->settled_at_usec);
    next = MIN(next, probe_due_usec(supervisor->probe));
    if (next >= UINT64_MAX - 1)
        return -1;
    now = now_usec();
    return next <= now ? 0 : (int) MIN((next - now) / 1000 + 1, 60000U);
}

/* A terminal that no process has open says EIO, and POLLHUP for ever; getty(8) makes that happen on purpose
 * (vhangup(2)) before it opens it anew. So it is looked at again, later. */
static void read_terminal(Supervisor *supervisor)
{
    if (!pump(supervisor, supervisor->context->terminal_fd, 1))
        supervisor->terminal_at_usec = now_usec() + TERMINAL_PAUSE_USEC;
}

static uint32_t count_oom_kills(const Context *context)
{
    char events[512], *line;

    if (context->cgroup_fd < 0 || cgroup_read(context->cgroup_fd, "memory.events", events, sizeof(events)) < 0)
        return 0;
    line = strstr(events, "oom_kill ");
    return line ? (uint32_t) strtoul(line + strlen("oom_kill "), NULL, 10) : 0;
}

static uint32_t tell_oom_kills(Supervisor *supervisor)
{
    uint32_t count = count_oom_kills(supervisor->context);

    if (count > supervisor->oom_kills)
        lifecycle_emit(supervisor->context, supervisor->step, (Event){.kind = EVENT_OOM, .oom_kills = count});
    supervisor->oom_kills = count;
    return count;
}

/* cgroup-v2.rst: a change of memory.events is POLLPRI for who has read it before. */
static void on_memory_event(Supervisor *supervisor)
{
    char events[512];

    if (pread(supervisor->memory_events_fd, events, sizeof(events), 0) < 0) {
        supervisor->memory_events_fd = safe_close(supervisor->memory_events_fd);
        return;
    }
    (void) tell_oom_kills(supervisor);
}

/* A check has found the container unhealthy. */
static void on_unhealthy(Supervisor *supervisor)
{
    switch ((StepHealthAction) supervisor->step->health_on_failure) {
    case STEP_HEALTH_NONE:
        break;
    case STEP_HEALTH_KILL:
        kill_payload(supervisor);
        break;
    case STEP_HEALTH_RESTART:
        supervisor->is_to_restart = true;
        begin_stop(supervisor);
        break;
    case STEP_HEALTH_STOP:
        stop_for_good(supervisor);
        break;
    }
}

/* The start is over: its code is half of the program, and every container of the host has a process of it. */
static void settle(Supervisor *supervisor)
{
    if (supervisor->settled_at_usec > now_usec())
        return;
    supervisor->settled_at_usec = UINT64_MAX;
    memory_drop_program();
}

/* Until the payload is gone. */
static int loop(Supervisor *supervisor)
{
    Context *context = supervisor->context;
    int listen_fd = context_fd(context, supervisor->step->attach_fd);

    for (;;) {
        bool reads_terminal =
            supervisor->output && context->terminal_fd >= 0 && supervisor->terminal_at_usec <= now_usec();
        struct pollfd polls[] = {
            {context->payload_pidfd, POLLIN, 0},
            {supervisor->signals_fd, POLLIN, 0},
            {context->control_fd, POLLIN, 0},
            echo_poll(&supervisor->echo, 1, context->output_fds[0]),
            echo_poll(&supervisor->echo, 2, context->output_fds[1]),
            {reads_terminal ? context->terminal_fd : -1, POLLIN, 0},
            {listen_fd, POLLIN, 0},
            {supervisor->notify.fd, POLLIN, 0},
            {supervisor->memory_events_fd, POLLPRI, 0},
            {-1, 0, 0}, /* two of the health check */
            {-1, 0, 0},
        };

        if (reads_terminal)
            supervisor->terminal_at_usec = 0;
        probe_fill_polls(supervisor->probe, &polls[ELEMENTSOF(polls) - PROBE_POLLS]);
        if (poll(polls, ELEMENTSOF(polls), wait_time_msec(supervisor)) < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < 2; i++)
            if (polls[3 + i].revents && echo_has_room(&supervisor->echo, i + 1, 0) &&
                !pump(supervisor, context->output_fds[i], i + 1))
                context->output_fds[i] = safe_close(context->output_fds[i]);
        if (polls[5].revents)
            read_terminal(supervisor);
        if (polls[1].revents)
            on_signal(supervisor);
        if (polls[2].revents)
            on_control(supervisor);
        if (polls[6].revents)
            on_attach(supervisor, listen_fd);
        if (polls[7].revents)
            notify_receive(&supervisor->notify, context->payload_pid);
        if (polls[8].revents)
            on_memory_event(supervisor);
        if (polls[0].revents)
            return 0;
        if (probe_run(supervisor->probe, &supervisor->notify, now_usec()))
            on_unhealthy(supervisor);
        notify_on_time(&supervisor->notify, now_usec());
        if (supervisor->pending_signal)
            send_when_heard(supervisor, supervisor->pending_signal);
        if (supervisor->kill_at_usec <= now_usec()) {
            kill_payload(supervisor);
            supervisor->kill_at_usec = UINT64_MAX - 1;
        }
        settle(supervisor);
    }
}

/* All processes of the pid namespace are dead with its first: what the pipes hold now is all there will be. */
static void drain(Supervisor *supervisor)
{
    Context *context = supervisor->context;
    int *const sources[] = {&context->output_fds[0], &context->output_fds[1], &context->terminal_fd};

    for (int i = 0; i < 3; i++) {
        struct pollfd poll_one = {*sources[i], POLLIN, 0};

        while (*sources[i] >= 0 && poll(&poll_one, 1, 0) > 0)
            if (!echo_has_room(&supervisor->echo, i == 1 ? 2 : 1, -1) || !pump(supervisor, *sources[i], i == 1 ? 2 : 1))
                break;
    }
    output_flush(supervisor->output);
}

/* What the launcher said before the payload ended, and was not read yet. */
static void drain_control(Supervisor *supervisor)
{
    struct pollfd poll_one = {supervisor->context->control_fd, POLLIN, 0};

    while (!supervisor->is_announced && supervisor->context->control_fd >= 0 && poll(&poll_one, 1, 0) > 0)
        on_control(supervisor);
}

/* What `wait`, `status` and `list` show after the end. JSON without strings: nothing to escape. */
static void write_exit_record(Supervisor *supervisor, const Message *end)
{
    Context *context = supervisor->context;
    _cleanup_close_ int exits_fd = -EBADF;
    struct timespec now;
    char text[512];
    int n;

    clock_gettime(CLOCK_REALTIME, &now);
    n = snprintf(text, sizeof(text),
                 "{\"schema\":1,\"code\":%d,\"signal\":%d,\"oom_kills\":%u,\"finished_usec\":%llu,"
                 "\"lines_dropped\":%llu,\"is_removed\":%s}\n",
                 end->is_signaled ? 128 + end->number : end->number, end->is_signaled ? end->number : 0, end->oom_kills,
                 (unsigned long long) now.tv_sec * 1000000 + (unsigned long long) now.tv_nsec / 1000,
                 (unsigned long long) (supervisor->output ? supervisor->output->dropped : 0),
                 supervisor->step->forget_log ? "true" : "false");
    exits_fd = openat(context_fd(context, supervisor->step->run_fd), "exits", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (exits_fd >= 0 && n > 0 && (size_t) n < sizeof(text))
        (void) file_write_atomic_at(exits_fd, supervisor->step->name, text, (size_t) n, 0600, 0);
}

/* reboot(2) in a pid namespace ends its init by a signal that says how: SIGINT for power-off and halt, SIGHUP for a
 * restart, which becomes the 133 that nspawn's service units restart on. */
static void translate_reboot(Message *end)
{
    if (!end->is_signaled) {
        /* That number is for reboots. */
        if (end->number == REBOOT_CODE)
            end->number = 1;
        return;
    }
    if (end->number != SIGINT && end->number != SIGHUP)
        return;
    end->number = end->number == SIGHUP ? REBOOT_CODE : 0;
    end->is_signaled = false;
}

/* The state file, the socket, and last the lock's name: the lock itself goes with this process. */
static void leave_roster(const Context *context, const StepSupervise *step)
{
    static const char *const places[] = {"machines", "attach", "locks"};
    char record[128];

    (void) snprintf(record, sizeof(record), "machines/%s" HEALTH_RECORD_SUFFIX, step->name);
    if (step->health_plan_size > 0)
        (void) unlinkat(context_fd(context, step->run_fd), record, 0);
    if (step->forget_log)
        log_file_remove(context_fd(context, step->run_fd), step->name, (unsigned) step->log_max_files);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[128];
        int n = snprintf(path, sizeof(path), "%s/%s", places[i], step->name);

        if (n > 0 && (size_t) n < sizeof(path))
            (void) unlinkat(context_fd(context, step->run_fd), path, 0);
    }
}

static void tell_end(const Supervisor *supervisor, EventKind kind, const Message *end)
{
    Event event = {
        .kind = kind,
        .code = (uint64_t) (end->is_signaled ? 128 + end->number : end->number),
        .signal = end->is_signaled ? (uint64_t) end->number : 0,
        .oom_kills = end->oom_kills,
    };

    lifecycle_emit(supervisor->context, supervisor->step, event);
}

static void announce_end(Supervisor *supervisor, const Message *end)
{
    (void) socket_send(supervisor->context->control_fd, end, sizeof(*end), NULL, 0);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (supervisor->clients[i] >= 0)
            (void) socket_send(supervisor->clients[i], end, sizeof(*end), NULL, 0);
}

/* The program may have ended before its launcher had told others of it. Before it is reaped: the launcher looks at it. */
static void await_announcement(Supervisor *supervisor)
{
    Context *context = supervisor->context;

    while (!supervisor->is_announced && context->control_fd >= 0) {
        struct pollfd polls[] = {{context->control_fd, POLLIN, 0}, {supervisor->signals_fd, POLLIN, 0}};

        if (poll(polls, ELEMENTSOF(polls), -1) < 0)
            continue;
        if (polls[0].revents)
            on_control(supervisor);
        if (polls[1].revents)
            on_signal(supervisor);
    }
}

/* Until the payload has ended, and how. */
static void follow_payload(Supervisor *supervisor, Message *ret)
{
    Context *context = supervisor->context;
    bool is_signaled = false;
    int code = 0;

    lifecycle_emit(context, supervisor->step, (Event){.kind = EVENT_START});
    supervisor->started_usec = now_usec();
    supervisor->settled_at_usec = supervisor->started_usec + SETTLED_USEC;
    notify_init(&supervisor->notify, context, supervisor->step, supervisor->started_usec);
    supervisor->probe = probe_new(context, supervisor->step, supervisor->started_usec);
    if (loop(supervisor) < 0)
        kill_payload(supervisor);
    supervisor->probe = probe_free(supervisor->probe);
    if (supervisor->step->restart_mode != STEP_RESTART_NO)
        await_announcement(supervisor);
    (void) process_wait(context->payload_pidfd, &code, &is_signaled);
    if (supervisor->output)
        drain(supervisor);
    *ret = (Message){.kind = MESSAGE_EXITED, .number = code, .is_signaled = is_signaled};
    if (supervisor->step->is_system)
        translate_reboot(ret);
    if (supervisor->is_to_restart) {
        ret->number = REBOOT_CODE;
        ret->is_signaled = false;
    }
    ret->oom_kills = tell_oom_kills(supervisor);
    tell_end(supervisor, EVENT_DIE, ret);
}

/* Who sees the old terminal is given the new one; the launcher's is not ours to keep. */
static void hand_over_terminal(Supervisor *supervisor)
{
    Context *context = supervisor->context;

    for (int i = 0; i < CLIENTS_MAX; i++)
        if (supervisor->clients[i] >= 0)
            (void) send_message(supervisor->clients[i], MESSAGE_TERMINAL, 0, context->terminal_fd);
    if (supervisor->output)
        return;
    (void) send_message(context->control_fd, MESSAGE_TERMINAL, 0, context->terminal_fd);
    context->terminal_fd = safe_close(context->terminal_fd);
}

/* Whether it is to run again, by a reboot inside or by its policy, and how long it waits before. */
static bool is_to_run_again(Supervisor *supervisor, const Message *end, uint64_t *ret_pause_msec)
{
    const StepSupervise *step = supervisor->step;
    uint64_t lived_msec = (now_usec() - supervisor->started_usec) / 1000;
    bool has_failed = end->is_signaled || end->number != 0;

    if (supervisor->is_last_end || !supervisor->is_announced)
        return false;
    if (step->restarts && !end->is_signaled && end->number == REBOOT_CODE) {
        *ret_pause_msec = lived_msec < RESTART_PAUSE_MSEC ? RESTART_PAUSE_MSEC - lived_msec : 0;
        return true;
    }
    if (step->restart_mode == STEP_RESTART_NO ||
        (step->restart_mode == STEP_RESTART_ON_FAILURE &&
         (!has_failed || (step->restart_attempts > 0 && supervisor->restarts >= step->restart_attempts))))
        return false;
    supervisor->restarts++;
    supervisor->backoff_msec = lived_msec >= BACKOFF_RUN_MSEC || supervisor->backoff_msec == 0
                                   ? BACKOFF_LEAST_MSEC
                                   : MIN(supervisor->backoff_msec * 2, BACKOFF_MOST_MSEC);
    *ret_pause_msec = supervisor->backoff_msec;
    return true;
}

/* False when it was told to end meanwhile. */
static bool wait_to_restart(Supervisor *supervisor, uint64_t pause_msec)
{
    uint64_t end_usec = now_usec() + pause_msec * 1000;

    do {
        struct pollfd poll_one = {supervisor->signals_fd, POLLIN, 0};
        uint64_t now = now_usec();

        if (now < end_usec)
            (void) poll(&poll_one, 1, (int) ((end_usec - now) / 1000) + 1);
        on_signal(supervisor);
    } while (!supervisor->is_last_end && now_usec() < end_usec);
    return !supervisor->is_last_end;
}

/* True when it runs again. Not when somebody wants it to end, nor before others can find it. */
static bool restart(Supervisor *supervisor, const Message *end)
{
    Context *context = supervisor->context;
    uint64_t pause_msec = 0;

    drain_control(supervisor);
    on_signal(supervisor);
    if (!is_to_run_again(supervisor, end, &pause_msec) || !wait_to_restart(supervisor, pause_msec))
        return false;
    /* What a stop for the sake of a restart has left, and what came for the last one. */
    supervisor->kill_at_usec = UINT64_MAX;
    supervisor->is_to_restart = false;
    supervisor->pending_signal = 0;
    if (restart_payload(context) < 0)
        return false;
    hand_over_terminal(supervisor);
    registrar_restarted(context, supervisor->step);
    return true;
}

/* What the payload has of its caller's files, and the launcher of the terminal, would never end if it were held here. */
static void leave_stdio(int count)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = 0; i < count && null_fd >= 0; i++)
        (void) dup2(null_fd, i);
    (void) safe_close(null_fd);
}

int supervise(Context *context, const StepSupervise *step)
{
    Supervisor supervisor = {.context = context, .step = step, .kill_at_usec = UINT64_MAX, .memory_events_fd = -EBADF};
    Message end;

    for (int i = 0; i < CLIENTS_MAX; i++)
        supervisor.clients[i] = -EBADF;
    supervisor.signals_fd = open_signals();
    if (supervisor.signals_fd < 0)
        return fail(context, supervisor.signals_fd, "cannot wait for signals");
    if (step->log != STEP_LOG_PASSTHROUGH) {
        supervisor.output = calloc(1, sizeof(Output));
        if (!supervisor.output || output_init(supervisor.output, context, step) < 0)
            return -ENOMEM;
    } else
        context->terminal_fd = safe_close(context->terminal_fd);
    leave_stdio(step->echo ? 1 : 3);
    supervisor.echo = (Echo){.is_open = {step->echo, step->echo}};

    if (step->run_fd && context->cgroup_fd >= 0)
        supervisor.memory_events_fd = openat(context->cgroup_fd, "memory.events", O_RDONLY | O_CLOEXEC);
    do
        follow_payload(&supervisor, &end);
    while (restart(&supervisor, &end));
    context->end_code = end.is_signaled ? 128 + end.number : end.number;

    /* First everything is taken back, then it is said: whoever hears of the end may use the name again. */
    if (step->keep_exit)
        write_exit_record(&supervisor, &end);
    undo_steps(context, context->plan.count);
    drain_control(&supervisor);
    if (supervisor.is_registered)
        registrar_unregister(context, step, context->payload_pid);
    if (step->run_fd)
        leave_roster(context, step);
    tell_end(&supervisor, EVENT_EXIT, &end);
    if (step->forget_log)
        lifecycle_emit(context, step, (Event){.kind = EVENT_REMOVE});
    announce_end(&supervisor, &end);
    return 0;
}
