/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of programs, and real processes under them that try what is allowed and what is not. */
#include "base/file.h"
#include "base/text.h"
#include "host/seccomp-profile.h"
#include "host/seccomp.h"

#include "../test.h"

#include <asm/ioctls.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CAP(name) SECCOMP_CAP(CAP_##name)

/* What application containers keep when nothing else is asked for. */
#define USUAL_CAPABILITIES                                                                                             \
    (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) |           \
     CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL))

/* The cache. */

typedef struct Cache {
    char path[64];
    int fd;
} Cache;

static void cache_done(Cache *cache)
{
    if (cache->fd >= 0) {
        close(cache->fd);
        (void) file_remove_tree_at(AT_FDCWD, cache->path);
    }
}
#define _cleanup_cache_ _cleanup_(cache_done)
#define CACHE_UNSET                                                                                                    \
    {                                                                                                                  \
        .path = "/tmp/test-seccomp.XXXXXX", .fd = -EBADF                                                               \
    }

static int cache_open(Cache *cache)
{
    if (!mkdtemp(cache->path))
        return -errno;
    cache->fd = open(cache->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return cache->fd < 0 ? -errno : 0;
}

/* How many files there are; the name of the last one read goes into `ret_name`. */
static unsigned cache_files(const Cache *cache, char ret_name[256])
{
    DIR *directory = opendir(cache->path);
    struct dirent *entry;
    unsigned count = 0;

    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.' || entry->d_name[1] == '#') {
            count++;
            (void) snprintf(ret_name, 256, "%s", entry->d_name);
        }
    if (directory)
        closedir(directory);
    return count;
}

static bool is_same_filter(const SeccompFilter *a, const SeccompFilter *b)
{
    return a->size_bytes == b->size_bytes && memcmp(a->bytes, b->bytes, a->size_bytes) == 0;
}

static void cache_hit_and_miss(void)
{
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_seccomp_filter_ SeccompFilter first = {0}, second = {0}, third = {0};
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    char name[256];
    struct stat st;

    ASSERT_OK(cache_open(&cache));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &first, NULL));
    ASSERT_FALSE(first.is_cached);
    ASSERT_TRUE(first.size_bytes > 0 && first.size_bytes % sizeof(struct sock_filter) == 0);
    ASSERT_EQ(cache_files(&cache, name), 1);
    ASSERT_OK(fstatat(cache.fd, name, &st, AT_SYMLINK_NOFOLLOW));
    ASSERT_EQ(st.st_mode, S_IFREG | 0600);

    ASSERT_OK(seccomp_prepare(&request, cache.fd, &second, NULL));
    ASSERT_TRUE(second.is_cached);
    ASSERT_TRUE(is_same_filter(&first, &second));

    /* NULL is "default", and CAP_CHOWN opens no system call. */
    request.profile = "default";
    request.capabilities &= ~CAP(CHOWN);
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &third, NULL));
    ASSERT_TRUE(third.is_cached);
    ASSERT_EQ(cache_files(&cache, name), 1);
}

static void cache_tells_requests_apart(void)
{
    static const SeccompRequest different[] = {
        {.profile = "default"},
        {.profile = "system"},
        {.profile = "default", .is_native_only = true},
        {.profile = "default", .capabilities = CAP(SYS_ADMIN)},
        {.profile = "default", .capabilities = CAP(SYS_ADMIN) | CAP(NET_RAW)},
    };
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    char name[256];

    ASSERT_OK(cache_open(&cache));
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < ELEMENTSOF(different); i++) {
            _cleanup_seccomp_filter_ SeccompFilter filter = {0}, plain = {0};

            ASSERT_OK(seccomp_prepare(&different[i], cache.fd, &filter, NULL));
            ASSERT_OK(seccomp_prepare(&different[i], -EBADF, &plain, NULL));
            ASSERT_EQ(filter.is_cached, round == 1);
            ASSERT_FALSE(plain.is_cached);
            ASSERT_TRUE(is_same_filter(&filter, &plain));
        }
    ASSERT_EQ(cache_files(&cache, name), ELEMENTSOF(different));
}

