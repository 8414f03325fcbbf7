/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-executor: reads a sealed plan, carries it out, and stays as the container's supervisor.
 *
 * Fds on entry: 0 to 2 the payload's (or nothing: they become /dev/null), 3 the plan, 4 the socket to the launcher,
 * 5 and up the plan's own, as many as the first argument says. A second argument makes it the main process of a unit: it ends
 * with the payload's code, and not before the pipe is closed whose place among the plan's fds, plus one, the argument is.
 *
 * With REAPER_ARGUMENT and the pid of a child it is the PID 1 of a container with --init, confined like its payload. */

#include "executor/apply.h"
#include "executor/context.h"

#include "base/cleanup.h"
#include "kernel/memfd.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PLAN_FD    3
#define CONTROL_FD 4
#define FIRST_FD   5
#define FDS_MAX    1024
/* How long the launcher may take to write a line and end. */
#define LINGER_MSEC 5000

/* A closed 0, 1 or 2 would be taken by the next open(): the payload would read or write a file of ours. */
static int secure_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        int null_fd;

        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        null_fd = open("/dev/null", O_RDWR);
        if (null_fd != fd)
            return -EBADF;
    }
    return 0;
}

/* A state of our own, whatever the launcher's caller had:. SIGCHLD ignored would make the kernel
 * reap the payload behind our back. */
static void reset_process(void)
{
    sigset_t blocked;

    for (int i = 1; i < NSIG; i++)
        if (i != SIGKILL && i != SIGSTOP)
            signal(i, SIG_DFL);
    sigfillset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    umask(0);
    (void) process_set_dumpable(false);
    (void) setsid();
}

/* As a unit's main process: when this one ends, systemd kills what else is in the unit, and that is the launcher that has not
 * yet said why there is no container. */
static void await_launcher(int fd)
{
    struct pollfd poll_one = {fd, POLLIN, 0};

    if (fd >= 0)
        (void) poll(&poll_one, 1, LINGER_MSEC);
}

int main(int argc, char *argv[])
{
    static Context context;
    static int fds[FDS_MAX];
    const void *data = NULL;
    size_t size = 0, linger = 0;
    char *end = NULL;
    int r;

    if (argc == 3 && strcmp(argv[1], REAPER_ARGUMENT) == 0)
        return reaper_main(argv[2]);
    context_init(&context);
    context.control_fd = CONTROL_FD;
    context.fds = fds;
    reset_process();
    context.fds_count = argc == 2 || argc == 3 ? strtoul(argv[1], &end, 10) : FDS_MAX + 1;
    if (context.fds_count > FDS_MAX || !end || *end)
        return 125;
    linger = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
    for (size_t i = 0; i < context.fds_count; i++)
        fds[i] = FIRST_FD + (int) i;
    r = secure_stdio();
    if (r == 0)
        r = process_close_from(FIRST_FD + (int) context.fds_count, false);
    /* Nothing of the plan's is meant for the payload: what it gets, a step gives it. */
    if (r == 0)
        r = process_close_from(PLAN_FD, true);
    if (r == 0)
        r = memfd_map_sealed(PLAN_FD, &data, &size);
    if (r == 0)
        r = step_list_decode(data, size, &context.plan);
    if (r < 0) {
        (void) fail(&context, r, "the plan cannot be read: %s", strerror(-r));
        send_failure(&context, CONTROL_FD, r);
        return 125;
    }
    r = run_host_steps(&context);
    if (linger == 0)
        return r < 0 ? 125 : 0;
    await_launcher(context_fd(&context, linger));
    return r < 0 ? 125 : context.end_code;
}
