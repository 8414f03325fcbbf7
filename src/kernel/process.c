/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/process.h"

#include "base/cleanup.h"
#include "kernel/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define PIDFS_MAGIC 0x50494446

pid_t process_clone(uint64_t namespaces, int cgroup_fd, int *ret_pidfd)
{
    int pidfd = -EBADF;
    struct clone_args arguments = {
        .flags = namespaces | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t) (uintptr_t) &pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t) cgroup_fd : 0,
    };
    int pid = sys_clone3(&arguments);

    if (pid > 0)
        *ret_pidfd = pidfd;
    return pid;
}

pid_t process_clone_inside(int target_pidfd, int own_fd, int cgroup_fd, int *ret_pidfd)
{
    int pidfd = -EBADF;
    pid_t pid;

    /* setns(2): with CLONE_NEWPID it concerns children only. */
    if (setns(target_pidfd, CLONE_NEWPID) < 0)
        return -errno;
    pid = process_clone(0, cgroup_fd, &pidfd);
    if (pid == 0)
        return 0;
    if (setns(own_fd, CLONE_NEWPID) < 0 && pid > 0) {
        int code = 0;
        bool is_signaled = false;
        int r = -errno;

        (void) process_send_signal(pidfd, SIGKILL);
        (void) process_wait(pidfd, &code, &is_signaled);
        close(pidfd);
        return r;
    }
    if (pid > 0)
        *ret_pidfd = pidfd;
    return pid;
}

/* In the child of vfork(2), which has its parent's memory and stack: system calls only. */
static int exec_with_fds(int program_fd, char *const *argv, char *const *envp, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (dup2(fds[i], (int) i) < 0)
            return -errno;
    return process_exec_fd(program_fd, argv, envp);
}

int process_spawn(int program_fd, char *const *argv, char *const *envp, const int *fds, size_t count, pid_t *ret_pid)
{
    volatile int failure = 0;
    pid_t pid = vfork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        failure = exec_with_fds(program_fd, argv, envp, fds, count);
        _exit(127);
    }
    /* Here the child runs its program or is gone. */
    if (failure < 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return failure;
    }
    *ret_pid = pid;
    return 0;
}

int process_become(int program_fd, char *const *argv, char *const *envp, const int *fds, size_t count, pid_t *ret_pid)
{
    pid_t own_pid = getpid(), pid = fork();
    int status = 0;

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        /* The program would not expect a child: the one that goes on is init's. */
        pid = fork();
        if (pid != 0)
            _exit(pid < 0);
        *ret_pid = own_pid;
        return 0;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (status != 0)
        return -EAGAIN;
    (void) exec_with_fds(program_fd, argv, envp, fds, count);
    _exit(127);
}

int process_open(pid_t pid)
{
    return sys_pidfd_open(pid, 0);
}

int process_send_signal(int pidfd, int signal_number)
{
    return sys_pidfd_send_signal(pidfd, signal_number);
}

int process_wait(int pidfd, int *ret_code, bool *ret_signaled)
{
    siginfo_t info = {};

    while (waitid((idtype_t) P_PIDFD, (id_t) pidfd, &info, WEXITED) < 0)
        if (errno != EINTR)
            return -errno;
    *ret_code = info.si_status;
    *ret_signaled = info.si_code != CLD_EXITED;
    return 0;
}

uint64_t process_pidfd_id(int pidfd)
{
    struct statfs fs;
    struct stat st;

    if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PIDFS_MAGIC || fstat(pidfd, &st) < 0)
        return 0;
    return st.st_ino;
}

/* The value of the line "KEY:\t…" of a file of /proc, which a NUL ends. */
static int read_field(const char *path, const char *key, char *value, size_t size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = strlen(key);
    char text[4096];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    text[n] = 0;
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            (void) snprintf(value, size, "%.*s", (int) strcspn(line + length + 1, "\n"), line + length + 1);
            return 0;
        }
    return -ENODATA;
}

