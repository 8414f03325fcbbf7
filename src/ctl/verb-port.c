/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* port: which ports of a container are of use, and from where. */

#include "ctl/ctl.h"
#include "ctl/table.h"

#include "base/port.h"
#include "base/strv.h"
#include "base/text.h"

#include <arpa/inet.h>
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

/* Where it is published, as an address to ask; of a range the port with this place. */
static char *format_published(const Port *port, unsigned place)
{
    char address[INET6_ADDRSTRLEN] = "*";

    if (port->family != AF_UNSPEC)
        (void) inet_ntop(port->family, port->address, address, sizeof(address));
    return text_format(port->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address, port->host_first + place);
}

typedef struct Ports {
    Table *table;
    const char *only;
    char **seen;
} Ports;

/* Takes `name` and `published`. */
static int add_row(Ports *ports, char *name, char *published)
{
    _cleanup_free_ char *port = name, *where = published;
    int r = port ? 0 : -ENOMEM;

    if (r == 0 && ports->only && strcmp(port, ports->only) != 0)
        return 0;
    if (r == 0 && !where && strv_contains(ports->seen, port))
        return 0;
    if (r == 0)
        r = strv_append(&ports->seen, port);
    if (r == 0)
        r = table_add_row(ports->table);
    if (r == 0)
        r = table_set(ports->table, PORT_PORT, port);
    return r == 0 && where ? table_set(ports->table, PORT_PUBLISHED, where) : r;
}

static int add_published(Ports *ports, const char *text)
{
    Port port = {};
    int r = port_parse(text, &port) < 0 ? -EBADMSG : 0;

    for (unsigned i = 0; i < port.count && r == 0; i++) {
        char *published = format_published(&port, i);

        r = published
                ? add_row(ports, text_format("%u/%s", port.first + i, port_protocol_name(port.protocol)), published)
                : -ENOMEM;
    }
    return r;
}

static int list_ports(const Machine *machine, Ports *ports)
{
    int r = 0;

    STRV_FOREACH (text, machine->ports)
        if (r == 0)
            r = add_published(ports, *text);
    STRV_FOREACH (text, machine->exposed_ports)
        if (r == 0)
            r = add_row(ports, normalise(*text), NULL);
    return r;
}

int verb_port(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    _cleanup_free_ char *only = ctl->words[1] ? normalise(ctl->words[1]) : NULL;
    _cleanup_(machine_freep) Machine *machine = NULL;
    Ports ports = {.table = table, .only = only};
    int r = output_format_check(ctl->output, "table json", error);

    if (!table || (ctl->words[1] && !only))
        return -ENOMEM;
    if (r == 0)
        r = ctl_load_machine(ctl, ctl->words[0], &machine, error);
    if (r == 0)
        r = list_ports(machine, &ports);
    strv_free(ports.seen);
    if (r < 0)
        return r;
    if (only && table_count_rows(table) == 0)
        return error_set(error, -ENOENT, "'%s' neither publishes nor exposes %s", machine->name, ctl->words[1]);
    if (ctl->json)
        return table_print_json(table);
    return table_count_rows(table) > 0 ? table_print(table, !ctl->no_legend) : 0;
}