/* Prepares once more: the file in the cache must have been refused, and a good one be there afterwards. */
static void assert_replaced(const Cache *cache, const SeccompFilter *wanted)
{
    _cleanup_seccomp_filter_ SeccompFilter again = {0}, cached = {0};
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    char name[256];

    ASSERT_OK(seccomp_prepare(&request, cache->fd, &again, NULL));
    ASSERT_FALSE(again.is_cached);
    ASSERT_TRUE(is_same_filter(&again, wanted));
    ASSERT_OK(seccomp_prepare(&request, cache->fd, &cached, NULL));
    ASSERT_TRUE(cached.is_cached);
    ASSERT_TRUE(is_same_filter(&cached, wanted));
    ASSERT_EQ(cache_files(cache, name), 1);
}

static void cache_damage(void)
{
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_seccomp_filter_ SeccompFilter good = {0};
    _cleanup_free_ char *bytes = NULL;
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    size_t size = 0;
    char name[256];

    ASSERT_OK(cache_open(&cache));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &good, NULL));
    ASSERT_EQ(cache_files(&cache, name), 1);
    ASSERT_OK(file_read_at(cache.fd, name, 1 << 20, &bytes, &size));
    /* A bit in each part of the header, and in the program. */
    for (size_t at = 0; at < size && !test_failed; at += at < 64 ? 4 : 97) {
        bytes[at] ^= 0x10;
        ASSERT_OK(file_write_atomic_at(cache.fd, name, bytes, size, 0600, 0));
        bytes[at] ^= 0x10;
        assert_replaced(&cache, &good);
    }
    for (size_t cut = 0; cut < 200 && !test_failed; cut += cut < 16 ? 1 : 8) {
        ASSERT_OK(file_write_atomic_at(cache.fd, name, bytes, cut, 0600, 0));
        assert_replaced(&cache, &good);
    }
    ASSERT_OK(file_write_atomic_at(cache.fd, name, bytes, size - 8, 0600, 0));
    assert_replaced(&cache, &good);
}

static void cache_strangers(void)
{
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_seccomp_filter_ SeccompFilter good = {0}, other = {0};
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    char name[256];

    ASSERT_OK(cache_open(&cache));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &good, NULL));
    ASSERT_EQ(cache_files(&cache, name), 1);

    ASSERT_OK(fchmodat(cache.fd, name, 0620, 0));
    assert_replaced(&cache, &good);
    ASSERT_OK(fchmodat(cache.fd, name, 0602, 0));
    assert_replaced(&cache, &good);
    if (geteuid() == 0) {
        ASSERT_OK(fchownat(cache.fd, name, 1234, 0, 0));
        assert_replaced(&cache, &good);
    }
    /* A link to a good file, a pipe that nobody writes to. */
    ASSERT_OK(renameat(cache.fd, name, cache.fd, ".target"));
    ASSERT_OK(symlinkat(".target", cache.fd, name));
    assert_replaced(&cache, &good);
    ASSERT_OK(unlinkat(cache.fd, ".target", 0));
    ASSERT_OK(unlinkat(cache.fd, name, 0));
    ASSERT_OK(mkfifoat(cache.fd, name, 0600));
    assert_replaced(&cache, &good);

    /* A good file of another request under this one's name. */
    ASSERT_OK(unlinkat(cache.fd, name, 0));
    request.profile = "system";
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &other, NULL));
    {
        char foreign[256];

        ASSERT_EQ(cache_files(&cache, foreign), 1);
        ASSERT_OK(renameat(cache.fd, foreign, cache.fd, name));
    }
    assert_replaced(&cache, &good);
}

static void cache_that_cannot_be_used(void)
{
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_seccomp_filter_ SeccompFilter filter = {0}, blocked = {0}, gone = {0};
    SeccompRequest request = {0};
    char name[256];

    /* The name is taken by a directory. */
    ASSERT_OK(cache_open(&cache));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &filter, NULL));
    ASSERT_EQ(cache_files(&cache, name), 1);
    ASSERT_OK(unlinkat(cache.fd, name, 0));
    ASSERT_OK(mkdirat(cache.fd, name, 0700));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &blocked, NULL));
    ASSERT_TRUE(is_same_filter(&filter, &blocked));
    ASSERT_EQ(cache_files(&cache, name), 1);
    /* The directory has been removed. */
    ASSERT_OK(unlinkat(cache.fd, name, AT_REMOVEDIR));
    ASSERT_OK(rmdir(cache.path));
    ASSERT_OK(seccomp_prepare(&request, cache.fd, &gone, NULL));
    ASSERT_TRUE(is_same_filter(&filter, &gone));
}

