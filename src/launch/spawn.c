/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/internal.h"

#include "base/file.h"
#include "base/program.h"
#include "base/text.h"
#include "kernel/memfd.h"
#include "kernel/mount.h"
#include "kernel/pipe.h"
#include "kernel/process.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define EXECUTOR_NAME "berth-executor"
#define FIRST_FD      5 /* executor/main.c: 3 the plan, 4 the socket, then the plan's fds */

static int open_executor(int *ret_fd, Error *error)
{
    const char *override = secure_getenv("BERTH_EXECUTOR");
    int fd = override ? open(override, O_PATH | O_CLOEXEC) : -1;

    if (fd < 0)
        fd = program_open("executor", EXECUTOR_NAME, error);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

/* What a payload could reach as /proc/PID/exe must not be the program on the host's disk (CVE-2019-5736): it runs from
 * a detached read-only clone of its own file, or, where mounts cannot be made, from a sealed copy in memory. */
static int protect_executor(int program_fd, int *ret_fd)
{
    _cleanup_close_ int clone_fd = mount_clone(program_fd, "", false), readable_fd = -EBADF;
    char path[64];
    struct stat st;
    void *data;
    int fd;

    if (clone_fd >= 0 &&
        mount_set_attributes(clone_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, false) == 0) {
        *ret_fd = TAKE_FD(clone_fd);
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", program_fd);
    readable_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (readable_fd < 0 || fstat(readable_fd, &st) < 0)
        return -errno;
    data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, readable_fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    fd = memfd_create_sealed(EXECUTOR_NAME, data, (size_t) st.st_size);
    munmap(data, (size_t) st.st_size);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

int launch_open_executor(int *ret_fd, Error *error)
{
    _cleanup_close_ int program_fd = -EBADF;
    int r = open_executor(&program_fd, error);

    if (r == 0)
        r = protect_executor(program_fd, ret_fd);
    return r < 0 ? error_set(error, r, "cannot protect the executor: %s", strerror(-r)) : 0;
}

/* Fds that stand where others are to go are first moved above all of them: dup2() would overwrite them. */
static int move_above(int fd, int least, int *ret)
{
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, least);
    return *ret < 0 ? -errno : 0;
}

/* What test builds give the executor besides its plan. */
static int find_hooks(char *environment[], size_t room)
{
    static const char *const names[] = {"BERTH_FAIL_STEP", "BERTH_OLD_OVERLAY"};
    size_t count = 0;

    for (size_t i = 0; BERTH_TEST_HOOKS && i < ELEMENTSOF(names) && count + 1 < room; i++) {
        const char *value = secure_getenv(names[i]);

        if (value && !(environment[count++] = text_format("%s=%s", names[i], value)))
            return -ENOMEM;
    }
    return 0;
}

/* With `linger_fd`, the place of its fd, our process becomes the executor. */
static int run(int program_fd, const int *child_fds, size_t count, size_t fds_count, uint64_t linger_fd, pid_t *ret_pid)
{
    char number[24], linger[24], *argv[] = {(char *) EXECUTOR_NAME, number, linger_fd > 0 ? linger : NULL, NULL};
    char *environment[3] = {};
    int r = find_hooks(environment, ELEMENTSOF(environment));

    snprintf(number, sizeof(number), "%zu", fds_count);
    snprintf(linger, sizeof(linger), "%llu", (unsigned long long) linger_fd);
    if (r == 0)
        r = linger_fd > 0 ? process_become(program_fd, argv, environment, child_fds, count, ret_pid)
                          : process_spawn(program_fd, argv, environment, child_fds, count, ret_pid);
    for (size_t i = 0; i < ELEMENTSOF(environment); i++)
        free(environment[i]);
    return r;
}

int launch_make_linger(FdList *fds, uint64_t *ret_place)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    *ret_place = fd_list_add(fds, ends[0], true);
    if (*ret_place == 0) {
        safe_close(ends[0]);
        safe_close(ends[1]);
        return -EMFILE;
    }
    /* The other end is left to the end of our process. */
    return 0;
}

int launch_spawn_executor(const StepList *plan, const FdList *fds, const int child_fds[3], uint64_t linger_fd,
                          int *ret_control_fd, pid_t *ret_pid, Error *error)
{
    _cleanup_close_ int program_fd = -EBADF, protected_fd = -EBADF, plan_fd = -EBADF, exec_fd = -EBADF,
                        null_fd = -EBADF;
    int sockets[2] = {-EBADF, -EBADF}, moved[LAUNCH_FDS_MAX + FIRST_FD];
    size_t count = 0, size = 0;
    void *encoded = NULL;
    int least = FIRST_FD + (int) fds->count, r;

    r = open_executor(&program_fd, error);
    if (r < 0)
        return r;
    r = protect_executor(program_fd, &protected_fd);
    if (r < 0)
        return error_set(error, r, "cannot protect the executor's program: %s", strerror(-r));
    r = step_list_encode(plan, &encoded, &size);
    if (r < 0)
        return error_set(error, r, "cannot encode the plan");
    plan_fd = memfd_create_sealed("berth-plan", encoded, size);
    free(encoded);
    if (plan_fd < 0)
        return error_set(error, plan_fd, "cannot seal the plan: %s", strerror(-plan_fd));
    r = socket_make_pair(sockets);
    if (r < 0)
        return error_set(error, r, "cannot make a socket: %s", strerror(-r));

    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3 && r == 0; i++, count++)
        r = move_above(child_fds[i] >= 0 ? child_fds[i] : null_fd, least, &moved[count]);
    for (size_t i = 0; i < fds->count + 2 && r == 0; i++, count++)
        r = move_above(i == 0 ? plan_fd : i == 1 ? sockets[1] : fds->fds[i - 2], least, &moved[count]);
    if (r == 0)
        r = move_above(protected_fd, least, &exec_fd);
    if (r == 0)
        r = run(exec_fd, moved, count, fds->count, linger_fd, ret_pid);
    for (size_t i = 0; i < count; i++)
        safe_close(moved[i]);
    safe_close(sockets[1]);
    if (r < 0) {
        safe_close(sockets[0]);
        return error_set(error, r, "cannot run the executor: %s", strerror(-r));
    }
    *ret_control_fd = sockets[0];
    return 0;
}

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int prepare_stream(int number, bool needs_pipe, const char *label, int *ret_child_fd, int *ret_relay_fd)
{
    int fds[2], r;

    if (!isatty(number) && !needs_pipe) {
        *ret_child_fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
        return *ret_child_fd < 0 ? -errno : 0;
    }
    r = pipe_make(label, fds);
    if (r < 0)
        return r;
    *ret_child_fd = fds[number == 0 ? 0 : 1];
    *ret_relay_fd = fds[number == 0 ? 1 : 0];
    return 0;
}

