/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp-profile.h"

#include "base/text.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const char *const profile_names[SECCOMP_PROFILE_MAX] = {
    [SECCOMP_PROFILE_UNCONFINED] = "unconfined",
    [SECCOMP_PROFILE_DEFAULT] = "default",
    [SECCOMP_PROFILE_SYSTEM] = "system",
    [SECCOMP_PROFILE_NESTED] = "nested",
};

/* Argument checks. */

#define CASE(index, bits, wanted, outcome)                                                                             \
    {                                                                                                                  \
        .match = {{index, bits, wanted}}, .matches = 1, .refusal = outcome                                             \
    }
#define CASE_IS(index, wanted, outcome) CASE(index, UINT32_MAX, wanted, outcome)
#define CASE_REST(outcome)                                                                                             \
    {                                                                                                                  \
        .matches = 0, .refusal = outcome                                                                               \
    }

#ifdef __s390x__
#define CLONE_FLAGS_INDEX 1 /* clone(2): the stack comes first there */
#else
#define CLONE_FLAGS_INDEX 0
#endif

#define NAMESPACE_FLAGS                                                                                                \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const SeccompCase clone_cases[] = {
    CASE(CLONE_FLAGS_INDEX, NAMESPACE_FLAGS, 0, 0),
    CASE_REST(EPERM),
};
static const SeccompCheck clone_check = {"clone without namespaces", clone_cases};

/* The bit of CLONE_NEWTIME is part of the exit signal in clone(), but a namespace here. */
static const SeccompCase unshare_cases[] = {
    CASE(0, NAMESPACE_FLAGS | CLONE_NEWTIME, 0, 0),
    CASE_REST(EPERM),
};
static const SeccompCheck unshare_check = {"unshare without namespaces", unshare_cases};

/* Both push input into a terminal's queue, as if it had been typed: a container could type into the shell
 * that started it. */
static const SeccompCase ioctl_cases[] = {
    CASE_IS(1, TIOCSTI, EPERM),
    CASE_IS(1, TIOCLINUX, EPERM),
    CASE_REST(0),
};
static const SeccompCheck ioctl_check = {"ioctl without terminal input", ioctl_cases};

/* Other personalities turn protections off (READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, ADDR_NO_RANDOMIZE) or select
 * system call tables that nobody tests. */
static const SeccompCase personality_cases[] = {
    CASE_IS(0, 0xffffffff, 0), /* only asks */
    CASE_IS(0, PER_LINUX, 0),  CASE_IS(0, PER_LINUX32, 0), CASE_IS(0, UNAME26, 0), CASE_IS(0, PER_LINUX32 | UNAME26, 0),
    CASE_REST(EPERM),
};
static const SeccompCheck personality_check = {"known personalities", personality_cases};

/* An allow list of families: the kernel loads the module of whatever family is asked for, and rarely used
 * ones are where its flaws were. AF_ALG works on the page cache that all containers share; AF_VSOCK reaches
 * the hypervisor past every network namespace. The refusal is what a kernel without the family says. */
#define CASE_FAMILIES CASE_IS(0, AF_UNIX, 0), CASE_IS(0, AF_INET, 0), CASE_IS(0, AF_INET6, 0), CASE_IS(0, AF_NETLINK, 0)
/* The kernel lets only CAP_NET_RAW make the first and the last of these. */
#define CASE_RAW_FAMILIES CASE_IS(0, AF_PACKET, 0), CASE_IS(0, AF_CAN, 0), CASE_IS(0, AF_XDP, 0)
/* The audit system knows no containers. With this answer libaudit goes on without it; with the one that a
 * missing capability gets, login and su fail. */
#define CASE_NO_AUDIT                                                                                                  \
    {                                                                                                                  \
        .match = {{0, UINT32_MAX, AF_NETLINK}, {2, UINT32_MAX, NETLINK_AUDIT}}, .matches = 2, .refusal = EAFNOSUPPORT  \
    }

static const SeccompCase socket_cases[] = {CASE_NO_AUDIT, CASE_FAMILIES, CASE_REST(EAFNOSUPPORT)};
static const SeccompCheck socket_check = {"socket families", socket_cases};

