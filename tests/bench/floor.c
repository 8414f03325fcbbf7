/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The least that a start can cost: the kernel work of `berthctl run --directory=ROOT PROGRAM` and nothing else. The
 * same namespaces, mounts, masks, device nodes, capabilities and system call filter, a cgroup that the first process is
 * born in, a fork and a wait; everything that Berth reads, checks, plans, records or reports is left out, and so is the
 * process that would supervise.
 *
 *     floor [--userns] ROOT FILTER PROGRAM
 *
 * With --userns in a user namespace of its own, ROOT seen through its map of ids, as `berthctl run --userns=auto` has it.
 * FILTER is a file of Berth's seccomp cache (or a bare BPF program); "-" is none. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define CACHE_HEADER_SIZE 56                   /* host/seccomp.c: magic, key, checksum, sizes */
#define CAPABILITIES      UINT64_C(0x800405fb) /* what an application container keeps */
#define FIRST_ID          524288U
#define STRICT            (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

typedef struct Filter {
    struct sock_filter instructions[BPF_MAXINSNS];
    size_t count;
} Filter;

/* Every step must do its work, or the comparison would flatter the floor. */
static long must(const char *what, long r)
{
    if (r < 0) {
        fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
        _exit(125);
    }
    return r;
}
#define MUST(call) must(#call, (call))

static void read_filter(const char *path, Filter *filter)
{
    char bytes[CACHE_HEADER_SIZE + sizeof(filter->instructions)];
    size_t skip;
    ssize_t n;
    int fd;

    if (strcmp(path, "-") == 0)
        return;
    fd = (int) MUST(open(path, O_RDONLY | O_CLOEXEC));
    n = MUST(read(fd, bytes, sizeof(bytes)));
    skip = n > CACHE_HEADER_SIZE && memcmp(bytes, "berthsd", 8) == 0 ? CACHE_HEADER_SIZE : 0;
    filter->count = ((size_t) n - skip) / sizeof(struct sock_filter);
    memcpy(filter->instructions, bytes + skip, filter->count * sizeof(struct sock_filter));
    close(fd);
}

static void attach(int mount_fd, int root_fd, const char *path)
{
    MUST(syscall(SYS_move_mount, mount_fd, "", root_fd, path, MOVE_MOUNT_F_EMPTY_PATH));
}

/* `options` is pairs of key and value up to a NULL. */
static int mount_new(int root_fd, const char *path, const char *type, unsigned attributes, const char *const *options)
{
    int fs_fd = (int) MUST(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)), mount_fd;

    for (; options && options[0]; options += 2)
        if (options[1])
            MUST(syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, options[0], options[1], 0));
        else
            MUST(syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_FLAG, options[0], NULL, 0));
    MUST(syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    mount_fd = (int) MUST(syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes));
    close(fs_fd);
    attach(mount_fd, root_fd, path);
    return mount_fd;
}

static const char *const dev_options[] = {"mode", "0755", "size", "64k", "nr_inodes", "1m", NULL};

/* dev_fd: /dev with its nodes, made outside; < 0: made here. */
static void make_api_mounts(int root_fd, int dev_fd)
{
    static const char *const pts[] = {"newinstance", NULL, "ptmxmode", "0666", "mode", "0620", "gid", "5", NULL};
    static const char *const shm[] = {"mode", "1777", "size", "67108864", NULL};

    close(mount_new(root_fd, "proc", "proc", STRICT, NULL));
    close(mount_new(root_fd, "sys", "sysfs", STRICT | MOUNT_ATTR_RDONLY, NULL));
    if (dev_fd >= 0)
        attach(dev_fd, root_fd, "dev");
    else
        close(mount_new(root_fd, "dev", "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, dev_options));
    MUST(mkdirat(root_fd, "dev/pts", 0755));
    MUST(mkdirat(root_fd, "dev/shm", 0755));
    MUST(mkdirat(root_fd, "dev/mqueue", 0755));
    close(mount_new(root_fd, "dev/pts", "devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts));
    close(mount_new(root_fd, "dev/shm", "tmpfs", STRICT, shm));
    close(mount_new(root_fd, "dev/mqueue", "mqueue", STRICT, NULL));
}

static const struct {
    const char *path;
    unsigned major, minor;
} devices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};

static void make_devices(int root_fd, bool has_nodes)
{
    static const char *const links[][2] = {{"pts/ptmx", "dev/ptmx"},          {"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},  {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"}, {"/proc/kcore", "dev/core"}};

    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]) && !has_nodes; i++)
        MUST(mknodat(root_fd, devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)));
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        MUST(symlinkat(links[i][0], root_fd, links[i][1]));
}