int launch_prepare_streams(bool interactive, bool has_userns, const char *label, int child_fds[3], int relay_fds[3])
{
    struct stat st;

    for (int i = 0; i < 3; i++) {
        bool needs_pipe = label || (has_userns && i > 0 && is_regular(i));
        int r;

        /* Not asked for, or closed by our caller: /dev/null. A directory too: from one of the host's the payload could open
         * what is beside and above it. */
        if ((i == 0 && !interactive) || fstat(i, &st) < 0 || S_ISDIR(st.st_mode))
            continue;
        /* What goes into one file stays in order. */
        if (i == 2 && needs_pipe && relay_fds[1] >= 0 && is_regular(2) && is_same_file(1, 2)) {
            child_fds[2] = fcntl(child_fds[1], F_DUPFD_CLOEXEC, 3);
            r = child_fds[2] < 0 ? -errno : 0;
        } else
            r = prepare_stream(i, needs_pipe, label, &child_fds[i], &relay_fds[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int launch_read_message(int control_fd, int timeout_msec, Message *ret, int *ret_fd)
{
    struct pollfd poll_one = {control_fd, POLLIN, 0};
    int fds[SOCKET_FDS_MAX], r;
    size_t count = 0;
    ssize_t n;

    do
        r = poll(&poll_one, 1, timeout_msec);
    while (r < 0 && errno == EINTR);
    if (r <= 0)
        return r < 0 ? -errno : -ETIMEDOUT;
    n = socket_receive(control_fd, ret, sizeof(*ret), fds, &count);
    *ret_fd = -EBADF;
    if (count > 0)
        *ret_fd = fds[--count];
    while (count > 0)
        safe_close(fds[--count]);
    if (n <= 0)
        return n == -ECONNRESET ? 0 : (int) n;
    if (n != sizeof(*ret)) {
        *ret_fd = safe_close(*ret_fd);
        return -EBADMSG;
    }
    ret->text[sizeof(ret->text) - 1] = 0;
    return 1;
}

int launch_announce(int control_fd, bool registered)
{
    Message message = {.kind = MESSAGE_ANNOUNCED, .number = registered};

    return socket_send(control_fd, &message, sizeof(message), NULL, 0);
}

int launch_explain_failure(const StepList *plan, const Message *message, const char *name, int *ret_exit_status,
                           Error *error)
{
    const Step *step = message->step < plan->count ? &plan->steps[message->step] : NULL;
    int r = message->number < 0 ? message->number : -EIO;

    *ret_exit_status =
        message->exit_status >= 125 && message->exit_status <= 127 ? (int) message->exit_status : LAUNCH_EXIT_FAILURE;
    if (!step)
        return error_set(error, r, "cannot start '%s': %s", name, message->text);
    return error_set(error, r, "cannot start '%s': %s [step %u, %s, from %s]", name, message->text, message->step,
                     step_kinds[step->kind].name, step->origin);
}
