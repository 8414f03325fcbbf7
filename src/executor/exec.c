/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Becoming the payload. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/process.h"
#include "kernel/resolve.h"
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *find_variable(const char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; environment && environment[i]; i++)
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
            return environment[i] + length + 1;
    return NULL;
}

/* Exit statuses as the shell and container tools have them: 127 not found, 126 found but cannot be run. */
static int exec_failure(Context *context, int r, const char *program)
{
    bool missing = r == -ENOENT || r == -ENOTDIR;

    context->exit_status = missing ? 127 : 126;
    return fail(context, r, missing ? "'%s' is not in the container" : "cannot run '%s': %s", program,
                r == -EACCES    ? "it is not executable"
                : r == -ENOEXEC ? "not an executable format"
                                : strerror(-r));
}

static int execute(const char *path, const char *const *argv, char **environment)
{
    execve(path, (char *const *) argv, environment);
    return -errno;
}

/* execvpe(3) with the PATH of the container's environment; what is found but cannot be run wins over what is missing. */
static int execute_search(const char *const *argv, char **environment, const char *search)
{
    int first = -ENOENT;

    if (strchr(argv[0], '/'))
        return execute(argv[0], argv, environment);
    while (search && *search) {
        char path[PATH_MAX];
        size_t length = strcspn(search, ":");
        struct stat st;
        int n, r;

        n = snprintf(path, sizeof(path), "%.*s/%s", (int) length, search, argv[0]);
        search += length + (search[length] == ':');
        /* Relative entries of PATH mean the working directory, which an image may have chosen: skipped. */
        if (n < 0 || (size_t) n >= sizeof(path) || path[0] != '/')
            continue;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            continue;
        r = execute(path, argv, environment);
        if (r != -ENOENT && r != -ENOTDIR)
            first = r;
    }
    return first;
}

static bool is_there(const Context *context, const char *path)
{
    _cleanup_close_ int fd = resolve_open(context->root_fd, path, O_PATH);

    return fd >= 0;
}

int check_program(Context *context, const StepExec *exec)
{
    const char *search = find_variable(exec->environment, "PATH"), *program = exec->argv ? exec->argv[0] : NULL;
    bool is_path = program && strchr(program, '/');

    if (!program || (is_path && program[0] != '/'))
        return 0;
    if (is_path)
        return is_there(context, program) ? 0 : exec_failure(context, -ENOENT, program);
    while (search && *search) {
        char path[PATH_MAX];
        size_t length = strcspn(search, ":");
        int n = snprintf(path, sizeof(path), "%.*s/%s", (int) length, search, program);

        search += length + (search[length] == ':');
        if (n > 0 && (size_t) n < sizeof(path) && path[0] == '/' && is_there(context, path))
            return 0;
    }
    return exec_failure(context, -ENOENT, program);
}

static int set_stdio(Context *context)
{
    bool terminal = context->payload_stdio[0] >= 0 && context->payload_stdio[0] == context->payload_stdio[1];

    if (terminal) {
        int r;

        if (setsid() < 0)
            return -errno;
        r = tty_take_control(context->payload_stdio[0]);
        if (r < 0)
            return r;
    }
    for (int i = 0; i < 3; i++)
        if (context->payload_stdio[i] >= 0 && dup2(context->payload_stdio[i], i) < 0)
            return -errno;
    return 0;
}

static int run(Context *context, const StepExec *exec, char **environment)
{
    const char *search = find_variable((const char *const *) environment, "PATH");
    sigset_t none;

    /* The dispositions are the default ones since reset_process() of main.c. */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(exec->umask_plus_one > 0 ? (mode_t) (exec->umask_plus_one - 1) : 0022);
    if (!exec->candidates)
        return exec_failure(context, execute_search(exec->argv, environment, search), exec->argv[0]);

    /* Booting: argv[0] is the program that is found, the command's words are its arguments. */
    for (size_t i = 0; exec->candidates[i]; i++) {
        const char *argv[64] = {exec->candidates[i]};
        int r;

        for (size_t j = 0; exec->argv && exec->argv[j] && j < 62; j++)
            argv[j + 1] = exec->argv[j];
        r = execute(argv[0], argv, environment);
        if (r != -ENOENT && r != -ENOTDIR)
            return exec_failure(context, r, argv[0]);
    }
    context->exit_status = 127;
    return fail(context, -ENOENT, "there is no init program in the tree (looked for systemd and /sbin/init)");
}

