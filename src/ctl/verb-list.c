/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list: of each machine one state file and one lock, and two looks into /proc, so that it stays fast with thousands. */

#include "ctl/container.h"
#include "ctl/filter.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "machines/inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LIST_NAME,
    LIST_IMAGE, /* or the directory, for people */
    LIST_STATE,
    LIST_LEADER,
    LIST_UNIT,
    LIST_STARTED,
    LIST_OS,
    LIST_ADDRESSES,
    LIST_JSON_IMAGE,
    LIST_DIRECTORY,
    LIST_ID,
    LIST_EXIT_CODE,
    LIST_FINISHED,
};

static const TableColumn columns[] = {
    [LIST_NAME] = {"NAME", "name", 0},
    [LIST_IMAGE] = {"IMAGE", NULL, TABLE_TRUNCATE},
    [LIST_STATE] = {"STATE", "state", 0},
    [LIST_LEADER] = {"LEADER", "leader", TABLE_RIGHT},
    [LIST_UNIT] = {"UNIT", "unit", TABLE_TRUNCATE},
    [LIST_STARTED] = {"STARTED", "started_usec", 0},
    [LIST_OS] = {"OS", "os", TABLE_TRUNCATE},
    [LIST_ADDRESSES] = {"ADDRESSES", "addresses", TABLE_TRUNCATE},
    [LIST_JSON_IMAGE] = {NULL, "image", 0},
    [LIST_DIRECTORY] = {NULL, "directory", 0},
    [LIST_ID] = {NULL, "id", 0},
    [LIST_EXIT_CODE] = {NULL, "exit_code", 0},
    [LIST_FINISHED] = {NULL, "finished_usec", 0},
};

static int set_number(Table *table, size_t column, const char *text, uint64_t number)
{
    int r = text ? table_set(table, column, text) : 0;

    return r < 0 ? r : table_set_json(table, column, json_integer((json_int_t) number));
}

/* What takes long in one of them (a file system of its own that does not answer) must not keep us from all others. */
static int add_inside(Table *table, const Machine *machine)
{
    _cleanup_strv_ char **addresses = NULL;
    _cleanup_free_ char *os = NULL, *text = NULL;
    json_t *array;
    int r = machine_read_os_name(machine, INSIDE_GLANCE, &os);

    if (r != -ENOMEM)
        r = table_set(table, LIST_OS, os);
    if (r == 0)
        r = machine_list_addresses(machine, &addresses);
    if (r < 0)
        return r;
    array = json_array();
    STRV_FOREACH (address, addresses)
        (void) json_array_append_new(array, json_string(*address));
    text = addresses ? strv_join(addresses, " ") : NULL;
    if (addresses && !text)
        r = -ENOMEM;
    if (r == 0)
        r = table_set(table, LIST_ADDRESSES, text);
    return table_set_json(table, LIST_ADDRESSES, array) < 0 ? -ENOMEM : r;
}

static int add_running(Table *table, const Machine *machine, uint64_t now_usec)
{
    _cleanup_free_ char *leader = text_format("%llu", (unsigned long long) machine->leader);
    _cleanup_free_ char *started = time_format_relative(machine->started_usec, now_usec);
    int r = table_set(table, LIST_UNIT, machine->unit);

    if (!leader || !started)
        return -ENOMEM;
    if (r == 0)
        r = table_set(table, LIST_ID, machine->id);
    if (r == 0 && machine->leader > 0)
        r = set_number(table, LIST_LEADER, leader, machine->leader);
    if (r == 0 && machine->started_usec > 0)
        r = set_number(table, LIST_STARTED, started, machine->started_usec);
    return r == 0 && machine->leader > 0 ? add_inside(table, machine) : r;
}

static int add_exited(Table *table, const MachineExit *end)
{
    int r = table_set_json(table, LIST_EXIT_CODE, json_integer(end->code));

    return r < 0 ? r : set_number(table, LIST_FINISHED, NULL, end->finished_usec);
}

