/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/cgroup.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int cgroup_open_root(int *ret_fd, bool *ret_hybrid)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

    for (size_t i = 0; i < ELEMENTSOF(places); i++) {
        _cleanup_close_ int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct statfs fs;

        if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
            continue;
        *ret_fd = TAKE_FD(fd);
        *ret_hybrid = i > 0;
        return 0;
    }
    return -ENOENT;
}

int cgroup_open(int root_fd, const char *path, bool create, int *ret_fd)
{
    char part[4096];
    size_t length = 0;

    path += strspn(path, "/");
    if (strlen(path) >= sizeof(part))
        return -ENAMETOOLONG;
    /* Each prefix in turn, so that missing parents are made too. */
    for (length = strcspn(path, "/"); create && length > 0;) {
        memcpy(part, path, length);
        part[length] = 0;
        if (mkdirat(root_fd, part, 0755) < 0 && errno != EEXIST)
            return -errno;
        if (path[length] == 0)
            break;
        length += 1 + strcspn(path + length + 1, "/");
    }
    *ret_fd = openat(root_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd < 0 ? -errno : 0;
}

int cgroup_path_of(pid_t pid, char *path, size_t size)
{
    _cleanup_close_ int fd = -EBADF;
    char name[32], text[8192], *line;
    size_t length = 0;
    ssize_t n;

    snprintf(name, sizeof(name), pid > 0 ? "/proc/%d/cgroup" : "/proc/self/cgroup", (int) pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t) n;
    if (n < 0)
        return -errno;
    text[length] = 0;
    line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!line)
        return -ENODATA;
    line = strchr(line, '/');
    if (!line)
        return -EBADMSG;
    length = strcspn(line, "\n");
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(path, line, length);
    path[length] = 0;
    return 0;
}

int cgroup_write(int group_fd, const char *file, const char *text)
{
    _cleanup_close_ int fd = openat(group_fd, file, O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    do
        n = write(fd, text, strlen(text));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

ssize_t cgroup_read(int group_fd, const char *file, char *text, size_t size)
{
    _cleanup_close_ int fd = openat(group_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        return -errno;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
    return n;
}

void cgroup_enable_controllers(int group_fd)
{
    char controllers[512], *state = NULL;

    if (cgroup_read(group_fd, "cgroup.controllers", controllers, sizeof(controllers)) <= 0)
        return;
    for (char *name = strtok_r(controllers, " ", &state); name; name = strtok_r(NULL, " ", &state)) {
        char text[64];

        snprintf(text, sizeof(text), "+%s", name);
        (void) cgroup_write(group_fd, "cgroup.subtree_control", text);
    }
}

int cgroup_delegate(int group_fd, uid_t uid, gid_t gid)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group",
                                        "memory.reclaim"};

    if (fchown(group_fd, uid, gid) < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(files); i++)
        /* Which files there are depends on the controllers. */
        if (fchownat(group_fd, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

int cgroup_kill(int group_fd)
{
    return cgroup_write(group_fd, "cgroup.kill", "1");
}

int cgroup_freeze(int group_fd, bool freeze)
{
    return cgroup_write(group_fd, "cgroup.freeze", freeze ? "1" : "0");
}

int cgroup_is_frozen(int group_fd, bool *ret)
{
    char events[256];
    ssize_t n = cgroup_read(group_fd, "cgroup.events", events, sizeof(events));

    if (n < 0)
        return n == -ENOENT ? -ENODEV : (int) n;
    *ret = strstr(events, "frozen 1") != NULL;
    return 0;
}

/* A change of cgroup.events is POLLPRI on every open file of it; what changed before the first read is seen by that. */
int cgroup_wait_frozen(int group_fd, int timeout_msec)
{
    _cleanup_close_ int fd = openat(group_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    char events[256];

    if (fd < 0)
        return -errno;
    for (;;) {
        struct pollfd poll_one = {fd, POLLPRI, 0};
        ssize_t n = pread(fd, events, sizeof(events) - 1, 0);
        int r;

        if (n < 0)
            return -errno;
        events[n] = 0;
        if (strstr(events, "frozen 1"))
            return 0;
        r = poll(&poll_one, 1, timeout_msec);
        if (r <= 0)
            return r < 0 ? -errno : -ETIMEDOUT;
    }
}

int cgroup_is_populated(int group_fd, bool *ret)
{
    char events[256];
    ssize_t n = cgroup_read(group_fd, "cgroup.events", events, sizeof(events));

    if (n < 0)
        return n == -ENOENT ? -ENODEV : (int) n;
    *ret = strstr(events, "populated 1") != NULL;
    return 0;
}

static int signal_below(int parent_fd, const char *name, int signal_number, unsigned depth)
{
    _cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), file = -EBADF;
    struct dirent *entry;
    DIR *directory;
    FILE *stream;
    int pid;

    if (fd < 0 || depth > 64)
        return fd < 0 ? -errno : -ELOOP;
    file = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    stream = file < 0 ? NULL : fdopen(file, "re");
    if (!stream)
        return -errno;
    file = -EBADF; /* fclose() closes it */
    while (fscanf(stream, "%d", &pid) == 1)
        if (pid > 0)
            (void) kill(pid, signal_number);
    fclose(stream);
    directory = fdopendir(fd);
    if (!directory)
        return -errno;
    fd = -EBADF;
    while ((entry = readdir(directory)))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void) signal_below(dirfd(directory), entry->d_name, signal_number, depth + 1);
    closedir(directory);
    return 0;
}

int cgroup_signal(int group_fd, int signal_number)
{
    return signal_below(group_fd, ".", signal_number, 0);
}

static int remove_below(int parent_fd, const char *name, unsigned depth)
{
    _cleanup_close_ int fd = -EBADF;
    struct dirent *entry;
    DIR *directory;

    /* EBUSY: it has processes or groups below it. */
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY)
        return -errno;
    if (depth > 64)
        return -ELOOP;
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    directory = fdopendir(fd);
    if (!directory)
        return -errno;
    fd = -EBADF; /* closedir() closes it */
    while ((entry = readdir(directory)))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void) remove_below(dirfd(directory), entry->d_name, depth + 1);
    closedir(directory);
    return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_remove(int parent_fd, const char *name)
{
    return remove_below(parent_fd, name, 0);
}
