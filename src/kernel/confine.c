/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/confine.h"

#include "base/cleanup.h"
#include "kernel/landlock.h"
#include "kernel/mount.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FILES_MAX 1024
#define NOBODY         65534

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

pid_t confine_start(int *ret_pidfd)
{
    return process_clone(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP,
                         -EBADF, ret_pidfd);
}

/* The mount is detached until here: it can be attached in any mount namespace that we own, and the root
 * directory is a place that always exists. */
static int enter_root(int root_mount_fd)
{
    _cleanup_close_ int target_fd = -EBADF;
    int r = mount_set_propagation("/", MS_PRIVATE);

    if (r == 0)
        r = mount_set_attributes(root_mount_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, false);
    if (r < 0)
        return r;
    target_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target_fd < 0)
        return -errno;
    r = mount_attach(root_mount_fd, target_fd);
    return r < 0 ? r : mount_pivot(root_mount_fd);
}

static int null_stdio(void)
{
    _cleanup_close_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode))
        return -ENODEV;
    for (int i = 0; i <= (HAS_SANITIZER ? 1 : 2); i++)
        if (dup2(fd, i) < 0)
            return -errno;
    return 0;
}

/* Moves the kept fds out of the way of a close_range(2) and back: `fds` keep their numbers. */
static int close_others(const ConfineSpec *spec)
{
    int highest = 2;

    for (size_t i = 0; i < spec->fds_count; i++)
        highest = MAX(highest, spec->fds[i]);
    for (int fd = 3; fd <= highest; fd++) {
        size_t i = 0;

        while (i < spec->fds_count && spec->fds[i] != fd)
            i++;
        if (i == spec->fds_count)
            (void) close(fd);
    }
    return process_close_from(highest + 1, false);
}

static int set_limit(int resource, uint64_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    return setrlimit((__rlimit_resource_t) resource, &limit) < 0 ? -errno : 0;
}

static int set_limits(const ConfineSpec *spec)
{
    int r = set_limit(RLIMIT_CORE, 0);

    if (r == 0)
        r = set_limit(RLIMIT_NOFILE, spec->open_files_max > 0 ? spec->open_files_max : OPEN_FILES_MAX);
    if (r == 0 && spec->file_max_bytes > 0)
        r = set_limit(RLIMIT_FSIZE, spec->file_max_bytes);
    /* A sanitizer reserves terabytes of address space. */
    if (r == 0 && spec->memory_max_bytes > 0 && !HAS_SANITIZER)
        r = set_limit(RLIMIT_AS, spec->memory_max_bytes);
    return r;
}

static int drop_capabilities(uint64_t keep)
{
    int r = process_drop_bounding(keep, CAP_LAST_CAP);

    if (r == 0)
        r = process_clear_ambient();
    if (r == 0)
        r = process_set_capabilities(keep);
    return r;
}

#ifdef NATIVE_ARCH
/* What unpacking never needs and an exploit would like: other programs, processes, namespaces, mounts,
 * sockets, keys, and the parts of the kernel with a history. Beyond the capabilities, which already forbid
 * most of them. */
static const int denied[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kill,
    SYS_tkill,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_unshare,
    SYS_setns,
    SYS_clone3,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fspick,
    SYS_fsconfig,
    SYS_mount_setattr,
    SYS_listen,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_personality,
    SYS_quotactl,
    SYS_acct,
    SYS_swapon,
    SYS_reboot,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_seccomp,
    SYS_fanotify_init,
    SYS_inotify_init1,
    SYS_memfd_create,
    SYS_shmget,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    SYS_syslog,
};

static const int denied_sockets[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_sendto, SYS_sendmsg, SYS_recvmsg,
};

static size_t deny(struct sock_filter *program, int number, int code)
{
    program[0] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) number, 0, 1);
    program[1] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t) code);
    return 2;
}

static int load_filter(bool has_network)
{
    struct sock_filter program[6 + 2 * (ELEMENTSOF(denied) + ELEMENTSOF(denied_sockets)) + 1];
    size_t n = 0;

    program[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    program[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    /* x32 numbers its calls from here on; no other table on these machines goes so far. */
    program[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    program[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    /* clone3(2) takes a struct, which no filter sees; glibc makes threads without it when it is not there. */
    for (size_t i = 0; i < ELEMENTSOF(denied); i++)
        n += deny(program + n, denied[i], denied[i] == SYS_clone3 ? ENOSYS : EPERM);
    for (size_t i = 0; !has_network && i < ELEMENTSOF(denied_sockets); i++)
        n += deny(program + n, denied_sockets[i], EPERM);
    program[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return process_load_seccomp(program, n * sizeof(program[0]));
}
#else
static int load_filter(bool has_network)
{
    return 0;
}
#endif

int confine_enter(const ConfineSpec *spec, const char **ret_step)
{
    int r;

    *ret_step = "tying it to its parent";
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    *ret_step = "closing its standard files";
    r = null_stdio();
    if (r < 0)
        return r;
    *ret_step = "changing its root directory";
    r = enter_root(spec->root_mount_fd);
    if (r < 0)
        return r;
    *ret_step = "closing its other files";
    r = close_others(spec);
    if (r < 0)
        return r;
    *ret_step = "setting its limits";
    r = set_limits(spec);
    if (r < 0)
        return r;
    *ret_step = "dropping its capabilities";
    r = process_set_no_new_privileges();
    if (r == 0)
        r = drop_capabilities(spec->capabilities);
    if (r < 0)
        return r;
    *ret_step = "loading its system call filter";
    r = load_filter(false);
    if (r < 0)
        return r;
    (void) process_set_dumpable(false);
    (void) umask(0);
    return 0;
}

/* Threads of a resolver come later: they get all of this from the thread that makes them. */
int confine_network(const char *const *paths, uint64_t memory_max_bytes, const char **ret_step)
{
    const ConfineSpec limits = {.memory_max_bytes = memory_max_bytes};
    bool has_landlock;
    int r;

    *ret_step = "tying it to its parent";
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    (void) setsid();
    *ret_step = "setting its limits";
    r = set_limits(&limits);
    if (r < 0)
        return r;
    *ret_step = "restricting its files";
    r = process_set_no_new_privileges();
    if (r == 0)
        r = landlock_allow_reading(paths);
    has_landlock = r != -EOPNOTSUPP && r != -ENOSYS;
    if (r < 0 && has_landlock)
        return r;
    *ret_step = "becoming another user";
    r = process_drop_bounding(0, CAP_LAST_CAP);
    if (r < 0)
        return r;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return -errno;
    /* A change of user clears it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    *ret_step = "dropping its capabilities";
    r = process_clear_ambient();
    if (r == 0)
        r = process_set_capabilities(0);
    if (r < 0)
        return r;
    *ret_step = "loading its system call filter";
    r = load_filter(true);
    (void) process_set_dumpable(false);
    return r < 0 || has_landlock ? r : CONFINE_WITHOUT_LANDLOCK;
}