static Colour state_colour(const Container *container)
{
    switch (container->state) {
    case CONTAINER_RUNNING:
        return COLOUR_GREEN;
    case CONTAINER_PAUSED:
        return COLOUR_YELLOW;
    case CONTAINER_UNSUPERVISED:
    case CONTAINER_OOM_KILLED:
        return COLOUR_RED;
    case CONTAINER_EXITED:
        return container->exit.code == 0 ? COLOUR_NONE : COLOUR_RED;
    default:
        return COLOUR_NONE;
    }
}

static int add_container(Table *table, const Container *container, uint64_t now_usec)
{
    _cleanup_free_ char *state = container_format_state(container);
    int r = state ? table_add_row(table) : -ENOMEM;

    if (r == 0)
        r = table_set(table, LIST_NAME, container->name);
    if (r == 0)
        r = table_set(table, LIST_IMAGE, container->image ? container->image : container->directory);
    if (r == 0)
        r = table_set(table, LIST_JSON_IMAGE, container->image);
    if (r == 0)
        r = table_set(table, LIST_DIRECTORY, container->directory);
    if (r == 0)
        r = table_set(table, LIST_STATE, state);
    if (r == 0)
        r = table_set_json(table, LIST_STATE, json_string(container_state_to_string(container->state)));
    if (r < 0)
        return r;
    table_set_colour(table, LIST_STATE, state_colour(container));
    if (container->machine)
        return add_running(table, container->machine, now_usec);
    return container->state == CONTAINER_STOPPED ? 0 : add_exited(table, &container->exit);
}

static const char *const filter_keys[] = {"name", "state", "image", "directory", "unit"};

static bool is_wanted(const Ctl *ctl, const Container *container)
{
    const char *const values[] = {container->name, container_state_to_string(container->state), container->image,
                                  container->directory, container->machine ? container->machine->unit : NULL};

    if (!ctl->all && !container_is_running(container))
        return false;
    for (size_t i = 0; i < ELEMENTSOF(filter_keys); i++)
        if (!filter_matches(ctl->filters, filter_keys[i], values[i]))
            return false;
    return true;
}

static int fill(Ctl *ctl, char *const *names, Table *table, Error *error)
{
    uint64_t now_usec = time_now_usec();

    STRV_FOREACH (name, names) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_error_ Error problem = {};
        int r = container_load(ctl, *name, &container, &problem);

        /* Ended since the directory was read, or asked for running ones only. */
        if (r == -ENOENT || (r == 0 && !is_wanted(ctl, container)))
            continue;
        if (r == -EBADMSG) {
            log_warning("%s", problem.text ? problem.text : *name);
            continue;
        }
        if (r == 0 && ctl->quiet && !ctl->json)
            puts(container->name);
        else if (r == 0)
            r = add_container(table, container, now_usec);
        if (r < 0) {
            error_move(error, &problem);
            return r;
        }
    }
    return 0;
}

int verb_list(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    _cleanup_strv_ char **names = NULL;
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = filter_check(ctl->filters, filter_keys, ELEMENTSOF(filter_keys), error);
    /* Who asks for a state means those that have it. */
    if (filter_has(ctl->filters, "state"))
        ctl->all = true;
    if (r == 0)
        r = container_list_names(ctl, ctl->all, &names, error);
    if (r < 0)
        return r;
    roster_sweep(ctl->roster);
    if (ctl->quiet && !ctl->json && !ctl->filters) {
        STRV_FOREACH (name, names)
            puts(*name);
        return 0;
    }
    r = table ? fill(ctl, names, table, error) : -ENOMEM;
    if (r < 0)
        return r;
    if (ctl->json)
        return table_print_json(table);
    if (ctl->quiet)
        return 0;
    if (table_count_rows(table) > 0)
        r = table_print(table, !ctl->no_legend);
    if (r == 0 && !ctl->no_legend)
        printf("%s%zu container%s.\n", table_count_rows(table) > 0 ? "\n" : "", table_count_rows(table),
               table_count_rows(table) == 1 ? "" : "s");
    return r;
}