static void cache_many_at_once(void)
{
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_seccomp_filter_ SeccompFilter wanted = {0};
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    char name[256];

    ASSERT_OK(cache_open(&cache));
    ASSERT_OK(seccomp_prepare(&request, -EBADF, &wanted, NULL));
    for (unsigned i = 0; i < 16; i++) {
        pid_t pid = fork();

        ASSERT_TRUE(pid >= 0);
        if (pid > 0)
            continue;
        for (unsigned k = 0; k < 20; k++) {
            _cleanup_seccomp_filter_ SeccompFilter filter = {0};

            if (seccomp_prepare(&request, cache.fd, &filter, NULL) < 0 || !is_same_filter(&filter, &wanted))
                _exit(1);
            if (i == 0)
                (void) unlinkat(cache.fd, name, 0);
            (void) cache_files(&cache, name);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < 16; i++) {
        int status = -1;

        ASSERT_TRUE(wait(&status) > 0);
        ASSERT_EQ(status, 0);
    }
    ASSERT_TRUE(cache_files(&cache, name) <= 1);
}

static void prepare_refuses(void)
{
    _cleanup_seccomp_filter_ SeccompFilter filter = {0};
    _cleanup_error_ Error unknown = {0}, file = {0};
    SeccompRequest request = {.profile = "defualt"};

    ASSERT_ERROR(seccomp_prepare(&request, -EBADF, &filter, &unknown), EINVAL);
    ASSERT_CONTAINS(unknown.text, "defualt");
    request.profile = "/nowhere/seccomp.json";
    ASSERT_ERROR(seccomp_prepare(&request, -EBADF, &filter, &file), ENOENT);
    ASSERT_CONTAINS(file.text, "/nowhere/seccomp.json");
    ASSERT_NULL(filter.bytes);
    request.profile = "unconfined";
    ASSERT_OK(seccomp_prepare(&request, -EBADF, &filter, NULL));
    ASSERT_NULL(filter.bytes);
    ASSERT_EQ(filter.size_bytes, 0);
}

static int no_capabilities(const char *name, uint64_t *ret_mask, Error *error)
{
    (void) ret_mask;
    return error_set(error, -EINVAL, "'%s' is not a capability", name);
}

/* By content: a file that changes has another program, and one that is named the same as before keeps it. */
static void prepare_file(void)
{
    static const char *const texts[] = {
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"mkdir\",\"action\":\"SCMP_ACT_ERRNO\"}]}"};
    _cleanup_cache_ Cache cache = CACHE_UNSET;
    _cleanup_free_ char *path = NULL;
    SeccompRequest request = {.parse_capability = no_capabilities};
    char first[64] = "";

    ASSERT_OK(cache_open(&cache));
    path = text_format("%s/profile.json", cache.path);
    request.profile = path;
    for (size_t round = 0; round < 4; round++) {
        _cleanup_seccomp_filter_ SeccompFilter filter = {0};

        ASSERT_OK(file_write_atomic_at(cache.fd, "profile.json", texts[round % 2], strlen(texts[round % 2]), 0600, 0));
        ASSERT_OK(seccomp_prepare(&request, cache.fd, &filter, NULL));
        ASSERT_EQ(filter.is_cached, round >= 2);
        if (round == 0)
            memcpy(first, filter.name, sizeof(first));
        ASSERT_EQ(strcmp(first, filter.name) == 0, round % 2 == 0);
    }
    /* The file may go: what was made of it stays. */
    ASSERT_OK(unlink(path));
    for (size_t round = 0; round < 2; round++) {
        _cleanup_seccomp_filter_ SeccompFilter filter = {0};
        _cleanup_error_ Error error = {0};

        request.made_name = round == 0 ? first : "file-0.bpf";
        ASSERT_EQ(seccomp_prepare(&request, cache.fd, &filter, &error), round == 0 ? 0 : -ENOENT);
    }
}

/* Real processes. */

typedef long (*Probe)(size_t index);

/* Runs `probe` for 0 to count-1 in a child under the filter; results are values or -errno. */
static int under_filter(const SeccompRequest *request, Probe probe, size_t count, long *results)
{
    _cleanup_seccomp_filter_ SeccompFilter filter = {0};
    size_t size = count * sizeof(long);
    long *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int r = seccomp_prepare(request, -EBADF, &filter, NULL), status = -1;
    pid_t pid;

    if (shared == MAP_FAILED || r < 0)
        return r < 0 ? r : -errno;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        struct sock_fprog program = {
            .len = (unsigned short) (filter.size_bytes / sizeof(struct sock_filter)),
            .filter = filter.bytes,
        };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
            _exit(errno);
        for (size_t i = 0; i < count; i++)
            shared[i] = probe(i);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    memcpy(results, shared, size);
    (void) munmap(shared, size);
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* A type that no family has: the kernel refuses it with EINVAL before it looks for the family, so that
 * EAFNOSUPPORT is the filter's word and no test loads a module. */
#define BAD_TYPE 0xf

/* Arguments that fail early when the call is let through, with an error that the filter never gives. */
static const struct {
    const char *name;
    long number;
    unsigned long arguments[6];
    int usual, system, powerful; /* errno in default, in system with CAP_SYS_ADMIN, in default with everything */
    bool is_optional;            /* a kernel may be built without it and say ENOSYS */
} calls[] = {
    {"read", SYS_read, {-1UL}, EBADF, EBADF, EBADF},
    {"openat", SYS_openat, {-1UL, 0}, EFAULT, EFAULT, EFAULT},
    {"openat2", SYS_openat2, {-1UL, 0, 0, 0}, EINVAL, EINVAL, EINVAL},
    {"execve", SYS_execve, {1, 0, 0}, EFAULT, EFAULT, EFAULT},
    {"ptrace", SYS_ptrace, {0x4206, 0x7fffffff}, ESRCH, ESRCH, ESRCH},
    {"landlock", SYS_landlock_create_ruleset, {1, 0, 0}, EINVAL, EINVAL, EINVAL, true},
    {"mount", SYS_mount, {1, 1, 1, 0, 0}, EPERM, EFAULT, EFAULT},
    {"umount2", SYS_umount2, {1, 0xffffffff}, EPERM, EINVAL, EINVAL},
    {"pivot_root", SYS_pivot_root, {1, 1}, EPERM, EFAULT, EFAULT},
    {"fsopen", SYS_fsopen, {1, 0}, EPERM, EFAULT, EFAULT},
    {"open_tree", SYS_open_tree, {-1UL, 1, 0}, EPERM, EFAULT, EFAULT},
    {"move_mount", SYS_move_mount, {-1UL, 1, -1UL, 1, 0xffffffff}, EPERM, EINVAL, EINVAL},
    {"mount_setattr", SYS_mount_setattr, {-1UL, 1, 0xffffffff, 1, 0}, EPERM, EINVAL, EINVAL},
    {"setns", SYS_setns, {-1UL, 0}, EPERM, EBADF, EBADF},
    {"unshare(NEWUSER)", SYS_unshare, {CLONE_NEWUSER | 0xff}, EPERM, EINVAL, EINVAL},
    {"unshare(NEWTIME)", SYS_unshare, {0x80 | 0x7f}, EPERM, EINVAL, EINVAL},
    {"unshare(0)", SYS_unshare, {0x7f}, EINVAL, EINVAL, EINVAL},
    {"clone(NEWUSER)", SYS_clone, {CLONE_NEWUSER | CLONE_FS | SIGCHLD}, EPERM, EINVAL, EINVAL},
    {"clone(NEWUSER), high", SYS_clone, {CLONE_NEWUSER | CLONE_FS | (1UL << 40)}, EPERM, EINVAL, EINVAL},
    {"clone(thread)", SYS_clone, {CLONE_THREAD}, EINVAL, EINVAL, EINVAL},
    {"clone3", SYS_clone3, {0, 0}, ENOSYS, EINVAL, EINVAL},
    {"chroot", SYS_chroot, {1}, EFAULT, EFAULT, EFAULT},
    {"reboot", SYS_reboot, {0, 0, 0, 0}, EPERM, EINVAL, EINVAL},
    {"sethostname", SYS_sethostname, {1, -1UL}, EPERM, EINVAL, EINVAL},
    {"bpf", SYS_bpf, {9999, 0, 0}, EPERM, EPERM, EINVAL, true},
    {"perf_event_open", SYS_perf_event_open, {1, 0, 0, 0, -1UL}, EPERM, EPERM, EINVAL, true},
    {"io_uring_setup", SYS_io_uring_setup, {0, 0}, EPERM, EPERM, EPERM},
    {"userfaultfd", SYS_userfaultfd, {0xffffffff}, EPERM, EPERM, EPERM},
    {"keyctl", SYS_keyctl, {9999}, EPERM, EPERM, EPERM},
    {"add_key", SYS_add_key, {0, 0, 0, 0, 0}, EPERM, EPERM, EPERM},
    {"request_key", SYS_request_key, {0, 0, 0, 0}, EPERM, EPERM, EPERM},
    {"kexec_load", SYS_kexec_load, {0, 99999, 0, 0}, EPERM, EPERM, EPERM},
    {"swapon", SYS_swapon, {1, -1UL}, EPERM, EPERM, EPERM},
    {"init_module", SYS_init_module, {0, 0, 0}, EPERM, EPERM, ENOEXEC, true},
    {"delete_module", SYS_delete_module, {1, 0}, EPERM, EPERM, EFAULT, true},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1UL, 0, 0}, EPERM, EPERM, EFAULT, true},
    {"clock_settime", SYS_clock_settime, {9999, 0}, EPERM, EPERM, EINVAL},
    {"kcmp", SYS_kcmp, {0x7fffffff, 0x7fffffff, 0, 0, 0}, EPERM, EPERM, ESRCH, true},
    {"personality(READ_IMPLIES_EXEC)", SYS_personality, {0x0400000}, EPERM, EPERM, EPERM},
    {"personality(ask)", SYS_personality, {0xffffffff}, 0, 0, 0},
    {"ioctl(TIOCSTI)", SYS_ioctl, {-1UL, TIOCSTI}, EPERM, EPERM, EPERM},
    {"ioctl(TIOCSTI), high", SYS_ioctl, {-1UL, TIOCSTI | (1UL << 32)}, EPERM, EPERM, EPERM},
    {"ioctl(TIOCSTI), all high", SYS_ioctl, {-1UL, TIOCSTI | (0xffffffffUL << 32)}, EPERM, EPERM, EPERM},
    {"ioctl(TIOCLINUX), high", SYS_ioctl, {-1UL, TIOCLINUX | (1UL << 63)}, EPERM, EPERM, EPERM},
    {"ioctl(TIOCGWINSZ)", SYS_ioctl, {-1UL, TIOCGWINSZ}, EBADF, EBADF, EBADF},
    {"ioctl(high only)", SYS_ioctl, {-1UL, (unsigned long) TIOCSTI << 32}, EBADF, EBADF, EBADF},
    {"socket(AF_ALG), high",
     SYS_socket,
     {AF_ALG | (1UL << 32), SOCK_STREAM, 0},
     EAFNOSUPPORT,
     EAFNOSUPPORT,
     EAFNOSUPPORT},
    {"socketpair(AF_ALG)", SYS_socketpair, {AF_ALG, SOCK_SEQPACKET, 0, 1}, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket(audit)", SYS_socket, {AF_NETLINK, BAD_TYPE, NETLINK_AUDIT}, EAFNOSUPPORT, EAFNOSUPPORT, EINVAL},
    {"socket(route)", SYS_socket, {AF_NETLINK, BAD_TYPE, NETLINK_ROUTE}, EINVAL, EINVAL, EINVAL},
    {"socket(AF_PACKET)", SYS_socket, {AF_PACKET, BAD_TYPE, 0}, EAFNOSUPPORT, EAFNOSUPPORT, EINVAL},
    {"number 1000", 1000, {0}, ENOSYS, ENOSYS, ENOSYS},
};

static bool is_expected(long result, size_t i, int expected)
{
    return result == -expected || (calls[i].is_optional && expected != EPERM && result == -ENOSYS);
}

static long make_call(size_t i)
{
    const unsigned long *a = calls[i].arguments;

    return syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? -errno : 0;
}

static void real_calls(void)
{
    long usual[ELEMENTSOF(calls)], system_calls[ELEMENTSOF(calls)], powerful[ELEMENTSOF(calls)];
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};
    bool is_root = geteuid() == 0;

    ASSERT_OK(under_filter(&request, make_call, ELEMENTSOF(calls), usual));
    request.capabilities = UINT64_MAX;
    ASSERT_OK(under_filter(&request, make_call, ELEMENTSOF(calls), powerful));
    request = (SeccompRequest){.profile = "system", .capabilities = USUAL_CAPABILITIES | CAP(SYS_ADMIN)};
    ASSERT_OK(under_filter(&request, make_call, ELEMENTSOF(calls), system_calls));
    for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
        if (!is_expected(usual[i], i, calls[i].usual))
            TEST_FAIL("default: %s: %ld, expected -%d", calls[i].name, usual[i], calls[i].usual);
        /* Without privileges the kernel refuses some of these by itself. */
        if (is_root && !is_expected(system_calls[i], i, calls[i].system))
            TEST_FAIL("system: %s: %ld, expected -%d", calls[i].name, system_calls[i], calls[i].system);
        if (is_root && !is_expected(powerful[i], i, calls[i].powerful))
            TEST_FAIL("default with all: %s: %ld, expected -%d", calls[i].name, powerful[i], calls[i].powerful);
    }
}

