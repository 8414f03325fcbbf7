/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/processes.h"

#include "base/file.h"
#include "base/text.h"
#include "kernel/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX     16384
#define GROUP_DEPTH_MAX   64
#define STATUS_MAX_BYTES  8192
#define COMMAND_MAX_BYTES 4096

typedef struct PidList {
    pid_t *pids;
    size_t count, room;
} PidList;

static void pid_list_done(PidList *list)
{
    free(list->pids);
}

/* -ENOSPC: enough. */
static int pid_list_add(PidList *list, pid_t pid)
{
    if (list->count >= PROCESSES_MAX)
        return -ENOSPC;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        pid_t *grown = reallocarray(list->pids, room, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        list->pids = grown;
        list->room = room;
    }
    list->pids[list->count++] = pid;
    return 0;
}

static void process_done(Process *process)
{
    free(process->command);
}

void process_list_done(ProcessList *list)
{
    for (size_t i = 0; i < list->count; i++)
        process_done(&list->items[i]);
    free(list->items);
    *list = (ProcessList){};
}

/* --- parsers --- */

int process_parse_stat(const char *text, uint64_t page_bytes, Process *process)
{
    /* The name may hold anything, parentheses, blanks and line breaks too: what follows its last one is ours. */
    const char *end = strrchr(text, ')');
    long long pid = 0, parent = 0, terminal = 0, nice = 0, threads = 0, resident = 0;
    unsigned long long user = 0, system = 0, started = 0, virtual_bytes = 0;
    char state = 0;

    if (!end || sscanf(text, "%lld (", &pid) != 1 ||
        sscanf(end + 1,
               " %c %lld %*d %*d %lld %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %lld %lld %*d %llu %llu %lld",
               &state, &parent, &terminal, &user, &system, &nice, &threads, &started, &virtual_bytes, &resident) != 10)
        return -EBADMSG;
    if (pid <= 0 || pid > INT32_MAX || parent < 0 || parent > INT32_MAX || state < 'A' || state > 'z')
        return -EBADMSG;
    process->pid = (pid_t) pid;
    process->parent_pid = (pid_t) parent;
    process->state = state;
    process->terminal = terminal > 0 ? (uint64_t) terminal : 0;
    process->nice = nice;
    process->threads = threads > 0 ? (uint64_t) threads : 0;
    process->cpu_ticks = user > UINT64_MAX / 2 || system > UINT64_MAX / 2 ? 0 : user + system;
    process->started_ticks = started;
    process->virtual_bytes = virtual_bytes;
    process->resident_bytes =
        resident > 0 && (uint64_t) resident < UINT64_MAX / page_bytes ? (uint64_t) resident * page_bytes : 0;
    return 0;
}

void process_parse_status(const char *text, Process *process)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        unsigned long long uid = 0;
        const char *value;

        /* Real, effective, saved, file system. The kernel escapes a line break in "Name:". */
        if ((value = text_after_prefix(line, "Uid:")) && sscanf(value, " %*u %llu", &uid) == 1)
            process->host_uid = uid;
        /* One for each namespace from ours down; the last is the process's own. */
        else if ((value = text_after_prefix(line, "NSpid:"))) {
            const char *last = line + length;
            int pid = 0;

            while (last > value && last[-1] != '\t' && last[-1] != ' ')
                last--;
            if (sscanf(last, "%d", &pid) == 1 && pid > 0)
                process->inside_pid = pid;
        }
        line += length + (line[length] == '\n');
    }
}

