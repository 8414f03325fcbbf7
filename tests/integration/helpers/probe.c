/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says, from inside a container, what a payload has and sees; and does a few rude things there. Built static.
 *
 *     probe                    what this process is and has, as JSON
 *     probe exe PID            tries to open /proc/PID/exe for writing: "OK" or the error's name
 *     probe spy FILE           until FILE is there: tries to get at every process while it still is the executor
 *     probe reach PID          exits with the sum of what it can do to that process: 1 trace it, 2 open its memory, 4 read that
 *                              by process_vm_readv(2), 8 see its root
 *     probe race A B FILE      until FILE is there: exchanges the two paths; prints how often
 *     probe memory MIB         allocates and touches that much; prints "done" when it could
 *     probe forks N            makes N children that wait; prints how many it got, ends them
 *     probe burn SECONDS       uses a processor for that long by the clock; prints the seconds of it that it got */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void print_string(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *) text; *c; c++)
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
}

static void print_link(const char *path)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    target[n < 0 ? 0 : n] = 0;
    if (n < 0)
        snprintf(target, sizeof(target), "!%s", strerrorname_np(errno));
    print_string(target);
}

static void print_status(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[4096];
    const char *separator = "";

    printf("\"status\": {");
    while (file && fgets(line, sizeof(line), file)) {
        char *value = strchr(line, ':');

        if (!value)
            continue;
        *value++ = 0;
        value += strspn(value, " \t");
        value[strcspn(value, "\n")] = 0;
        printf("%s", separator);
        print_string(line);
        printf(": ");
        print_string(value);
        separator = ", ";
    }
    printf("},\n");
    if (file)
        fclose(file);
}

static void print_fds(void)
{
    struct rlimit limit = {.rlim_cur = 65536};
    const char *separator = "";

    (void) getrlimit(RLIMIT_NOFILE, &limit);
    printf("\"fds\": {");
    for (int fd = 0; fd < 65536 && (rlim_t) fd < limit.rlim_cur; fd++) {
        struct stat st;
        char path[64];

        if (fstat(fd, &st) < 0)
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        printf("%s\"%d\": {\"target\": ", separator, fd);
        print_link(path);
        printf(", \"mode\": \"%o\", \"rdev\": \"%u:%u\"}", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
        separator = ", ";
    }
    printf("},\n");
}

static void print_namespaces(void)
{
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

    printf("\"ns\": {");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
        printf("%s\"%s\": ", i > 0 ? ", " : "", names[i]);
        print_link(path);
    }
    printf("},\n");
}

static void print_limits(void)
{
    static const struct {
        const char *name;
        int resource;
    } limits[] = {{"as", RLIMIT_AS},         {"core", RLIMIT_CORE},   {"cpu", RLIMIT_CPU},
                  {"data", RLIMIT_DATA},     {"fsize", RLIMIT_FSIZE}, {"memlock", RLIMIT_MEMLOCK},
                  {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"rtprio", RLIMIT_RTPRIO},
                  {"stack", RLIMIT_STACK},   {"nice", RLIMIT_NICE}};

    printf("\"limits\": {");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit value = {};

        (void) getrlimit((__typeof__(RLIMIT_CORE)) limits[i].resource, &value);
        printf("%s\"%s\": [%lld, %lld]", i > 0 ? ", " : "", limits[i].name, (long long) value.rlim_cur,
               (long long) value.rlim_max);
    }
    printf("},\n");
}

static void print_ids(void)
{
    gid_t groups[256];
    int count = getgroups(256, groups);
    uid_t uids[3];
    gid_t gids[3];

    (void) getresuid(&uids[0], &uids[1], &uids[2]);
    (void) getresgid(&gids[0], &gids[1], &gids[2]);
    printf("\"uids\": [%u, %u, %u], \"gids\": [%u, %u, %u], \"groups\": [", uids[0], uids[1], uids[2], gids[0], gids[1],
           gids[2]);
    for (int i = 0; i < count; i++)
        printf("%s%u", i > 0 ? ", " : "", groups[i]);
    printf("],\n");
}

static void print_all(void)
{
    char cwd[4096] = "";
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    const char *tty_error = tty < 0 ? strerrorname_np(errno) : "OK";
    long keyring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    mode_t mask = umask(0);

    printf("{\"pid\": %d, \"ppid\": %d, \"sid\": %d, \"dumpable\": %d, \"umask\": \"%04o\", \"tty\": \"%s\",\n",
           getpid(), getppid(), getsid(0), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), mask, tty_error);
    if (tty >= 0)
        close(tty);
    printf("\"keyring\": %ld,\n", keyring);
    if (!getcwd(cwd, sizeof(cwd)))
        snprintf(cwd, sizeof(cwd), "!%s", strerrorname_np(errno));
    printf("\"cwd\": ");
    print_string(cwd);
    printf(", \"exe\": ");
    print_link("/proc/self/exe");
    printf(",\n");
    print_ids();
    print_status();
    print_fds();
    print_namespaces();
    print_limits();
    printf("\"env\": [");
    for (char **variable = environ; *variable; variable++) {
        printf("%s", variable == environ ? "" : ", ");
        print_string(*variable);
    }
    printf("]}\n");
}