int process_pid_of(int pidfd, pid_t *ret)
{
    char path[64], value[32];
    long pid = 0;
    int r;

    (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    r = read_field(path, "Pid", value, sizeof(value));
    if (r < 0) /* only pidfds have the line */
        return r == -ENODATA || r == -ESRCH ? -EBADF : r;
    if (sscanf(value, "%ld", &pid) != 1 || pid <= 0 || pid > INT32_MAX)
        return -ESRCH;
    *ret = (pid_t) pid;
    return 0;
}

int process_user_of(pid_t pid, uid_t *ret)
{
    char path[64], value[128];
    unsigned ids[4];
    int r;

    (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
    r = read_field(path, "Uid", value, sizeof(value));
    if (r < 0)
        return r;
    if (sscanf(value, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
        return -EBADMSG;
    if (ids[0] != ids[1] || ids[0] != ids[2] || ids[0] != ids[3])
        return -EPERM;
    *ret = ids[0];
    return 0;
}

int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
    _cleanup_close_ int fd = -EBADF;
    char path[32], line[1024], *cursor;
    unsigned long long ticks = 0;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    n = read(fd, line, sizeof(line) - 1);
    if (n <= 0)
        return n < 0 ? -errno : -ESRCH;
    line[n] = 0;
    /* The command's name may hold anything, parentheses and blanks too: count from the last one. */
    cursor = strrchr(line, ')');
    if (!cursor ||
        sscanf(cursor + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return -EBADMSG;
    *ret_ticks = ticks;
    return 0;
}

int process_set_oom_score(pid_t pid, const char *text)
{
    _cleanup_close_ int fd = -EBADF;
    char path[48];

    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int) pid);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int process_close_from(int first, bool cloexec)
{
    return sys_close_range((unsigned) first, ~0U, cloexec ? 4U /* CLOSE_RANGE_CLOEXEC */ : 0U);
}

int process_keep_fds(const int *fds, size_t count, int first)
{
    int end = first + (int) count, moved[8];

    if (count > ELEMENTSOF(moved))
        return -E2BIG;
    /* Out of the way first, so that none is written over before it has its place. */
    for (size_t i = 0; i < count; i++) {
        moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, end);
        if (moved[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < count; i++)
        if (dup3(moved[i], first + (int) i, O_CLOEXEC) < 0)
            return -errno;
    return process_close_from(end, false);
}

int process_drop_bounding(uint64_t keep, unsigned last_capability)
{
    for (unsigned i = 0; i <= last_capability; i++)
        if (!(keep & (UINT64_C(1) << i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
            if (errno == EINVAL) /* newer than this kernel */
                break;
            return -errno;
        }
    return 0;
}

int process_set_capabilities(uint64_t permitted)
{
    return sys_capset(permitted, permitted, 0);
}

int process_set_capability_sets(uint64_t effective, uint64_t permitted, uint64_t inheritable, uint64_t ambient)
{
    int r = sys_capset(effective, permitted, inheritable);

    ambient &= permitted & inheritable;
    for (unsigned i = 0; i < 64 && r == 0; i++)
        if ((ambient >> i & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            r = -errno;
    return r;
}

int process_get_capabilities(uint64_t *ret_permitted)
{
    return sys_capget_permitted(ret_permitted);
}

int process_clear_ambient(void)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ? -errno : 0;
}

int process_load_seccomp(const void *instructions, size_t size_bytes)
{
    struct sock_fprog program = {
        .len = (unsigned short) (size_bytes / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *) (uintptr_t) instructions,
    };

    if (size_bytes % sizeof(struct sock_filter) != 0 || size_bytes / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return -EINVAL;
    return sys_seccomp_set_filter(0, &program);
}

int process_join_new_keyring(void)
{
    return sys_keyctl_join_session(NULL);
}

int process_set_dumpable(bool dumpable)
{
    return prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0) < 0 ? -errno : 0;
}

int process_set_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int process_set_name(const char *name)
{
    return prctl(PR_SET_NAME, name, 0, 0, 0) < 0 ? -errno : 0;
}

int process_exec_fd(int fd, char *const *argv, char *const *envp)
{
    return sys_execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}