#define FAMILIES 51

static long make_socket(size_t family)
{
    return syscall(SYS_socket, (long) family, BAD_TYPE, 0) < 0 ? -errno : 0;
}

static bool is_usual_family(size_t family)
{
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

static void real_families(void)
{
    long results[FAMILIES];
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};

    ASSERT_OK(under_filter(&request, make_socket, FAMILIES, results));
    for (size_t i = 0; i < FAMILIES; i++)
        if (results[i] != (is_usual_family(i) ? -EINVAL : -EAFNOSUPPORT))
            TEST_FAIL("family %zu: %ld", i, results[i]);
    request.capabilities |= CAP(NET_RAW);
    ASSERT_OK(under_filter(&request, make_socket, FAMILIES, results));
    ASSERT_EQ(results[AF_PACKET], -EINVAL);
    ASSERT_EQ(results[AF_ALG], -EAFNOSUPPORT);
    ASSERT_EQ(results[AF_VSOCK], -EAFNOSUPPORT);
}

#ifdef __x86_64__
static long call_i386(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int) result;
}

/* Numbers of arch/x86/entry/syscalls/syscall_32.tbl. */
static const struct {
    const char *name;
    long number, arguments[3];
    int expected;
} calls_i386[] = {
    {"read", 3, {-1}, EBADF},
    {"socketcall(socket)", 102, {1, 0}, ENOSYS},
    {"socketcall(bind)", 102, {2, 0}, ENOSYS},
    {"socket(AF_ALG)", 359, {AF_ALG, 5, 0}, EAFNOSUPPORT},
    {"socket(AF_VSOCK)", 359, {AF_VSOCK, 1, 0}, EAFNOSUPPORT},
    {"socket(AF_UNIX)", 359, {AF_UNIX, BAD_TYPE, 0}, EINVAL},
    {"socketpair(AF_ALG)", 360, {AF_ALG, 5, 0}, EAFNOSUPPORT},
    {"mount", 21, {1, 1, 1}, EPERM},
    {"umount", 22, {1}, EPERM},
    {"clone(NEWUSER)", 120, {CLONE_NEWUSER | CLONE_FS}, EPERM},
    {"clone(thread)", 120, {CLONE_THREAD}, EINVAL},
    {"clone3", 435, {0, 0}, ENOSYS},
    {"io_uring_setup", 425, {0, 0}, EPERM},
    {"keyctl", 288, {9999}, EPERM},
    {"ioctl(TIOCSTI)", 54, {-1, TIOCSTI}, EPERM},
    {"ioctl(TIOCGWINSZ)", 54, {-1, TIOCGWINSZ}, EBADF},
    {"stime", 25, {1}, EPERM},
    {"vm86", 166, {0}, ENOSYS},
    {"number 1000", 1000, {0}, ENOSYS},
};