static int try_exe(const char *pid)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/exe", pid);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    puts(fd >= 0 ? "OK" : strerrorname_np(errno));
    return fd >= 0;
}

static bool is_executor(const char *pid)
{
    char path[320], name[32] = "";
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, name, sizeof(name) - 1);
    close(fd);
    name[n > 0 ? n : 0] = 0;
    return strncmp(name, "berth-executor", 14) == 0;
}

/* What is readable only by those who could trace the process: nobody here may, as long as it is our executor. */
static const char *get_at(const char *pid)
{
    static const char *const files[] = {"mem", "environ", "fd/0", "fd/3", "root/bin", "maps"};
    char path[320], target[64];
    pid_t tracer;
    int status = 0;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        int fd;

        snprintf(path, sizeof(path), "/proc/%s/%s", pid, files[i]);
        if (readlink(path, target, sizeof(target)) >= 0)
            return files[i];
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0) {
            close(fd);
            return files[i];
        }
    }
    /* In a child: what it has seized is let go with it. */
    tracer = fork();
    if (tracer == 0)
        _exit(ptrace(PTRACE_SEIZE, atoi(pid), 0, 0) == 0);
    if (tracer > 0 && waitpid(tracer, &status, 0) == tracer && WEXITSTATUS(status) == 1)
        return "ptrace";
    return NULL;
}

static int spy(const char *until)
{
    unsigned long seen = 0, caught = 0;

    while (access(until, F_OK) < 0) {
        DIR *directory = opendir("/proc");
        struct dirent *entry;

        while (directory && (entry = readdir(directory))) {
            const char *what;

            if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !is_executor(entry->d_name))
                continue;
            seen++;
            what = get_at(entry->d_name);
            /* Only what was still the executor afterwards was one when it was got at. */
            if (what && is_executor(entry->d_name)) {
                caught++;
                printf("caught %s: %s\n", entry->d_name, what);
            }
        }
        if (directory)
            closedir(directory);
    }
    printf("seen %lu caught %lu\n", seen, caught);
    return caught > 0;
}

static int race(const char *a, const char *b, const char *until)
{
    unsigned long count = 0;

    while (count % 64 != 0 || access(until, F_OK) < 0)
        if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0 && count == 0) {
            printf("cannot exchange: %s\n", strerrorname_np(errno));
            return 1;
        } else
            count++;
    printf("exchanged %lu\n", count);
    return 0;
}

static int use_memory(size_t mib)
{
    for (size_t i = 0; i < mib; i++) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (block == MAP_FAILED)
            return 1;
        memset(block, 1, 1 << 20);
    }
    puts("done");
    return 0;
}

static int make_forks(size_t count)
{
    pid_t *children = calloc(count, sizeof(pid_t));
    size_t made = 0;

    for (size_t i = 0; children && i < count; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid > 0)
            children[made++] = pid;
    }
    printf("%zu\n", made);
    for (size_t i = 0; i < made; i++)
        (void) kill(children[i], SIGKILL);
    free(children);
    return 0;
}

static double clock_seconds(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int burn(double seconds)
{
    double end = clock_seconds(CLOCK_MONOTONIC) + seconds;

    while (clock_seconds(CLOCK_MONOTONIC) < end)
        ;
    printf("%.2f\n", clock_seconds(CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}

/* By its exit status alone: SELinux takes the standard output of another domain away. */
static int reach(const char *text)
{
    pid_t pid = (pid_t) atoi(text);
    char path[64], byte = 0, target[256];
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    int reached = 0;

    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
        reached |= 2;
    /* Where there is nothing at that address, it was let look. */
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT)
        reached |= 4;
    snprintf(path, sizeof(path), "/proc/%d/root", pid);
    if (readlink(path, target, sizeof(target)) >= 0)
        reached |= 8;
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
        reached |= 1;
    return reached;
}

int main(int argc, char *argv[])
{
    const char *verb = argc > 1 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 1)
        print_all();
    else if (argc == 3 && strcmp(verb, "exe") == 0)
        return try_exe(argv[2]);
    else if (argc == 3 && strcmp(verb, "spy") == 0)
        return spy(argv[2]);
    else if (argc == 3 && strcmp(verb, "reach") == 0)
        return reach(argv[2]);
    else if (argc == 5 && strcmp(verb, "race") == 0)
        return race(argv[2], argv[3], argv[4]);
    else if (argc == 3 && strcmp(verb, "memory") == 0)
        return use_memory(strtoul(argv[2], NULL, 10));
    else if (argc == 3 && strcmp(verb, "forks") == 0)
        return make_forks(strtoul(argv[2], NULL, 10));
    else if (argc == 3 && strcmp(verb, "burn") == 0)
        return burn(strtod(argv[2], NULL));
    else {
        fprintf(stderr, "probe: wrong usage, see the top of probe.c\n");
        return 2;
    }
    return 0;
}
