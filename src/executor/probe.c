/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/probe.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/lifecycle.h"
#include "kernel/cgroup.h"
#include "kernel/namespace.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "proto/health.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define OUTPUT_MAX_BYTES 512 /* of what a check writes, the beginning is kept */

struct Probe {
    Context *context;
    const StepSupervise *step;
    Health health;
    StepList plan; /* the steps of a check, decoded once */
    int own_pid_ns_fd;
    bool is_stopped;

    /* of the check that runs, or else the last one */
    pid_t pid;
    int pidfd, output_fd, inner_fd;    /* -EBADF: none runs */
    uint64_t started_usec, ended_usec; /* CLOCK_REALTIME */
    bool is_timeout;
    int code;
    size_t output_size;
    char output[OUTPUT_MAX_BYTES + 1];
};

static uint64_t realtime_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void write_record(const Probe *probe)
{
    const HealthRecord record = {
        .status = health_status_to_string(probe->health.status),
        .failing = probe->health.failing,
        .code = (uint64_t) probe->code,
        .started_usec = probe->started_usec,
        .ended_usec = probe->ended_usec,
        .output = probe->output,
    };
    _cleanup_close_ int machines_fd =
        openat(context_fd(probe->context, probe->step->run_fd), "machines", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char text[HEALTH_RECORD_MAX_BYTES], name[128];
    size_t size = health_record_format(&record, text, sizeof(text));

    (void) snprintf(name, sizeof(name), "%s" HEALTH_RECORD_SUFFIX, probe->step->name);
    if (machines_fd >= 0 && size > 0)
        (void) file_write_atomic_at(machines_fd, name, text, size, 0600, 0);
}

Probe *probe_new(Context *context, const StepSupervise *step, uint64_t now_usec)
{
    const HealthConfig config = {
        .interval_usec = step->health_interval_usec,
        .timeout_usec = step->health_timeout_usec,
        .start_period_usec = step->health_start_period_usec,
        .start_interval_usec = step->health_start_interval_usec,
        .retries = step->health_retries,
    };
    Probe *probe = step->health_plan_size > 0 ? calloc(1, sizeof(Probe)) : NULL;

    if (!probe)
        return NULL;
    probe->context = context;
    probe->step = step;
    probe->pidfd = probe->output_fd = probe->inner_fd = -EBADF;
    probe->own_pid_ns_fd = namespace_open(0, "pid");
    if (probe->own_pid_ns_fd < 0 || step_list_decode(step->health_plan, step->health_plan_size, &probe->plan) < 0) {
        safe_close(probe->own_pid_ns_fd);
        free(probe);
        return NULL;
    }
    health_init(&probe->health, &config, now_usec);
    write_record(probe);
    return probe;
}

/* The check's process, a copy of the supervisor inside the container's pid namespace: nothing may be open in it that the
 * steps of entering do not need, before anything else (THREATS A2, A3). It is not dumpable as the supervisor is not, so
 * nobody in the container can look at it until it is as confined as they are (A4), and runs from the same sealed copy (A1). */
static _Noreturn void run_check(Probe *probe, int output_fd, int inner_fd)
{
    int needed[] = {probe->context->payload_pidfd, output_fd, inner_fd}, target_fd = 3;
    Context inner;

    context_init(&inner);
    inner.plan = probe->plan;
    inner.fds = &target_fd;
    inner.fds_count = 1;
    inner.inner_fd = 5;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || process_keep_fds(needed, ELEMENTSOF(needed), 3) < 0)
        _exit(125);
    (void) setsid();
    inner.payload_stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    inner.payload_stdio[1] = 4;
    inner.payload_stdio[2] = 4;
    run_inner_steps(&inner);
}

static int start_check(Probe *probe)
{
    _cleanup_close_ int output_fd = -EBADF, inner_fd = -EBADF;
    int pipe_fds[2], sockets[2], r;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    probe->output_fd = pipe_fds[0];
    output_fd = pipe_fds[1];
    (void) fcntl(probe->output_fd, F_SETFL, O_NONBLOCK); /* this end alone: a file description of its own */
    r = socket_make_pair(sockets);
    if (r < 0)
        return r;
    probe->inner_fd = sockets[0];
    inner_fd = sockets[1];
    probe->started_usec = realtime_usec();
    probe->is_timeout = false;
    probe->output_size = 0;
    pid = process_clone_inside(probe->context->payload_pidfd, probe->own_pid_ns_fd, probe->context->payload_cgroup_fd,
                               &probe->pidfd);
    if (pid == 0)
        run_check(probe, output_fd, inner_fd);
    if (pid < 0)
        return pid;
    probe->pid = pid;
    return 0;
}

/* What is there; more than is kept is read all the same, or the check would wait for room. */
static void read_output(Probe *probe)
{
    for (unsigned i = 0; i < 16; i++) {
        char data[1024];
        ssize_t n = read(probe->output_fd, data, sizeof(data));
        size_t take;

        if (n <= 0) {
            if (n == 0)
                probe->output_fd = safe_close(probe->output_fd);
            return;
        }
        take = MIN((size_t) n, OUTPUT_MAX_BYTES - probe->output_size);
        memcpy(probe->output + probe->output_size, data, take);
        probe->output_size += take;
    }
}

static void set_output(Probe *probe, const char *text)
{
    probe->output_size = (size_t) snprintf(probe->output, sizeof(probe->output), "%s", text);
    probe->output_size = MIN(probe->output_size, (size_t) OUTPUT_MAX_BYTES);
}