static long make_call_i386(size_t i)
{
    const long *a = calls_i386[i].arguments;

    return call_i386(calls_i386[i].number, a[0], a[1], a[2]);
}

static void real_calls_i386(void)
{
    long results[ELEMENTSOF(calls_i386)];
    SeccompRequest request = {.capabilities = USUAL_CAPABILITIES};

    /* A kernel without the compatibility mode kills the process, or knows no call. */
    if (under_filter(&(SeccompRequest){.profile = "system"}, make_call_i386, 1, results) < 0 || results[0] != -EBADF) {
        printf("# this kernel has no i386 system calls\n");
        return;
    }
    ASSERT_OK(under_filter(&request, make_call_i386, ELEMENTSOF(calls_i386), results));
    for (size_t i = 0; i < ELEMENTSOF(calls_i386); i++)
        if (results[i] != -calls_i386[i].expected)
            TEST_FAIL("i386 %s: %ld, expected -%d", calls_i386[i].name, results[i], calls_i386[i].expected);
    request.is_native_only = true;
    ASSERT_OK(under_filter(&request, make_call_i386, ELEMENTSOF(calls_i386), results));
    for (size_t i = 0; i < ELEMENTSOF(calls_i386); i++)
        ASSERT_EQ(results[i], -ENOSYS);
}

