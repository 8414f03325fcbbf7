/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top: the processes of a container, as the host sees them. No program of the image is run for it (CVE-2022-1227). */

#include "ctl/container.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/log.h"
#include "base/text.h"
#include "machines/processes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#define COLUMNS_MAX 32

typedef struct Clock {
    uint64_t ticks_per_second, now_ticks; /* after the boot */
    uint64_t now_usec;                    /* realtime */
} Clock;

static int set_number(Table *table, size_t at, uint64_t number)
{
    _cleanup_free_ char *text = text_format("%llu", (unsigned long long) number);
    int r;

    if (number == UINT64_MAX)
        return 0;
    r = text ? table_set(table, at, text) : -ENOMEM;
    return r < 0 ? r : table_set_json(table, at, json_integer((json_int_t) number));
}

static int set_size(Table *table, size_t at, uint64_t size_bytes)
{
    _cleanup_free_ char *text = text_format_size(size_bytes);
    int r = text ? table_set(table, at, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, at, json_integer((json_int_t) size_bytes));
}

static int set_pid(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_number(table, at, (uint64_t) process->pid);
}

static int set_inside_pid(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return process->inside_pid > 0 ? set_number(table, at, (uint64_t) process->inside_pid) : 0;
}

static int set_parent_pid(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_number(table, at, (uint64_t) process->parent_pid);
}

static int set_uid(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_number(table, at, process->inside_uid);
}

static int set_host_uid(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_number(table, at, process->host_uid);
}

static int set_state(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return table_set(table, at, (char[]){process->state, 0});
}

static int set_threads(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_number(table, at, process->threads);
}

static int set_nice(Table *table, size_t at, const Process *process, const Clock *clock)
{
    _cleanup_free_ char *text = text_format("%lld", (long long) process->nice);
    int r = text ? table_set(table, at, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, at, json_integer((json_int_t) process->nice));
}

/* Of the host's view: pseudo terminals of all containers have the same major number. */
static int set_terminal(Table *table, size_t at, const Process *process, const Clock *clock)
{
    _cleanup_free_ char *text =
        text_format("%s%u", major((dev_t) process->terminal) == 136 ? "pts/" : "tty", minor((dev_t) process->terminal));

    if (process->terminal == 0)
        return 0;
    return text ? table_set(table, at, text) : -ENOMEM;
}

/* As ps(1): of one processor, over the life of the process. */
static int set_cpu(Table *table, size_t at, const Process *process, const Clock *clock)
{
    uint64_t age = clock->now_ticks > process->started_ticks ? clock->now_ticks - process->started_ticks : 1;
    double percent = 100.0 * (double) process->cpu_ticks / (double) age;
    _cleanup_free_ char *text = text_format("%.1f", percent);
    int r = text ? table_set(table, at, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, at, json_real((double) (int64_t) (percent * 10 + 0.5) / 10));
}

static int set_time(Table *table, size_t at, const Process *process, const Clock *clock)
{
    uint64_t seconds = process->cpu_ticks / clock->ticks_per_second;
    uint64_t usec = process->cpu_ticks * (1000000 / clock->ticks_per_second);
    _cleanup_free_ char *text =
        text_format("%llu:%02llu:%02llu", (unsigned long long) (seconds / 3600),
                    (unsigned long long) (seconds / 60 % 60), (unsigned long long) (seconds % 60));
    int r = text ? table_set(table, at, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, at, json_integer((json_int_t) usec));
}

static int set_started(Table *table, size_t at, const Process *process, const Clock *clock)
{
    uint64_t age = clock->now_ticks > process->started_ticks ? clock->now_ticks - process->started_ticks : 0;
    uint64_t usec = clock->now_usec - age * (1000000 / clock->ticks_per_second);
    _cleanup_free_ char *text = time_format_relative(usec, clock->now_usec);
    int r = text ? table_set(table, at, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, at, json_integer((json_int_t) usec));
}

static int set_memory(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_size(table, at, process->resident_bytes);
}

static int set_virtual(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return set_size(table, at, process->virtual_bytes);
}

static int set_command(Table *table, size_t at, const Process *process, const Clock *clock)
{
    return table_set(table, at, process->command);
}

typedef struct TopColumn {
    const char *name; /* for --columns= */
    TableColumn column;
    bool is_default;
    int (*set)(Table *table, size_t at, const Process *process, const Clock *clock);
} TopColumn;