static const SeccompCase socket_raw_cases[] = {CASE_NO_AUDIT, CASE_FAMILIES, CASE_RAW_FAMILIES,
                                               CASE_REST(EAFNOSUPPORT)};
static const SeccompCheck socket_raw_check = {"socket families with raw ones", socket_raw_cases};

static const SeccompCase socket_audit_cases[] = {CASE_FAMILIES, CASE_RAW_FAMILIES, CASE_REST(EAFNOSUPPORT)};
static const SeccompCheck socket_audit_check = {"socket families with audit", socket_audit_cases};

/* The rows. */

#define CAP(name) SECCOMP_CAP(CAP_##name)
#define ALWAYS(list)                                                                                                   \
    {                                                                                                                  \
        .names = (list), .application = SECCOMP_ALWAYS, .system = SECCOMP_ALWAYS, .nested = SECCOMP_ALWAYS,            \
        .refusal = EPERM                                                                                               \
    }
#define NEVER(list, error)                                                                                             \
    {                                                                                                                  \
        .names = (list), .application = SECCOMP_NEVER, .system = SECCOMP_NEVER, .nested = SECCOMP_NEVER,               \
        .refusal = (error)                                                                                             \
    }
#define WITH(capabilities, list)                                                                                       \
    {                                                                                                                  \
        .names = (list), .application = (capabilities), .system = (capabilities), .nested = (capabilities),            \
        .refusal = EPERM                                                                                               \
    }
/* What an init needs as a matter of course and an application only with a capability. */
#define INIT_OR(capabilities, list, error)                                                                             \
    {                                                                                                                  \
        .names = (list), .application = (capabilities), .system = SECCOMP_ALWAYS, .nested = SECCOMP_ALWAYS,            \
        .refusal = (error)                                                                                             \
    }
#define CHECKED(condition, list, function)                                                                             \
    {                                                                                                                  \
        .names = (list), .application = (condition), .system = (condition), .nested = (condition), .refusal = EPERM,   \
        .check = &(function)                                                                                           \
    }