/* Why the check's program did not run; the socket closes when it does. */
static void read_failure(Probe *probe)
{
    struct pollfd poll_one = {probe->inner_fd, POLLIN, 0};
    Message message;
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;

    if (probe->inner_fd < 0 || poll(&poll_one, 1, 0) <= 0)
        return;
    if (socket_receive(probe->inner_fd, &message, sizeof(message), fds, &count) == sizeof(message) &&
        message.kind == MESSAGE_FAILED) {
        message.text[sizeof(message.text) - 1] = 0;
        set_output(probe, message.text);
    }
    while (count > 0)
        safe_close(fds[--count]);
}

/* The check and what it started, as far as that is in its session. Not reaped yet, so its pid is its own. */
static void kill_check(Probe *probe)
{
    if (probe->pidfd < 0)
        return;
    (void) kill(-probe->pid, SIGKILL);
    (void) process_send_signal(probe->pidfd, SIGKILL);
}

static void close_check(Probe *probe)
{
    probe->pidfd = safe_close(probe->pidfd);
    probe->output_fd = safe_close(probe->output_fd);
    probe->inner_fd = safe_close(probe->inner_fd);
}

static void tell(const Probe *probe, Notify *notify)
{
    const char *status = health_status_to_string(probe->health.status);
    char text[64];

    lifecycle_emit(probe->context, probe->step,
                   (Event){.kind = EVENT_HEALTH_STATUS,
                           .health = status,
                           .output = probe->output_size > 0 ? probe->output : NULL,
                           .failing = probe->health.failing});
    (void) snprintf(text, sizeof(text), "STATUS=Health check: %s\n", status);
    notify_unit(notify, text);
    if (probe->health.status != HEALTH_HEALTHY || probe->step->notify != STEP_NOTIFY_HEALTHY || notify->is_ready)
        return;
    notify_ready(notify);
    lifecycle_emit(probe->context, probe->step, (Event){.kind = EVENT_READY});
}

/* True: it has just become unhealthy. */
static bool end_check(Probe *probe, Notify *notify, uint64_t now_usec, bool is_success)
{
    bool has_changed;

    close_check(probe);
    while (probe->output_size > 0 && probe->output[probe->output_size - 1] == '\n')
        probe->output_size--;
    probe->output[probe->output_size] = 0;
    probe->ended_usec = realtime_usec();
    has_changed = health_result(&probe->health, now_usec, is_success);
    write_record(probe);
    if (has_changed)
        tell(probe, notify);
    return has_changed && probe->health.status == HEALTH_UNHEALTHY;
}

/* The process has ended, by itself or because its time was over. */
static bool take_result(Probe *probe, Notify *notify, uint64_t now_usec)
{
    bool is_signaled = false;
    char text[80];
    int code = 0;

    if (probe->output_fd >= 0)
        read_output(probe);
    read_failure(probe);
    if (process_wait(probe->pidfd, &code, &is_signaled) < 0)
        code = 125;
    probe->code = is_signaled ? 128 + code : code;
    if (probe->is_timeout) {
        (void) snprintf(text, sizeof(text), "it did not end within %llu ms",
                        (unsigned long long) probe->step->health_timeout_usec / 1000);
        set_output(probe, text);
    }
    return end_check(probe, notify, now_usec, probe->code == 0 && !probe->is_timeout);
}

static bool begin_check(Probe *probe, Notify *notify, uint64_t now_usec)
{
    char text[128];
    int r = start_check(probe);

    if (r == 0)
        return false;
    (void) snprintf(text, sizeof(text), "it could not be started: %s", strerror(-r));
    set_output(probe, text);
    probe->code = 125;
    return end_check(probe, notify, now_usec, false);
}

static bool is_paused(const Probe *probe)
{
    bool is_frozen = false;

    return probe->context->payload_cgroup_fd >= 0 &&
           cgroup_is_frozen(probe->context->payload_cgroup_fd, &is_frozen) == 0 && is_frozen;
}

uint64_t probe_due_usec(const Probe *probe)
{
    return probe && !probe->is_stopped ? probe->health.due_usec : UINT64_MAX;
}

void probe_fill_polls(const Probe *probe, struct pollfd polls[PROBE_POLLS])
{
    polls[0] = (struct pollfd){probe ? probe->pidfd : -1, POLLIN, 0};
    polls[1] = (struct pollfd){probe ? probe->output_fd : -1, POLLIN, 0};
}

bool probe_run(Probe *probe, Notify *notify, uint64_t now_usec)
{
    struct pollfd polls[PROBE_POLLS];

    if (!probe || probe->is_stopped)
        return false;
    probe_fill_polls(probe, polls);
    if (probe->pidfd >= 0 && poll(polls, PROBE_POLLS, 0) > 0) {
        if (polls[1].revents)
            read_output(probe);
        if (polls[0].revents)
            return take_result(probe, notify, now_usec);
    }
    if (now_usec < probe->health.due_usec)
        return false;
    /* What stands still neither answers nor fails to. */
    if (is_paused(probe)) {
        health_postpone(&probe->health, now_usec);
        return false;
    }
    switch (health_due(&probe->health, now_usec)) {
    case HEALTH_DUE_CHECK:
        return begin_check(probe, notify, now_usec);
    case HEALTH_DUE_TIMEOUT:
        probe->is_timeout = true;
        kill_check(probe);
        return take_result(probe, notify, now_usec);
    case HEALTH_DUE_NOTHING:
        break;
    }
    return false;
}

void probe_stop(Probe *probe)
{
    int code = 0;
    bool is_signaled = false;

    if (!probe)
        return;
    probe->is_stopped = true;
    if (probe->pidfd < 0)
        return;
    kill_check(probe);
    (void) process_wait(probe->pidfd, &code, &is_signaled);
    close_check(probe);
}

Probe *probe_free(Probe *probe)
{
    if (!probe)
        return NULL;
    probe_stop(probe);
    step_list_done(&probe->plan);
    safe_close(probe->own_pid_ns_fd);
    free(probe);
    return NULL;
}