/* PID 1 of a --init container: reaps what is orphaned, forwards signals to the program, ends as it ends. /proc/1/exe is the
 * read-only clone that we run from. */
static _Noreturn void reap(pid_t program)
{
    sigset_t all;
    int status = 0;

    (void) process_set_name("berth-init");
    (void) process_close_from(0, false);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (;;) {
        siginfo_t info = {};
        int signal_number = sigwaitinfo(&all, &info);
        pid_t pid;

        if (signal_number != SIGCHLD) {
            if (signal_number > 0)
                (void) kill(program, signal_number);
            continue;
        }
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == program && (WIFEXITED(status) || WIFSIGNALED(status)))
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

/* The signal mask, with what is pending, and the child come along. What was written to attr/exec counts for this, too. */
static int become_reaper(int fd, pid_t program)
{
    char number[24], *argv[] = {(char *) "berth-init", (char *) REAPER_ARGUMENT, number, NULL}, *environment[] = {NULL};

    snprintf(number, sizeof(number), "%d", (int) program);
    return process_exec_fd(fd, argv, environment);
}

int reaper_main(const char *number)
{
    char *end = NULL;
    unsigned long program = strtoul(number, &end, 10);

    (void) process_set_dumpable(false);
    if (program <= 1 || program > INT_MAX || *end)
        return 125;
    reap((pid_t) program);
}

/* The payload as a child of a reaper. On failure the child reports itself and the reaper ends with its status. */
static int run_below_reaper(Context *context, const StepExec *exec, char **environment)
{
    sigset_t all;
    pid_t program;
    int r;

    /* Blocked before the fork, so that no signal falls between it and sigwaitinfo(). */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    program = fork();
    if (program < 0)
        return fail(context, -errno, "cannot fork: %s", strerror(errno));
    if (program == 0)
        return run(context, exec, environment);
    if (exec->init_fd == 0)
        reap(program);
    r = become_reaper(context_fd(context, exec->init_fd), program);
    return fail(context, r, "cannot confine the reaper: %s", strerror(-r));
}

/* HOME from the container's passwd unless it was given. */
static char **complete_environment(const Context *context, const StepExec *exec)
{
    size_t count = 0, secrets = 0;
    char **environment;

    while (exec->environment && exec->environment[count])
        count++;
    while (exec->secrets && exec->secrets[secrets])
        secrets++;
    environment = calloc(count + secrets + 2, sizeof(char *));
    for (size_t i = 0; environment && i < count + secrets; i++)
        environment[i] = (char *) (uintptr_t) (i < count ? exec->environment[i] : exec->secrets[i - count]);
    count += secrets;
    if (environment && !find_variable((const char *const *) environment, "HOME") &&
        asprintf(&environment[count], "HOME=%s", context->identity.has_home ? context->identity.home : "/") < 0)
        environment[count] = NULL;
    return environment;
}

int apply_exec(Context *context, const Step *step)
{
    const StepExec *exec = &step->exec;
    char **environment = complete_environment(context, exec);
    int r;

    if (!environment)
        return -ENOMEM;
    if (!exec->candidates && (!exec->argv || !exec->argv[0]))
        return fail(context, -EINVAL, "there is no command to run");
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
        return fail(context, -errno, "cannot part from the supervisor: %s", strerror(errno));
    r = set_stdio(context);
    if (r < 0)
        return fail(context, r, "cannot set up standard input and output: %s", strerror(-r));
    /* Whatever else is open, ours or inherited, ends with execve(2). */
    r = process_close_from(3, true);
    if (r < 0)
        return fail(context, r, "cannot close files: %s", strerror(-r));
    return exec->init ? run_below_reaper(context, exec, environment) : run(context, exec, environment);
}