static const SeccompRow rows[] = {
    /* Open files: the kernel checks what each descriptor may do. */
    ALWAYS("read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek "
           "_llseek close close_range dup dup2 dup3 pipe pipe2 fcntl fcntl64 flock fsync "
           "fdatasync sync syncfs sync_file_range sync_file_range2 arm_sync_file_range truncate "
           "truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 arm_fadvise64_64 "
           "readahead cachestat copy_file_range sendfile sendfile64 splice tee vmsplice"),
    CHECKED(SECCOMP_ALWAYS, "ioctl", ioctl_check),
    ALWAYS("select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create "
           "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2"),
    /* The first asynchronous interface; the second one, io_uring, is below. */
    ALWAYS("io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64"),

    /* Names and what hangs on them. */
    ALWAYS("open openat openat2 creat access faccessat faccessat2 chdir fchdir getcwd umask "
           "mkdir mkdirat rmdir mknod mknodat link linkat unlink unlinkat symlink symlinkat "
           "readlink readlinkat rename renameat renameat2 getdents getdents64 name_to_handle_at"),
    ALWAYS("stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx statfs statfs64 "
           "fstatfs fstatfs64 chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 "
           "fchown fchown32 fchownat utime utimes futimesat utimensat utimensat_time64 "
           "file_getattr file_setattr"),
    ALWAYS("setxattr lsetxattr fsetxattr setxattrat getxattr lgetxattr fgetxattr getxattrat "
           "listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr "
           "removexattrat"),
    ALWAYS("inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark"),
    WITH(CAP(SYS_ADMIN), "fanotify_init quotactl quotactl_fd"),
    /* A handle reaches every file of the file system, also those outside the container's root. */
    WITH(CAP(DAC_READ_SEARCH), "open_by_handle_at"),

    /* Memory. */
    ALWAYS("brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 munlock "
           "mlockall munlockall mseal remap_file_pages membarrier memfd_create memfd_secret "
           "map_shadow_stack pkey_alloc pkey_free pkey_mprotect"),
    WITH(CAP(SYS_NICE), "get_mempolicy set_mempolicy set_mempolicy_home_node mbind migrate_pages move_pages"),
    /* Stops the kernel in the middle of a copy for as long as one likes: a tool to win races with. */
    NEVER("userfaultfd", EPERM),

    /* Processes and threads. */
    {.names = "clone",
     .application = CAP(SYS_ADMIN),
     .system = SECCOMP_ALWAYS,
     .nested = SECCOMP_ALWAYS,
     .refusal = EPERM},
    CHECKED(SECCOMP_ALWAYS, "clone", clone_check),
    /* Its flags are in memory, where no filter can look; without it the C libraries use clone(). */
    INIT_OR(CAP(SYS_ADMIN), "clone3", ENOSYS),
    ALWAYS("fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill "
           "pidfd_open pidfd_send_signal process_mrelease getpid getppid gettid getpgid getpgrp "
           "setpgid getsid setsid set_tid_address set_robust_list get_robust_list rseq prctl "
           "restart_syscall"),
    ALWAYS("arch_prctl set_thread_area get_thread_area modify_ldt set_tls get_tls breakpoint "
           "cacheflush uprobe uretprobe riscv_flush_icache swapcontext s390_guarded_storage"),
    ALWAYS("futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue"),
    ALWAYS("sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
           "sched_getattr sched_setattr sched_getaffinity sched_setaffinity "
           "sched_get_priority_min sched_get_priority_max sched_rr_get_interval "
           "sched_rr_get_interval_time64 getpriority setpriority nice ioprio_get ioprio_set "
           "getcpu"),
    ALWAYS("getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname"),
    CHECKED(SECCOMP_ALWAYS, "personality", personality_check),
    /* The kernel compares credentials, and since 4.8 a traced call is filtered after its tracer has changed
       it. */
    ALWAYS("ptrace process_vm_readv process_vm_writev"),
    WITH(CAP(SYS_PTRACE), "kcmp pidfd_getfd process_madvise"),
    WITH(CAP(SYS_PACCT), "acct"),

    /* Signals. */
    ALWAYS("rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait "
           "rt_sigtimedwait_time64 rt_sigsuspend rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack "
           "signalfd signalfd4 pause signal sigaction sigprocmask sigreturn sigpending "
           "sigsuspend"),

    /* Time. Those that set the clock as one of many things are left to the kernel's own check. */
    ALWAYS("time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
           "nanosleep clock_nanosleep clock_nanosleep_time64 alarm getitimer setitimer "
           "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
           "timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
           "timerfd_settime timerfd_settime64 adjtimex clock_adjtime clock_adjtime64"),
    WITH(CAP(SYS_TIME), "settimeofday stime clock_settime clock_settime64"),

    /* Identity. */
    ALWAYS("getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid "
           "getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid "
           "setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid "
           "setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget "
           "capset"),

    /* Talking to other processes. */
    ALWAYS("ipc shmget shmat shmdt shmctl semget semop semtimedop semtimedop_time64 semctl "
           "msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend "
           "mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64"),
    CHECKED(CAP(AUDIT_WRITE) | CAP(AUDIT_CONTROL) | CAP(AUDIT_READ), "socket socketpair", socket_audit_check),
    CHECKED(CAP(NET_RAW), "socket socketpair", socket_raw_check),
    CHECKED(SECCOMP_ALWAYS, "socket socketpair", socket_check),
    ALWAYS("bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt "
           "shutdown send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64"),
    /* The old way to all of these on i386 has its arguments in memory, past every check of the family. */
    NEVER("socketcall", ENOSYS),

    /* Giving up rights, and randomness. */
    ALWAYS("seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self "
           "lsm_get_self_attr lsm_set_self_attr lsm_list_modules getrandom"),

    /* Mounts, namespaces and the machine's names. */
    INIT_OR(CAP(SYS_ADMIN),
            "mount umount umount2 pivot_root fsopen fsconfig fsmount fspick open_tree "
            "open_tree_attr move_mount mount_setattr setns sethostname setdomainname",
            EPERM),
    /* ENOSYS, since libmount then reads /proc/self/mountinfo instead. */
    INIT_OR(CAP(SYS_ADMIN), "statmount listmount", ENOSYS),
    INIT_OR(CAP(SYS_ADMIN), "unshare", EPERM),
    CHECKED(SECCOMP_ALWAYS, "unshare", unshare_check),
    INIT_OR(CAP(SYS_CHROOT), "chroot", EPERM),
    /* In a pid namespace of its own it ends the container and no more (reboot(2)). */
    INIT_OR(CAP(SYS_BOOT), "reboot", EPERM),
    WITH(CAP(SYS_TTY_CONFIG), "vhangup"),

    /* The machine itself. A system container always has CAP_SYS_ADMIN, so there it opens none of these. */
    {.names = "bpf",
     .application = CAP(BPF) | CAP(SYS_ADMIN),
     .system = CAP(BPF),
     .nested = CAP(BPF),
     .refusal = EPERM},
    {.names = "perf_event_open",
     .application = CAP(PERFMON) | CAP(SYS_ADMIN),
     .system = CAP(PERFMON),
     .nested = CAP(PERFMON),
     .refusal = EPERM},
    WITH(CAP(SYSLOG), "syslog"),
    WITH(CAP(SYS_MODULE), "init_module finit_module delete_module"),
    WITH(CAP(SYS_RAWIO), "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read "
                         "s390_pci_mmio_write"),
    NEVER("kexec_load kexec_file_load swapon swapoff", EPERM),
    /* Keys belong to users of the whole machine, not to a container; those of a user namespace are its own (Linux 5.3),
     * and engines give each of their containers a keyring. */
    {.names = "add_key request_key keyctl",
     .application = SECCOMP_NEVER,
     .system = SECCOMP_NEVER,
     .nested = SECCOMP_ALWAYS,
     .refusal = EPERM},
    /* Runs the other calls of this table where no filter sees them. EPERM is also what the kernel answers
     * when its administrator has turned io_uring off. */
    NEVER("io_uring_setup io_uring_enter io_uring_register", EPERM),

    /* Gone from the kernel, or kept for programs of the last century. */
    NEVER("_sysctl afs_syscall bdflush break create_module epoll_ctl_old epoll_wait_old ftime "
          "get_kernel_syms getpmsg gtty idle lock lookup_dcookie mpx nfsservctl oldfstat "
          "oldlstat oldolduname oldstat olduname prof profil putpmsg query_module readdir "
          "security sgetmask ssetmask stty sysfs tuxcall ulimit uselib usr26 usr32 ustat vm86 "
          "vm86old vserver",
          ENOSYS),
};

