/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stats: what running containers use, once or again and again. */

#include "ctl/container.h"
#include "ctl/table.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "machines/usage.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Long enough for a share of processor time that means something, short enough to wait for. */
#define FIRST_INTERVAL_MSEC 250
#define INTERVAL_MSEC       1000

enum {
    STATS_NAME,
    STATS_CPU,
    STATS_MEMORY,
    STATS_LIMIT,
    STATS_TASKS,
    STATS_NETWORK,
    STATS_IO,
    STATS_CPU_USEC,
    STATS_MEMORY_PEAK,
    STATS_TASKS_MAX,
    STATS_ESTIMATED,
    STATS_OOM_KILLS,
    STATS_RECEIVED,
    STATS_SENT,
    STATS_READ,
    STATS_WRITTEN,
};

static const TableColumn columns[] = {
    [STATS_NAME] = {"NAME", "name", 0},
    [STATS_CPU] = {"CPU%", "cpu_percent", TABLE_RIGHT},
    [STATS_MEMORY] = {"MEMORY", "memory_bytes", TABLE_RIGHT},
    [STATS_LIMIT] = {"LIMIT", "memory_max_bytes", TABLE_RIGHT},
    [STATS_TASKS] = {"TASKS", "tasks", TABLE_RIGHT},
    [STATS_NETWORK] = {"NET IN/OUT", NULL, TABLE_RIGHT},
    [STATS_IO] = {"DISK READ/WRITTEN", NULL, TABLE_RIGHT},
    [STATS_CPU_USEC] = {NULL, "cpu_usec", 0},
    [STATS_MEMORY_PEAK] = {NULL, "memory_peak_bytes", 0},
    [STATS_TASKS_MAX] = {NULL, "tasks_max", 0},
    [STATS_ESTIMATED] = {NULL, "memory_estimated", 0},
    [STATS_OOM_KILLS] = {NULL, "oom_kills", 0},
    [STATS_RECEIVED] = {NULL, "network_received_bytes", 0},
    [STATS_SENT] = {NULL, "network_sent_bytes", 0},
    [STATS_READ] = {NULL, "io_read_bytes", 0},
    [STATS_WRITTEN] = {NULL, "io_written_bytes", 0},
};

/* One machine at one time. */
typedef struct Sample {
    char *name, *id; /* id: another run of the same name is another machine */
    MachineUsage usage;
    uint64_t taken_usec; /* monotonic */
} Sample;

typedef struct Samples {
    Sample *items;
    size_t count;
} Samples;

static void samples_done(Samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        free(samples->items[i].name);
        free(samples->items[i].id);
    }
    free(samples->items);
    *samples = (Samples){};
}

static uint64_t monotonic_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* Those that run of the names asked for, or all. With `must_run` one that does not is an error. */
static int take(Ctl *ctl, bool must_run, Samples *ret, Error *error)
{
    _cleanup_(samples_done) Samples samples = {};
    _cleanup_strv_ char **running = NULL;
    char *const *names = ctl->words;
    int r = 0;

    if (!names) {
        r = container_list_names(ctl, false, &running, error);
        names = running;
    }
    samples.items = calloc(strv_length(names) + 1, sizeof(Sample));
    if (r == 0 && !samples.items)
        return -ENOMEM;
    STRV_FOREACH (name, names) {
        _cleanup_(machine_freep) Machine *machine = NULL;
        _cleanup_error_ Error problem = {};
        Sample *sample = &samples.items[samples.count];

        if (r < 0)
            return r;
        r = ctl_load_machine(ctl, *name, &machine, &problem);
        if (r < 0 && (must_run || (r != -ENOENT && r != -EBADMSG))) {
            error_move(error, &problem);
            return r;
        }
        if (r < 0) {
            r = 0;
            continue;
        }
        *sample = (Sample){.name = strdup(*name), .id = strdup(machine->id ? machine->id : "")};
        samples.count++;
        if (!sample->name || !sample->id)
            return -ENOMEM;
        machine_read_usage(machine, &sample->usage);
        sample->taken_usec = monotonic_usec();
    }
    if (r == 0) {
        *ret = samples;
        samples = (Samples){};
    }
    return r;
}

static const Sample *find(const Samples *samples, const Sample *wanted)
{
    for (size_t i = 0; i < samples->count; i++)
        if (strcmp(samples->items[i].name, wanted->name) == 0 && strcmp(samples->items[i].id, wanted->id) == 0)
            return &samples->items[i];
    return NULL;
}

static int set_json(Table *table, size_t column, uint64_t number)
{
    return number == UINT64_MAX
               ? 0
               : table_set_json(table, column, json_integer((json_int_t) MIN(number, (uint64_t) INT64_MAX)));
}

static int set_size(Table *table, size_t column, uint64_t size_bytes, const char *before)
{
    _cleanup_free_ char *size = text_format_size(size_bytes), *text = size ? text_format("%s%s", before, size) : NULL;
    int r;

    if (size_bytes == UINT64_MAX)
        return 0;
    r = text ? table_set(table, column, text) : -ENOMEM;
    return r < 0 ? r : set_json(table, column, size_bytes);
}