static long make_call_x32(size_t i)
{
    return syscall(0x40000000L + (long) i, -1L, 0L, 0L, 0L, 0L, 0L) < 0 ? -errno : 0;
}

static void real_calls_x32(void)
{
    long results[512];

    ASSERT_OK(
        under_filter(&(SeccompRequest){.profile = "system", .capabilities = UINT64_MAX}, make_call_x32, 512, results));
    for (size_t i = 0; i < 512; i++)
        ASSERT_EQ(results[i], -ENOSYS);
}
#endif

/* What the C library makes of a filter that refuses clone3(): threads, children and their ends still work. */
static void *thread_main(void *argument)
{
    return argument;
}

static long make_life(size_t i)
{
    pthread_t thread;
    int given = 0;
    void *answer = NULL;
    pid_t pid = -1;
    int status = -1;

    if (pthread_create(&thread, NULL, thread_main, &given) != 0 || pthread_join(thread, &answer) != 0 ||
        answer != &given)
        return -1;
    pid = fork();
    if (pid == 0)
        _exit(7);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
        return -2;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL,
                    (char *[]){(char *) "sh", (char *) "-c", (char *) "echo | exit 9", NULL}, NULL) != 0 ||
        waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 9)
        return -3;
    return (long) i;
}

static void real_life(void)
{
    long result = -1;

    ASSERT_OK(under_filter(&(SeccompRequest){.capabilities = 0}, make_life, 1, &result));
    ASSERT_EQ(result, 0);
}

int main(void)
{
    TEST_RUN(prepare_refuses);
    TEST_RUN(prepare_file);
    TEST_RUN(cache_hit_and_miss);
    TEST_RUN(cache_tells_requests_apart);
    TEST_RUN(cache_damage);
    TEST_RUN(cache_strangers);
    TEST_RUN(cache_that_cannot_be_used);
    TEST_RUN(cache_many_at_once);
    TEST_RUN(real_calls);
    TEST_RUN(real_families);
#ifdef __x86_64__
    TEST_RUN(real_calls_i386);
    TEST_RUN(real_calls_x32);
#endif
    TEST_RUN(real_life);
    return test_finish();
}
