/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* analyze: where the time of a start went. */

#include "ctl/container.h"
#include "ctl/table.h"
#include "ctl/trace.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int load_trace(Ctl *ctl, const char *name, TraceList *ret, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = ctl_load_machine(ctl, name, &machine, error);

    if (r == 0)
        r = trace_parse(machine->start_trace, ret);
    if (r == 0 && ret->count == 0)
        return error_set(error, -ENODATA,
                         "'%s' has no record of its start: it runs in the foreground, or is just starting", name);
    return r;
}

static int set_time(Table *table, size_t column, uint64_t usec)
{
    _cleanup_free_ char *text = trace_format_time(usec);
    int r = text ? table_set(table, column, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, column, json_integer((json_int_t) usec));
}

/* --- time --- */

enum {
    TIME_NAME,
    TIME_TOTAL,
    TIME_SETTINGS,
    TIME_FACTS,
    TIME_PLAN,
    TIME_EXECUTOR,
    TIME_UNIT,
    TIME_PAYLOAD,
    TIME_REGISTRATION
};

/* By the names that launch/trace.c gives to what berthctl does. */
static const struct {
    TableColumn column;
    const char *phase;
} phases[] = {
    [TIME_NAME] = {{"NAME", "name", 0}, NULL},
    [TIME_TOTAL] = {{"TOTAL", "total_usec", TABLE_RIGHT}, NULL},
    [TIME_SETTINGS] = {{"SETTINGS", "settings_usec", TABLE_RIGHT}, "settings and image"},
    [TIME_FACTS] = {{"FACTS", "facts_usec", TABLE_RIGHT}, "facts of the host"},
    [TIME_PLAN] = {{"PLAN", "plan_usec", TABLE_RIGHT}, "plan"},
    [TIME_EXECUTOR] = {{"EXECUTOR", "executor_usec", TABLE_RIGHT}, "start of the executor"},
    [TIME_UNIT] = {{"UNIT", "unit_usec", TABLE_RIGHT}, "unit and cgroup"},
    [TIME_PAYLOAD] = {{"PAYLOAD", "payload_usec", TABLE_RIGHT}, "wait for the payload"},
    [TIME_REGISTRATION] = {{"REGISTRATION", "registration_usec", TABLE_RIGHT}, "registration"},
};

static int add_time(Table *table, const char *name, const TraceList *list)
{
    int r = table_add_row(table);

    if (r == 0)
        r = table_set(table, TIME_NAME, name);
    if (r == 0)
        r = set_time(table, TIME_TOTAL, list->total_usec);
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; r == 0 && k < ELEMENTSOF(phases); k++)
            if (phases[k].phase && strcmp(list->items[i].where, "berthctl") == 0 &&
                strcmp(list->items[i].what, phases[k].phase) == 0)
                r = set_time(table, k, list->items[i].duration_usec);
    return r;
}

static int analyze_time(Ctl *ctl, char *const *names, Error *error)
{
    _cleanup_strv_ char **running = NULL;
    _cleanup_table_ Table *table = NULL;
    TableColumn columns[ELEMENTSOF(phases)];
    bool is_all = !names || !names[0];
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(phases); i++)
        columns[i] = phases[i].column;
    table = table_new(columns, ELEMENTSOF(columns));
    if (is_all)
        r = container_list_names(ctl, false, &running, error);
    STRV_FOREACH (name, is_all ? running : names) {
        _cleanup_trace_list_ TraceList list = {};

        if (r < 0)
            return r;
        r = load_trace(ctl, *name, &list, is_all ? NULL : error);
        if (r < 0 && is_all && r != -ENOMEM) {
            r = 0;
            continue;
        }
        if (r == 0)
            r = table ? add_time(table, *name, &list) : -ENOMEM;
    }
    if (r < 0 || !table)
        return r < 0 ? r : -ENOMEM;
    return ctl->json ? table_print_json(table) : table_print(table, !ctl->no_legend);
}

/* --- blame --- */

enum { BLAME_TIME, BLAME_WHERE, BLAME_WHAT, BLAME_BEGIN };

static const TableColumn blame_columns[] = {
    [BLAME_TIME] = {"TIME", "duration_usec", TABLE_RIGHT},
    [BLAME_WHERE] = {"WHERE", "where", 0},
    [BLAME_WHAT] = {"WHAT", "what", 0},
    [BLAME_BEGIN] = {NULL, "begin_usec", 0},
};

static int analyze_blame(Ctl *ctl, char *const *names, Error *error)
{
    _cleanup_table_ Table *table = table_new(blame_columns, ELEMENTSOF(blame_columns));
    _cleanup_trace_list_ TraceList list = {};
    int r = load_trace(ctl, names[0], &list, error);

    trace_sort_by_duration(&list);
    for (size_t i = 0; r == 0 && i < list.count; i++) {
        r = table ? table_add_row(table) : -ENOMEM;
        if (r == 0)
            r = set_time(table, BLAME_TIME, list.items[i].duration_usec);
        if (r == 0)
            r = table_set(table, BLAME_WHERE, list.items[i].where);
        if (r == 0)
            r = table_set(table, BLAME_WHAT, list.items[i].what);
        if (r == 0)
            r = table_set_json(table, BLAME_BEGIN, json_integer((json_int_t) list.items[i].begin_usec));
    }
    if (r < 0)
        return r;
    return ctl->json ? table_print_json(table) : table_print(table, !ctl->no_legend);
}

/* --- plot --- */

static int analyze_plot(Ctl *ctl, char *const *names, Error *error)
{
    _cleanup_trace_list_ TraceList list = {};
    _cleanup_free_ char *picture = NULL;
    int r = load_trace(ctl, names[0], &list, error);

    if (r < 0)
        return r;
    picture = trace_plot(&list, names[0]);
    if (!picture)
        return -ENOMEM;
    fputs(picture, stdout);
    return 0;
}

/* --- the verb --- */

static const struct {
    const char *word;
    size_t least_names, most_names;
    int (*run)(Ctl *ctl, char *const *names, Error *error);
} reports[] = {
    {"time", 0, SIZE_MAX, analyze_time},
    {"blame", 1, 1, analyze_blame},
    {"plot", 1, 1, analyze_plot},
};

int verb_analyze(Ctl *ctl, Error *error)
{
    int r = output_format_check(ctl->output, "table json", error);

    for (size_t i = 0; r == 0 && ctl->words && i < ELEMENTSOF(reports); i++) {
        size_t count = strv_length(ctl->words + 1);

        if (strcmp(ctl->words[0], reports[i].word) != 0)
            continue;
        if (count < reports[i].least_names || count > reports[i].most_names)
            return error_set(error, -EINVAL, "'analyze %s' needs the name of one container", reports[i].word);
        return reports[i].run(ctl, ctl->words + 1, error);
    }
    return r < 0 ? r : analyze_time(ctl, ctl->words, error);
}
