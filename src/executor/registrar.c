/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/registrar.h"

#include "base/cleanup.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

/* A bus that does not answer must not keep a container from ending. */
#define PATIENCE_MSEC 5000

static void run(const Context *context, const StepSupervise *step, const char *command, pid_t leader)
{
    char number[16], *environment[] = {(char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    char *argv[] = {(char *) "berth-registrar", (char *) (uintptr_t) command, (char *) (uintptr_t) step->name, number,
                    NULL};
    _cleanup_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), pidfd = -EBADF;
    int fds[] = {null_fd, null_fd, null_fd, context_fd(context, step->run_fd)}, code = 0;
    int program_fd = context_fd(context, step->registrar_fd);
    struct pollfd poll_one = {.events = POLLIN};
    bool is_signaled = false;
    pid_t pid = 0;

    snprintf(number, sizeof(number), "%d", (int) leader);
    if (program_fd < 0 || null_fd < 4 || fds[3] < 4 || process_spawn(program_fd, argv, environment, fds, 4, &pid) < 0)
        return;
    pidfd = process_open(pid);
    if (pidfd < 0)
        return;
    poll_one.fd = pidfd;
    if (poll(&poll_one, 1, PATIENCE_MSEC) <= 0)
        (void) process_send_signal(pidfd, SIGKILL);
    (void) process_wait(pidfd, &code, &is_signaled);
}

void registrar_unregister(const Context *context, const StepSupervise *step, pid_t leader)
{
    run(context, step, "unregister", leader);
}

void registrar_restarted(const Context *context, const StepSupervise *step)
{
    run(context, step, "restarted", context->payload_pid);
}
