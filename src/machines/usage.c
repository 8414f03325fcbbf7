/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/usage.h"

#include "base/file.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "machines/inside.h"
#include "machines/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* A line for each block device, or for each interface. */
#define TABLE_MAX_BYTES (256U << 10)

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

/* Decimal digits up to something else; UINT64_MAX when there are none or too many. */
static uint64_t parse_number(const char *text)
{
    uint64_t value = 0;
    size_t digits = 0;

    for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
        if (value > (UINT64_MAX - 10) / 10)
            return UINT64_MAX;
        value = value * 10 + (uint64_t) (text[digits] - '0');
    }
    return digits > 0 ? value : UINT64_MAX;
}

static void add(uint64_t *sum, uint64_t number)
{
    if (number == UINT64_MAX)
        return;
    *sum = *sum == UINT64_MAX ? number : *sum > UINT64_MAX - 1 - number ? UINT64_MAX - 1 : *sum + number;
}

uint64_t usage_parse_keyed(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; *line; line = next_line(line))
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return parse_number(line + length + 1);
    return UINT64_MAX;
}

/* "8:0 rbytes=1 wbytes=2 rios=…". A device that was never used has no line, and none at all means nothing. */
void usage_parse_io(const char *text, uint64_t *ret_read, uint64_t *ret_written)
{
    uint64_t read_bytes = 0, written = 0;

    for (const char *line = text; *line; line = next_line(line)) {
        const char *end = line + strcspn(line, "\n");

        for (const char *word = line; word < end; word += strcspn(word, " \n"), word += word < end && *word == ' ') {
            const char *value;

            if ((value = text_after_prefix(word, "rbytes=")))
                add(&read_bytes, parse_number(value));
            else if ((value = text_after_prefix(word, "wbytes=")))
                add(&written, parse_number(value));
        }
    }
    *ret_read = read_bytes;
    *ret_written = written;
}

/* Two lines of headings, then "  eth0: BYTES PACKETS ERRORS DROPPED FIFO FRAME COMPRESSED MULTICAST BYTES …". A name may
 * hold a colon (an alias), so that the last one ends it. */
void usage_parse_network(const char *text, uint64_t *ret_received, uint64_t *ret_sent)
{
    const char *line = next_line(next_line(text));

    *ret_received = *ret_sent = UINT64_MAX;
    for (; *line; line = next_line(line)) {
        const char *name = line + strspn(line, " "), *end = line + strcspn(line, "\n"), *field = end;

        while (field > name && *field != ':')
            field--;
        if (*field != ':' || (field - name == 2 && strncmp(name, "lo", 2) == 0))
            continue;
        field += 1 + strspn(field + 1, " ");
        add(ret_received, field < end ? parse_number(field) : UINT64_MAX);
        for (unsigned i = 0; i < 8 && field < end; i++) {
            field += strcspn(field, " \n");
            field += strspn(field, " ");
        }
        add(ret_sent, field < end ? parse_number(field) : UINT64_MAX);
    }
}

int machine_open_cgroup(const Machine *machine, int *ret_fd)
{
    _cleanup_close_ int root_fd = -EBADF;
    bool is_hybrid;
    int r;

    if (!machine->cgroup)
        return -ENOENT;
    r = cgroup_open_root(&root_fd, &is_hybrid);
    return r < 0 ? r : cgroup_open(root_fd, machine->cgroup, false, ret_fd);
}

static uint64_t read_number(int group_fd, const char *file)
{
    char text[64];

    /* "max" is no number. */
    return cgroup_read(group_fd, file, text, sizeof(text)) > 0 ? parse_number(text) : UINT64_MAX;
}

static uint64_t read_keyed(int group_fd, const char *file, const char *key)
{
    char text[4096];

    return cgroup_read(group_fd, file, text, sizeof(text)) > 0 ? usage_parse_keyed(text, key) : UINT64_MAX;
}

/* Kernel files tell no size. NULL: it cannot be read. */
static char *read_table(int dir_fd, const char *path)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(TABLE_MAX_BYTES);
    ssize_t n = text ? file_read_all(fd, text, TABLE_MAX_BYTES - 1) : -1;

    if (n < 0) {
        free(text);
        return NULL;
    }
    text[n] = 0;
    return text;
}

static void read_io(int group_fd, MachineUsage *usage)
{
    _cleanup_free_ char *text = read_table(group_fd, "io.stat");

    if (text)
        usage_parse_io(text, &usage->io_read_bytes, &usage->io_written_bytes);
}

static void read_network(const Machine *machine, MachineUsage *usage)
{
    _cleanup_free_ char *text = NULL;
    char path[64];

    if (machine->leader == 0 || machine_is_on_host_network(machine))
        return;
    snprintf(path, sizeof(path), "/proc/%llu/net/dev", (unsigned long long) machine->leader);
    text = read_table(AT_FDCWD, path);
    if (text)
        usage_parse_network(text, &usage->network_received_bytes, &usage->network_sent_bytes);
}

/* For hosts whose controllers are elsewhere. */
static void estimate(const Machine *machine, MachineUsage *usage)
{
    _cleanup_process_list_ ProcessList list = {};
    uint64_t resident = 0, threads = 0;

    if (machine_list_processes(machine, &list) < 0 || list.count == 0)
        return;
    for (size_t i = 0; i < list.count; i++) {
        add(&resident, list.items[i].resident_bytes);
        add(&threads, list.items[i].threads);
    }
    if (usage->memory_bytes == UINT64_MAX) {
        usage->memory_bytes = resident;
        usage->is_memory_estimated = true;
    }
    if (usage->tasks == UINT64_MAX)
        usage->tasks = threads;
}

void machine_read_usage(const Machine *machine, MachineUsage *ret)
{
    _cleanup_close_ int group_fd = -EBADF;
    MachineUsage usage = {
        .io_read_bytes = UINT64_MAX,
        .io_written_bytes = UINT64_MAX,
        .network_received_bytes = UINT64_MAX,
        .network_sent_bytes = UINT64_MAX,
    };

    (void) machine_open_cgroup(machine, &group_fd);
    usage.cpu_usec = read_keyed(group_fd, "cpu.stat", "usage_usec");
    usage.memory_bytes = read_number(group_fd, "memory.current");
    usage.memory_peak_bytes = read_number(group_fd, "memory.peak");
    usage.memory_max_bytes = read_number(group_fd, "memory.max");
    usage.tasks = read_number(group_fd, "pids.current");
    usage.tasks_max = read_number(group_fd, "pids.max");
    usage.oom_kills = read_keyed(group_fd, "memory.events", "oom_kill");
    read_io(group_fd, &usage);
    read_network(machine, &usage);
    if (usage.memory_bytes == UINT64_MAX || usage.tasks == UINT64_MAX)
        estimate(machine, &usage);
    *ret = usage;
}