static const TopColumn top_columns[] = {
    {"pid", {"PID", "pid", TABLE_RIGHT}, true, set_pid},
    {"inside-pid", {"INSIDE", "inside_pid", TABLE_RIGHT}, true, set_inside_pid},
    {"ppid", {"PPID", "parent_pid", TABLE_RIGHT}, false, set_parent_pid},
    {"uid", {"UID", "uid", TABLE_RIGHT}, true, set_uid},
    {"host-uid", {"HOSTUID", "host_uid", TABLE_RIGHT}, false, set_host_uid},
    {"state", {"S", "state", 0}, true, set_state},
    {"threads", {"THREADS", "threads", TABLE_RIGHT}, false, set_threads},
    {"nice", {"NICE", "nice", TABLE_RIGHT}, false, set_nice},
    {"tty", {"TTY", "tty", 0}, false, set_terminal},
    {"cpu", {"CPU%", "cpu_percent", TABLE_RIGHT}, true, set_cpu},
    {"memory", {"MEMORY", "memory_bytes", TABLE_RIGHT}, true, set_memory},
    {"virtual", {"VIRTUAL", "virtual_bytes", TABLE_RIGHT}, false, set_virtual},
    {"started", {"STARTED", "started_usec", 0}, false, set_started},
    {"time", {"TIME", "cpu_usec", TABLE_RIGHT}, true, set_time},
    {"command", {"COMMAND", "command", 0}, true, set_command},
};

typedef struct Selection {
    const TopColumn *columns[COLUMNS_MAX];
    TableColumn header[COLUMNS_MAX];
    size_t count;
} Selection;

static int select_column(Selection *selection, const char *name, size_t length, Error *error)
{
    _cleanup_free_ char *word = strndup(name, length);
    Nearest nearest = {};

    if (!word)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(top_columns); i++) {
        if (strcmp(top_columns[i].name, word) != 0) {
            text_nearest_consider(&nearest, word, top_columns[i].name);
            continue;
        }
        if (selection->count == COLUMNS_MAX)
            return error_set(error, -E2BIG, "--columns: more than %d columns", COLUMNS_MAX);
        selection->header[selection->count] = top_columns[i].column;
        selection->columns[selection->count++] = &top_columns[i];
        return 0;
    }
    (void) error_set(error, -EINVAL, "--columns: there is no column '%s'", word);
    return nearest.best ? error_hint(error, -EINVAL, "did you mean '%s'?", nearest.best)
                        : error_hint(error, -EINVAL, "berthctl(1) lists them");
}

static int select_columns(Selection *selection, const char *list, Error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && !list && i < ELEMENTSOF(top_columns); i++)
        if (top_columns[i].is_default)
            r = select_column(selection, top_columns[i].name, strlen(top_columns[i].name), error);
    for (const char *word = list; r == 0 && word;) {
        size_t length = strcspn(word, ",");

        r = select_column(selection, word, length, error);
        word = word[length] ? word + length + 1 : NULL;
    }
    return r;
}

static Clock read_clock(void)
{
    long ticks = sysconf(_SC_CLK_TCK);
    Clock clock = {.ticks_per_second = ticks > 0 ? (uint64_t) ticks : 100, .now_usec = time_now_usec()};
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    clock.now_ticks = (uint64_t) now.tv_sec * clock.ticks_per_second +
                      (uint64_t) now.tv_nsec / (UINT64_C(1000000000) / clock.ticks_per_second);
    return clock;
}

static int fill(Table *table, const Selection *selection, const ProcessList *list)
{
    Clock clock = read_clock();
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->count; i++) {
        r = table_add_row(table);
        for (size_t k = 0; r == 0 && k < selection->count; k++)
            r = selection->columns[k]->set(table, k, &list->items[i], &clock);
    }
    return r;
}

int verb_top(Ctl *ctl, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_process_list_ ProcessList list = {};
    _cleanup_table_ Table *table = NULL;
    Selection selection = {};
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = select_columns(&selection, ctl->columns, error);
    if (r == 0)
        r = ctl_load_machine(ctl, ctl->words[0], &machine, error);
    if (r < 0)
        return r;
    r = machine_list_processes(machine, &list);
    if (r < 0)
        return error_set(error, r, "cannot list the processes of '%s': %s", machine->name, strerror(-r));
    table = table_new(selection.header, selection.count);
    r = table ? fill(table, &selection, &list) : -ENOMEM;
    if (r == 0)
        r = ctl->json ? table_print_json(table) : table_print(table, !ctl->no_legend);
    if (r == 0 && list.is_cut)
        log_warning("'%s' has more processes than these %zu", machine->name, list.count);
    return r;
}