static const SeccompNumber numbers[] = {
    {.name = "cachestat", .number = 451},
    {.name = "fchmodat2", .number = 452},
    {.name = "map_shadow_stack", .number = 453},
    {.name = "futex_wake", .number = 454},
    {.name = "futex_wait", .number = 455},
    {.name = "futex_requeue", .number = 456},
    {.name = "statmount", .number = 457},
    {.name = "listmount", .number = 458},
    {.name = "lsm_get_self_attr", .number = 459},
    {.name = "lsm_set_self_attr", .number = 460},
    {.name = "lsm_list_modules", .number = 461},
    {.name = "mseal", .number = 462},
    {.name = "setxattrat", .number = 463},
    {.name = "getxattrat", .number = 464},
    {.name = "listxattrat", .number = 465},
    {.name = "removexattrat", .number = 466},
    {.name = "open_tree_attr", .number = 467},
    {.name = "file_getattr", .number = 468},
    {.name = "file_setattr", .number = 469},
    /* The kernel's own jump pads call these (6.11, 6.18): refused, a probed program dies. */
    {.name = "uretprobe", .number = 335, .is_x86_64_only = true},
    {.name = "uprobe", .number = 336, .is_x86_64_only = true},
};

SeccompProfile seccomp_profile_from_string(const char *string)
{
    for (SeccompProfile p = 0; p < SECCOMP_PROFILE_MAX; p++)
        if (strcmp(profile_names[p], string) == 0)
            return p;
    return SECCOMP_PROFILE_INVALID;
}

const char *seccomp_profile_to_string(SeccompProfile profile)
{
    return profile >= 0 && profile < SECCOMP_PROFILE_MAX ? profile_names[profile] : NULL;
}

const SeccompRow *seccomp_profile_rows(size_t *ret_count)
{
    *ret_count = ELEMENTSOF(rows);
    return rows;
}

