/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the container that it runs in (built static) is held by, a line each, for the table tests/security/defaults:
 *
 *     defaults [NUMBER:NAME(ARGUMENT[,ARGUMENT])…] [PATH…]
 *
 *     syscall NUMBER allow|ERRNO                 what the filter says, of all numbers below 512 and of the calls that are named
 *     capability NUMBER yes                      of the bounding set
 *     path PATH open|read-only|masked|absent     absent: this kernel has no such file
 *     device PATH MAJOR:MINOR                    of /dev itself, but for the console
 *
 * No call is carried out. Of the filters of a process the strictest action wins: errno before SECCOMP_RET_USER_NOTIF before
 * allow (seccomp(2)). So below a second filter that asks a listener about everything, the first one's refusals come through,
 * and what it would allow is refused by the listener, with an errno of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX 512
#define ASKED_MAX 64
#define ALLOWED   EXFULL /* no filter says that */

typedef struct Asked {
    long number;
    unsigned long arguments[2];
    const char *word;
} Asked;

typedef struct Shared {
    volatile int listener; /* fd + 1, or -errno */
    volatile int done, plain[CALLS_MAX], asked[ASKED_MAX];
} Shared;

/* No C library between, which might make other calls. */
static int call(long number, unsigned long a, unsigned long b)
{
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return (int) -result;
}

static void ask(Shared *shared, const Asked *asked, size_t count)
{
    struct sock_filter everything[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
    const struct sock_fprog program = {.len = 1, .filter = everything};
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

    /* From here on nothing but memory. */
    shared->listener = fd < 0 ? -errno : (int) fd + 1;
    for (long i = 0; fd >= 0 && i < CALLS_MAX; i++)
        /* The kernel's own jump pads call these two, past every filter (Linux 6.14); whoever else does gets SIGILL. */
        shared->plain[i] = i == 335 || i == 336 ? ALLOWED : call(i, 0, 0);
    for (size_t i = 0; fd >= 0 && i < count; i++)
        shared->asked[i] = call(asked[i].number, asked[i].arguments[0], asked[i].arguments[1]);
    shared->done = 1;
    /* Whoever waits for the next question gets it. */
    for (;;)
        (void) call(SYS_getpid, 0, 0);
}

static int answer(const Shared *shared)
{
    int fd;

    while (shared->listener == 0)
        usleep(1000);
    if (shared->listener < 0)
        return shared->listener;
    fd = shared->listener - 1;
    while (!shared->done) {
        struct seccomp_notif question = {0};
        struct seccomp_notif_resp response = {.error = -ALLOWED};

        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) {
            if (errno == EINTR || errno == ENOENT)
                continue;
            return -errno;
        }
        response.id = question.id;
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

static const char *verdict(int result)
{
    const char *name = strerrorname_np(result);

    return result == ALLOWED ? "allow" : name ? name : "?";
}

static int say_calls(const Asked *asked, size_t count)
{
    Shared *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;
    int r;

    if (shared == MAP_FAILED || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* With the same open files: the listener's is here, too. */
    pid = (pid_t) syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0)
        return -errno;
    if (pid == 0)
        ask(shared, asked, count);
    r = answer(shared);
    kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);
    for (int i = 0; r == 0 && i < CALLS_MAX; i++)
        printf("syscall %d %s\n", i, verdict(shared->plain[i]));
    for (size_t i = 0; r == 0 && i < count; i++)
        printf("syscall %s %s\n", asked[i].word, verdict(shared->asked[i]));
    return r;
}

static void say_path(const char *path)
{
    struct stat st, null;
    struct statvfs fs;
    bool is_empty = false;

    if (lstat(path, &st) < 0) {
        printf("path %s absent\n", path);
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        DIR *directory = opendir(path);
        int entries = 0;

        while (directory && readdir(directory))
            entries++;
        is_empty = directory && entries == 2;
        if (directory)
            closedir(directory);
    }
    printf("path %s %s\n", path,
           is_empty || (S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev) ? "masked"
           : statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) ? "read-only"
                                                                : "open");
}

static void say_devices(void)
{
    DIR *directory = opendir("/dev");
    const struct dirent *entry;
    struct stat st;

    while (directory && (entry = readdir(directory)))
        if (strcmp(entry->d_name, "console") != 0 &&
            fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
            printf("device /dev/%s %u:%u\n", entry->d_name, major(st.st_rdev), minor(st.st_rdev));
    if (directory)
        closedir(directory);
}

int main(int argc, char **argv)
{
    Asked asked[ASKED_MAX] = {0};
    size_t count = 0;
    int r;

    alarm(60);
    for (int i = 1; i < argc; i++) {
        char *end = strchr(argv[i], '(');

        if (argv[i][0] == '/') {
            say_path(argv[i]);
            continue;
        }
        if (!end || count >= ASKED_MAX)
            return 2;
        asked[count].word = argv[i];
        asked[count].number = strtol(argv[i], NULL, 10);
        asked[count].arguments[0] = strtoul(end + 1, &end, 0);
        if (*end == ',')
            asked[count].arguments[1] = strtoul(end + 1, &end, 0);
        count++;
    }
    say_devices();
    for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            printf("capability %d yes\n", i);
    r = say_calls(asked, count);
    if (r < 0)
        fprintf(stderr, "defaults: %s\n", strerror(-r));
    return r < 0;
}