uint64_t process_map_id(const char *map, uint64_t host_id)
{
    for (const char *line = map; *line;) {
        unsigned long long inside = 0, outside = 0, count = 0;

        if (sscanf(line, " %llu %llu %llu", &inside, &outside, &count) == 3 && host_id >= outside &&
            host_id - outside < count)
            return inside + (host_id - outside);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return UINT64_MAX;
}

/* --- reading --- */

/* A file of a process; NUL-terminated. The count, or -ESRCH when the process is gone. */
static ssize_t read_file(pid_t pid, const char *name, char *text, size_t size)
{
    _cleanup_close_ int fd = -EBADF;
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    n = file_read_all(fd, text, size - 1);
    if (n >= 0)
        text[n] = 0;
    return n;
}

static int read_command(pid_t pid, const char *stat, char **ret)
{
    char text[COMMAND_MAX_BYTES];
    const char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
    ssize_t n = read_file(pid, "cmdline", text, sizeof(text));

    while (n > 0 && text[n - 1] == 0)
        n--;
    for (ssize_t i = 0; i < n; i++)
        if (text[i] == 0)
            text[i] = ' ';
    if (n > 0) {
        text[n] = 0;
        *ret = strdup(text);
    } else
        *ret = begin && end > begin ? text_format("[%.*s]", (int) (end - begin - 1), begin + 1) : strdup("[]");
    return *ret ? 0 : -ENOMEM;
}

static int read_process(pid_t pid, uint64_t page_bytes, Process *ret)
{
    char text[STATUS_MAX_BYTES];
    Process process = {.inside_uid = UINT64_MAX};
    ssize_t n = read_file(pid, "status", text, sizeof(text));
    int r;

    if (n < 0)
        return (int) n;
    process_parse_status(text, &process);
    n = read_file(pid, "uid_map", text, sizeof(text));
    if (n >= 0)
        process.inside_uid = process_map_id(text, process.host_uid);
    n = read_file(pid, "stat", text, sizeof(text));
    if (n < 0)
        return (int) n;
    r = process_parse_stat(text, page_bytes, &process);
    if (r == 0)
        r = read_command(pid, text, &process.command);
    if (r == 0)
        *ret = process;
    return r;
}

/* --- whose they are --- */

static int add_group(PidList *list, int parent_fd, const char *name, unsigned depth)
{
    _cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int file = fd < 0 ? -1 : openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid = 0, r = 0;
    FILE *stream = file < 0 ? NULL : fdopen(file, "re");
    const struct dirent *entry;
    DIR *directory;

    /* Gone meanwhile, or threaded: no processes of its own. */
    if (!stream) {
        safe_close(file);
        return 0;
    }
    /* 0 stands for those that our pid namespace does not show. */
    while (r == 0 && fscanf(stream, "%d", &pid) == 1)
        if (pid > 0)
            r = pid_list_add(list, pid);
    fclose(stream);
    directory = r == 0 && depth < GROUP_DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!directory)
        return r;
    fd = -EBADF; /* closedir() closes it */
    while (r == 0 && (entry = readdir(directory)))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = add_group(list, dirfd(directory), entry->d_name, depth + 1);
    closedir(directory);
    return r;
}

static int add_cgroup(const Machine *machine, PidList *list)
{
    _cleanup_free_ char *payload = text_format("%s/payload", machine->cgroup);
    _cleanup_close_ int root_fd = -EBADF, fd = -EBADF;
    bool is_hybrid;
    int r = payload ? cgroup_open_root(&root_fd, &is_hybrid) : -ENOMEM;

    if (r == 0)
        r = cgroup_open(root_fd, payload, false, &fd);
    return r < 0 ? r : add_group(list, fd, ".", 0);
}

static ssize_t read_pid_namespace(uint64_t pid, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%llu/ns/pid", (unsigned long long) pid);
    return readlink(path, text, size);
}

static int add_namespace(const Machine *machine, PidList *list)
{
    char theirs[64], its[64];
    ssize_t n = read_pid_namespace(machine->leader, theirs, sizeof(theirs));
    DIR *directory = opendir("/proc");
    const struct dirent *entry;
    int r = 0;

    while (directory && n > 0 && r == 0 && (entry = readdir(directory))) {
        uint64_t pid = 0;

        if (text_parse_u64(entry->d_name, INT32_MAX, &pid) == 0 && read_pid_namespace(pid, its, sizeof(its)) == n &&
            memcmp(theirs, its, (size_t) n) == 0)
            r = pid_list_add(list, (pid_t) pid);
    }
    if (directory)
        closedir(directory);
    return r;
}

static int compare_pids(const void *a, const void *b)
{
    const pid_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int machine_list_processes(const Machine *machine, ProcessList *ret)
{
    _cleanup_(pid_list_done) PidList pids = {};
    _cleanup_process_list_ ProcessList list = {};
    uint64_t page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
    int r = machine->cgroup ? add_cgroup(machine, &pids) : add_namespace(machine, &pids);

    if (r < 0 && r != -ENOSPC)
        return r;
    list.is_cut = r == -ENOSPC;
    if (pids.count > 0)
        qsort(pids.pids, pids.count, sizeof(*pids.pids), compare_pids);
    list.items = calloc(pids.count + 1, sizeof(*list.items));
    if (!list.items)
        return -ENOMEM;
    for (size_t i = 0; i < pids.count; i++) {
        r = read_process(pids.pids[i], page_bytes, &list.items[list.count]);
        if (r == -ENOMEM)
            return r;
        list.count += r == 0;
    }
    *ret = list;
    list = (ProcessList){};
    return 0;
}

pid_t machine_find_stuck(const Machine *machine)
{
    _cleanup_(pid_list_done) PidList pids = {};

    if (machine->cgroup)
        (void) add_cgroup(machine, &pids);
    else
        (void) add_namespace(machine, &pids);
    for (size_t i = 0; i < pids.count; i++) {
        char text[STATUS_MAX_BYTES];
        Process process = {};

        if (read_file(pids.pids[i], "stat", text, sizeof(text)) > 0 && process_parse_stat(text, 1, &process) == 0 &&
            process.state == 'D')
            return pids.pids[i];
    }
    return 0;
}