/* /dev of a user namespace, in which nobody can make a node. */
static int make_device_tree(void)
{
    int fs_fd = (int) MUST(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)), fd;

    for (const char *const *option = dev_options; *option; option += 2)
        MUST(syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, option[0], option[1], 0));
    MUST(syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    fd = (int) MUST(syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    close(fs_fd);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        const char *name = devices[i].path + strlen("dev/");

        MUST(mknodat(fd, name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)));
        MUST(fchownat(fd, name, FIRST_ID, FIRST_ID, 0));
    }
    MUST(fchownat(fd, "", FIRST_ID, FIRST_ID, AT_EMPTY_PATH));
    return fd;
}

static void write_file(pid_t pid, const char *name, const char *text)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
    fd = (int) MUST(open(path, O_WRONLY | O_CLOEXEC));
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

/* The ids of the child, and its root as it sees them. */
static void map_ids(pid_t pid, int tree_fd)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP};
    char map[64], path[64];
    int fd;

    snprintf(map, sizeof(map), "0 %u 65536", FIRST_ID);
    write_file(pid, "uid_map", map);
    write_file(pid, "gid_map", map);
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int) pid);
    fd = (int) MUST(open(path, O_RDONLY | O_CLOEXEC));
    attributes.userns_fd = (uint64_t) fd;
    MUST(syscall(SYS_mount_setattr, tree_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)));
    close(fd);
}

