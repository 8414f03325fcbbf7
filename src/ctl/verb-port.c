/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* port: which ports of a container are of use, and from where. */

#include "ctl/ctl.h"
#include "ctl/table.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PORT_PORT, PORT_PUBLISHED };

static const TableColumn columns[] = {
    [PORT_PORT] = {"PORT", "port", 0},
    [PORT_PUBLISHED] = {"PUBLISHED", "published", 0},
};

/* "80" is "80/tcp". What an image says is free text, so anything else stays as it is. */
static char *normalise(const char *port)
{
    return port[strspn(port, "0123456789")] == 0 ? text_format("%s/tcp", port) : strdup(port);
}

static int list_ports(const Machine *machine, const char *wanted, char ***ret)
{
    _cleanup_strv_ char **list = NULL;
    _cleanup_free_ char *only = wanted ? normalise(wanted) : NULL;

    if (wanted && !only)
        return -ENOMEM;
    STRV_FOREACH (exposed, machine->exposed_ports) {
        _cleanup_free_ char *port = normalise(*exposed);

        if (!port)
            return -ENOMEM;
        if ((only && strcmp(port, only) != 0) || strv_contains(list, port))
            continue;
        if (strv_push(&list, TAKE_PTR(port)) < 0)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(list);
    return 0;
}

int verb_port(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_strv_ char **ports = NULL;
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = ctl_load_machine(ctl, ctl->words[0], &machine, error);
    if (r == 0)
        r = list_ports(machine, ctl->words[1], &ports);
    if (r < 0)
        return r;
    if (ctl->words[1] && !ports)
        return error_set(error, -ENOENT, "'%s' neither publishes nor exposes %s", machine->name, ctl->words[1]);
    /* Nothing is published without a network of the container's own: the second column stays empty. */
    STRV_FOREACH (port, ports) {
        r = table ? table_add_row(table) : -ENOMEM;
        if (r == 0)
            r = table_set(table, PORT_PORT, *port);
        if (r < 0)
            return r;
    }
    if (ctl->json)
        return table_print_json(table);
    return table_count_rows(table) > 0 ? table_print(table, !ctl->no_legend) : 0;
}