const SeccompNumber *seccomp_profile_numbers(size_t *ret_count)
{
    *ret_count = ELEMENTSOF(numbers);
    return numbers;
}

bool seccomp_condition_holds(SeccompCondition condition, uint64_t capabilities)
{
    return condition == SECCOMP_ALWAYS || (condition & capabilities) != 0;
}

static SeccompCondition row_condition(const SeccompRow *row, SeccompProfile profile)
{
    return profile == SECCOMP_PROFILE_SYSTEM   ? row->system
           : profile == SECCOMP_PROFILE_NESTED ? row->nested
                                               : row->application;
}

static bool row_names(const SeccompRow *row, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = strstr(row->names, name); at; at = strstr(at + 1, name))
        if ((at == row->names || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0))
            return true;
    return false;
}

SeccompVerdict seccomp_profile_decide(SeccompProfile profile, uint64_t capabilities, const char *name)
{
    SeccompVerdict verdict = {.refusal = ENOSYS};
    bool is_first = true;

    if (text_is_empty(name))
        return verdict;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        if (!row_names(&rows[i], name))
            continue;
        if (seccomp_condition_holds(row_condition(&rows[i], profile), capabilities))
            return (SeccompVerdict){.check = rows[i].check};
        if (is_first)
            verdict.refusal = rows[i].refusal;
        is_first = false;
    }
    return verdict;
}

static bool case_matches(const SeccompCase *c, const uint64_t arguments[6])
{
    for (size_t i = 0; i < c->matches; i++)
        if (((uint32_t) arguments[c->match[i].index] & c->match[i].mask) != c->match[i].value)
            return false;
    return true;
}

int seccomp_check_decide(const SeccompCheck *check, const uint64_t arguments[6])
{
    const SeccompCase *c = check->cases;

    while (!case_matches(c, arguments))
        c++;
    return c->refusal;
}

uint64_t seccomp_profile_capabilities(SeccompProfile profile)
{
    uint64_t all = 0;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (row_condition(&rows[i], profile) != SECCOMP_ALWAYS)
            all |= row_condition(&rows[i], profile);
    return all;
}

/* Two lanes in the manner of FNV-1a, over 8 bytes at a time. Each step can be undone, so inputs of one length
 * that differ in one word always hash differently; more is not needed, for nobody gains by choosing the
 * input. */
void seccomp_hash_add(SeccompHash *hash, const void *data, size_t size)
{
    uint64_t first = (hash->words[0] ^ size) * UINT64_C(0x100000001b3), second = hash->words[1] + size;
    const char *bytes = data;

    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = 0;

        memcpy(&word, bytes + at, MIN(size - at, sizeof(word)));
        first = (first ^ word) * UINT64_C(0x100000001b3);
        second = (((second << 29) | (second >> 35)) ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    hash->words[0] = first ^ (first >> 32);
    hash->words[1] = second ^ (second >> 32);
}

static void hash_string(SeccompHash *hash, const char *string)
{
    seccomp_hash_add(hash, string, strlen(string));
}

static void hash_check(SeccompHash *hash, const SeccompCheck *check)
{
    const SeccompCase *c = check->cases;

    do {
        for (size_t i = 0; i < c->matches; i++)
            seccomp_hash_add(hash, (uint32_t[]){c->match[i].index, c->match[i].mask, c->match[i].value},
                             3 * sizeof(uint32_t));
        seccomp_hash_add(hash, (int[]){c->matches, c->refusal}, 2 * sizeof(int));
    } while (c++->matches > 0);
}

void seccomp_profile_fingerprint(SeccompHash *hash)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        hash_string(hash, rows[i].names);
        seccomp_hash_add(hash,
                         (uint64_t[]){rows[i].application, rows[i].system, rows[i].nested, (uint64_t) rows[i].refusal,
                                      rows[i].check != NULL},
                         5 * sizeof(uint64_t));
        if (rows[i].check)
            hash_check(hash, rows[i].check);
    }
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
        hash_string(hash, numbers[i].name);
        seccomp_hash_add(hash, (uint32_t[]){numbers[i].number, numbers[i].is_x86_64_only}, 2 * sizeof(uint32_t));
    }
}