static int set_pair(Table *table, size_t column, uint64_t first, uint64_t second)
{
    _cleanup_free_ char *a = text_format_size(first), *b = text_format_size(second),
                        *text = a && b ? text_format("%s/%s", a, b) : NULL;

    if (first == UINT64_MAX || second == UINT64_MAX)
        return 0;
    return text ? table_set(table, column, text) : -ENOMEM;
}

/* Of one processor, since the sample before. */
static int set_cpu(Table *table, const Sample *before, const Sample *sample)
{
    _cleanup_free_ char *text = NULL;
    double percent;
    int r;

    if (!before || before->usage.cpu_usec == UINT64_MAX || sample->usage.cpu_usec == UINT64_MAX ||
        sample->usage.cpu_usec < before->usage.cpu_usec || sample->taken_usec <= before->taken_usec)
        return 0;
    percent = 100.0 * (double) (sample->usage.cpu_usec - before->usage.cpu_usec) /
              (double) (sample->taken_usec - before->taken_usec);
    text = text_format("%.1f", percent);
    r = text ? table_set(table, STATS_CPU, text) : -ENOMEM;
    return r < 0 ? r : table_set_json(table, STATS_CPU, json_real((double) (int64_t) (percent * 100 + 0.5) / 100));
}

static int set_tasks(Table *table, const MachineUsage *usage)
{
    _cleanup_free_ char *text = text_format("%llu", (unsigned long long) usage->tasks);
    int r;

    if (usage->tasks == UINT64_MAX)
        return 0;
    r = text ? table_set(table, STATS_TASKS, text) : -ENOMEM;
    return r < 0 ? r : set_json(table, STATS_TASKS, usage->tasks);
}

static int add_sample(Table *table, const Sample *before, const Sample *sample)
{
    const MachineUsage *usage = &sample->usage;
    const struct {
        size_t column;
        uint64_t number;
    } numbers[] = {
        {STATS_CPU_USEC, usage->cpu_usec},
        {STATS_MEMORY_PEAK, usage->memory_peak_bytes},
        {STATS_TASKS_MAX, usage->tasks_max},
        {STATS_OOM_KILLS, usage->oom_kills},
        {STATS_RECEIVED, usage->network_received_bytes},
        {STATS_SENT, usage->network_sent_bytes},
        {STATS_READ, usage->io_read_bytes},
        {STATS_WRITTEN, usage->io_written_bytes},
    };
    int r = table_add_row(table);

    if (r == 0)
        r = table_set(table, STATS_NAME, sample->name);
    if (r == 0)
        r = set_cpu(table, before, sample);
    if (r == 0)
        r = set_size(table, STATS_MEMORY, usage->memory_bytes, usage->is_memory_estimated ? "~" : "");
    if (r == 0)
        r = set_size(table, STATS_LIMIT, usage->memory_max_bytes, "");
    if (r == 0)
        r = set_tasks(table, usage);
    if (r == 0)
        r = set_pair(table, STATS_NETWORK, usage->network_received_bytes, usage->network_sent_bytes);
    if (r == 0)
        r = set_pair(table, STATS_IO, usage->io_read_bytes, usage->io_written_bytes);
    if (r == 0)
        r = table_set_json(table, STATS_ESTIMATED, json_boolean(usage->is_memory_estimated));
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(numbers); i++)
        r = set_json(table, numbers[i].column, numbers[i].number);
    return r;
}

static int print(const Ctl *ctl, const Samples *before, const Samples *now, bool is_live)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = table ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < now->count; i++)
        r = add_sample(table, find(before, &now->items[i]), &now->items[i]);
    if (r < 0)
        return r;
    if (ctl->json)
        return is_live ? table_print_json_line(table) : table_print_json(table);
    /* From the top of an empty screen. */
    if (is_live)
        fputs("\033[H\033[2J", stdout);
    return table_print(table, !ctl->no_legend);
}

int verb_stats(Ctl *ctl, Error *error)
{
    /* A table is refreshed where somebody looks at it; lines of JSON are for a program that reads on. */
    bool is_live = !ctl->no_stream && (ctl->json || isatty(STDOUT_FILENO));
    _cleanup_(samples_done) Samples before = {};
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = take(ctl, true, &before, error);
    for (int interval_msec = FIRST_INTERVAL_MSEC; r == 0; interval_msec = INTERVAL_MSEC) {
        _cleanup_(samples_done) Samples now = {};

        (void) poll(NULL, 0, interval_msec);
        r = take(ctl, false, &now, error);
        if (r == 0)
            r = print(ctl, &before, &now, is_live);
        if (r < 0 || !is_live)
            return r;
        /* Nobody reads any more, or all that were asked for have ended. */
        if (fflush(stdout) != 0 || (ctl->words && now.count == 0))
            break;
        samples_done(&before);
        before = now;
        now = (Samples){};
    }
    return r;
}
