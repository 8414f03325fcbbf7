/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes one system call, raw, and says what came of it, for tests inside containers (built static).
 *
 *     try-syscall [--abi=native|i386|x32] NAME|NUMBER [ARGUMENT…]
 *     try-syscall [--abi=…] --families      socket() for the families 0 to 50
 *     try-syscall --list                    the names it knows
 *
 * An argument is a number in C's notation (-1, 0x5412) or, after "s:", a string whose address is passed. The
 * line is "NAME OK VALUE" or "NAME ERRNO-NAME"; the exit status is 0, 1 when the call failed, 2 for wrong
 * usage. Names are those of the native table; with another ABI give numbers. With arguments such as -1 and 1,
 * a call that the filter lets through ends in EBADF or EFAULT and one that it refuses in EPERM or ENOSYS. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* clang-format off */
#define CALL(name) {#name, SYS_##name}
/* clang-format on */

static const struct {
    const char *name;
    long number;
} calls[] = {
    CALL(accept4),
    CALL(acct),
    CALL(add_key),
    CALL(adjtimex),
    CALL(bpf),
    CALL(capget),
    CALL(chdir),
    CALL(chroot),
    CALL(clock_adjtime),
    CALL(clock_settime),
    CALL(clone),
    CALL(clone3),
    CALL(close),
    CALL(close_range),
    CALL(connect),
    CALL(delete_module),
    CALL(execve),
    CALL(fanotify_init),
    CALL(finit_module),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fsopen),
    CALL(fspick),
    CALL(getpid),
    CALL(init_module),
    CALL(io_uring_enter),
    CALL(io_uring_setup),
    CALL(ioctl),
    CALL(kcmp),
    CALL(kexec_load),
    CALL(keyctl),
    CALL(landlock_create_ruleset),
    CALL(mbind),
    CALL(memfd_create),
    CALL(mknodat),
    CALL(mount),
    CALL(mount_setattr),
    CALL(move_mount),
    CALL(move_pages),
    CALL(name_to_handle_at),
    CALL(open_by_handle_at),
    CALL(open_tree),
    CALL(openat),
    CALL(openat2),
    CALL(perf_event_open),
    CALL(personality),
    CALL(pidfd_getfd),
    CALL(pidfd_open),
    CALL(pivot_root),
    CALL(prctl),
    CALL(process_madvise),
    CALL(process_vm_readv),
    CALL(ptrace),
    CALL(quotactl),
    CALL(read),
    CALL(reboot),
    CALL(request_key),
    CALL(seccomp),
    CALL(setdomainname),
    CALL(sethostname),
    CALL(setns),
    CALL(settimeofday),
    CALL(setuid),
    CALL(socket),
    CALL(socketpair),
    CALL(swapoff),
    CALL(swapon),
    CALL(syslog),
    CALL(umount2),
    CALL(unshare),
    CALL(userfaultfd),
    CALL(vhangup),
    CALL(write),
};

typedef enum Abi { ABI_NATIVE, ABI_I386, ABI_X32, ABI_INVALID = -1 } Abi;

static Abi abi_from_string(const char *string)
{
    if (strcmp(string, "native") == 0)
        return ABI_NATIVE;
#ifdef __x86_64__
    if (strcmp(string, "i386") == 0)
        return ABI_I386;
    if (strcmp(string, "x32") == 0)
        return ABI_X32;
#endif
    return ABI_INVALID;
}

/* The result as the kernel gives it: -errno or a value. */
static long call_i386(long number, const long a[6])
{
#ifdef __x86_64__
    int result;

    /* The sixth argument would have to be in the frame pointer; no call that is tried has one. */
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"((int) number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    (void) number;
    (void) a;
    return -ENOSYS;
#endif
}

/* Calls that return twice. */
static bool makes_process(Abi abi, long number)
{
    if (abi == ABI_I386)
        return number == 2 || number == 120 || number == 190 || number == SYS_clone3;
#ifdef SYS_fork
    if (number == SYS_fork)
        return true;
#endif
    return number == SYS_clone || number == SYS_clone3;
}

static long make_call(Abi abi, long number, const long a[6])
{
    long result;

    if (abi == ABI_I386)
        result = call_i386(number, a);
    else {
        result = syscall(abi == ABI_X32 ? number | 0x40000000L : number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result < 0)
            result = -errno;
    }
    if (result == 0 && makes_process(abi, number))
        _exit(0);
    return result;
}

static int report(const char *name, long result)
{
    if (result < 0 && result >= -4095)
        printf("%s %s\n", name, strerrorname_np((int) -result) ?: "unknown");
    else
        printf("%s OK %ld\n", name, result);
    return result < 0 && result >= -4095 ? 1 : 0;
}

static int try_families(Abi abi)
{
    for (long family = 0; family <= 50; family++) {
        /* A type of socket that no family has: EINVAL when let through, and no module is loaded. */
        const long a[6] = {family, 0xf, 0};
        char name[16];

        (void) snprintf(name, sizeof(name), "family-%ld", family);
        (void) report(name, make_call(abi, abi == ABI_I386 ? 359 : SYS_socket, a));
    }
    return 0;
}

static bool parse_number(const char *string, long *ret)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(string, &end, 0);
    if (errno != 0 || end == string || *end != 0)
        return false;
    *ret = (long) value;
    return true;
}

static bool find_call(const char *string, Abi abi, long *ret)
{
    for (size_t i = 0; abi != ABI_I386 && i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, string) == 0) {
            *ret = calls[i].number;
            return true;
        }
    return parse_number(string, ret);
}

static int usage(const char *what)
{
    fprintf(stderr, "try-syscall: %s\nusage: try-syscall [--abi=native|i386|x32] NAME|NUMBER [ARGUMENT…]\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    long number = -1, a[6] = {0};
    Abi abi = ABI_NATIVE;
    int at = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (at < argc && strncmp(argv[at], "--abi=", 6) == 0)
        abi = abi_from_string(argv[at++] + 6);
    if (abi == ABI_INVALID)
        return usage("there is no such ABI here");
    if (at < argc && strcmp(argv[at], "--families") == 0)
        return try_families(abi);
    if (at < argc && strcmp(argv[at], "--list") == 0) {
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
            puts(calls[i].name);
        return 0;
    }
    if (at >= argc || argc - at > 7)
        return usage("one system call and at most six arguments");
    if (!find_call(argv[at], abi, &number))
        return usage("unknown name; give its number");
    for (int i = at + 1; i < argc; i++)
        if (strncmp(argv[i], "s:", 2) == 0)
            a[i - at - 1] = (long) (argv[i] + 2);
        else if (!parse_number(argv[i], &a[i - at - 1]))
            return usage("an argument is neither a number nor s:STRING");
    return report(argv[at], make_call(abi, number, a));
}