static void make_read_only(int root_fd)
{
    static const char *const paths[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        long fd = syscall(SYS_open_tree, root_fd, paths[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

        if (fd < 0 && errno == ENOENT)
            continue;
        must(paths[i], fd);
        MUST(syscall(SYS_mount_setattr, (int) fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)));
        attach((int) fd, root_fd, paths[i]);
        close((int) fd);
    }
}

static void make_masks(int root_fd)
{
    static const char *const paths[] = {
        "proc/acpi",          "proc/asound",      "proc/interrupts", "proc/kcore",      "proc/keys",
        "proc/latency_stats", "proc/sched_debug", "proc/scsi",       "proc/timer_list", "proc/timer_stats",
        "proc/kallsyms",      "sys/firmware",     "sys/fs/selinux",  "sys/dev/block",   "sys/devices/virtual/powercap"};
    static const char *const empty[] = {"mode", "0555", "nr_inodes", "2", "size", "4k", NULL};
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    int empty_fd = -1, fd;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct stat st;

        if (fstatat(root_fd, paths[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && empty_fd < 0) {
            empty_fd = mount_new(root_fd, paths[i], "tmpfs", STRICT | MOUNT_ATTR_RDONLY, empty);
            continue;
        }
        fd = (int) MUST(S_ISDIR(st.st_mode) ? syscall(SYS_open_tree, empty_fd, "", flags | AT_EMPTY_PATH)
                                            : syscall(SYS_open_tree, root_fd, "dev/null", flags));
        attach(fd, root_fd, paths[i]);
        close(fd);
    }
    if (empty_fd >= 0)
        close(empty_fd);
}

static void enter_root(int root_fd)
{
    MUST(fchdir(root_fd));
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(syscall(SYS_umount2, ".", MNT_DETACH));
    MUST(chdir("/"));
}

static void set_up_system(int root_fd)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    MUST(unshare(CLONE_NEWCGROUP));
    close(mount_new(root_fd, "sys/fs/cgroup", "cgroup2", STRICT | MOUNT_ATTR_RDONLY, NULL));
    MUST(sethostname("floor", 5));
    fd = (int) MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    MUST(ioctl(fd, SIOCSIFFLAGS, &loopback));
    close(fd);
    MUST(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

static void drop_privileges(const Filter *filter)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{(uint32_t) CAPABILITIES, (uint32_t) CAPABILITIES, 0}, {0, 0, 0}};
    struct sock_fprog program = {.len = (unsigned short) filter->count,
                                 .filter = (struct sock_filter *) (uintptr_t) filter->instructions};
    gid_t group = 0;

    for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
        if (!(CAPABILITIES & (UINT64_C(1) << i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
            MUST(-1);
    MUST(syscall(SYS_setgroups, 1, &group));
    MUST(syscall(SYS_setresgid, 0, 0, 0));
    MUST(syscall(SYS_setresuid, 0, 0, 0));
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    MUST(syscall(SYS_capset, &header, data));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (filter->count > 0)
        MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

/* Below systemd every mount is shared: its clone too would carry what is mounted on it to the host. */
static void make_private(int dir_fd, const char *path, uint64_t more)
{
    struct mount_attr attributes = {.attr_set = more, .propagation = UINT64_C(1) << 18 /* MS_PRIVATE */};

    MUST(syscall(SYS_mount_setattr, dir_fd, path, AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)));
}

static void become_payload(int tree_fd, int dev_fd, int wait_fd, const Filter *filter, char **argv)
{
    char *environment[] = {(char *) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                           (char *) "container=floor", (char *) "HOSTNAME=floor", (char *) "HOME=/root", NULL};

    umask(0);
    if (wait_fd >= 0) {
        char byte;

        MUST(read(wait_fd, &byte, 1));
        MUST(syscall(SYS_setgroups, 0, NULL));
        MUST(syscall(SYS_setresgid, 0, 0, 0));
        MUST(syscall(SYS_setresuid, 0, 0, 0));
    }
    make_private(AT_FDCWD, "/", 0);
    attach(tree_fd, AT_FDCWD, "/tmp");
    make_api_mounts(tree_fd, dev_fd);
    make_devices(tree_fd, dev_fd >= 0);
    make_read_only(tree_fd);
    make_masks(tree_fd);
    enter_root(tree_fd);
    set_up_system(tree_fd);
    drop_privileges(filter);
    MUST(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC));
    umask(0022);
    MUST(execve(argv[0], argv, environment));
}

/* The unified hierarchy, or where a hybrid host has it. */
static int open_cgroup_root(void)
{
    struct statfs fs;
    int fd = (int) MUST(open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
        return fd;
    close(fd);
    return (int) MUST(open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int main(int argc, char *argv[])
{
    static Filter filter;
    int cgroup_root_fd, cgroup_fd, tree_fd, dev_fd = -1, pidfd = -1, pipe_fds[2] = {-1, -1};
    bool has_userns = argc > 1 && strcmp(argv[1], "--userns") == 0;
    struct clone_args arguments = {
        .flags =
            CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t) (uintptr_t) &pidfd,
        .exit_signal = SIGCHLD,
    };
    char group[32];
    siginfo_t end = {};
    long pid;

    if (has_userns) {
        argc--;
        argv++;
        arguments.flags |= CLONE_NEWUSER;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: floor [--userns] ROOT FILTER PROGRAM...\n");
        return 2;
    }
    read_filter(argv[2], &filter);
    tree_fd = (int) MUST(syscall(SYS_open_tree, AT_FDCWD, argv[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    make_private(tree_fd, "", MOUNT_ATTR_NODEV);
    cgroup_root_fd = open_cgroup_root();
    snprintf(group, sizeof(group), "berth-floor-%d", (int) getpid());
    MUST(mkdirat(cgroup_root_fd, group, 0755));
    cgroup_fd = (int) MUST(openat(cgroup_root_fd, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    arguments.cgroup = (uint64_t) cgroup_fd;

    if (has_userns) {
        dev_fd = make_device_tree();
        MUST(pipe2(pipe_fds, O_CLOEXEC));
    }
    pid = MUST(syscall(SYS_clone3, &arguments, sizeof(arguments)));
    if (pid == 0)
        become_payload(tree_fd, dev_fd, pipe_fds[0], &filter, argv + 3);
    if (has_userns) {
        map_ids((pid_t) pid, tree_fd);
        MUST(write(pipe_fds[1], "", 1));
    }
    MUST(waitid((idtype_t) 3 /* P_PIDFD */, (id_t) pidfd, &end, WEXITED));
    MUST(unlinkat(cgroup_root_fd, group, AT_REMOVEDIR));
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}
