/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/ports.h"

#include "base/strv.h"
#include "kernel/publish.h"
#include "kernel/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int make_record(const Machine *machine, PublishRecord *ret)
{
    _cleanup_close_ int fd = rtnetlink_open();
    struct in_addr address;
    PublishRecord record = {};

    if (fd < 0 || !machine->link || !machine->address || inet_pton(AF_INET, machine->address, &address) != 1)
        return -ENODATA;
    if (machine->address6 && inet_pton(AF_INET6, machine->address6, record.address6) != 1)
        return -EBADMSG;
    record.address = ntohl(address.s_addr);
    (void) snprintf(record.owner, sizeof(record.owner), "%s", machine->name);
    (void) snprintf(record.link, sizeof(record.link), "%s", machine->link);
    *ret = record;
    return rtnetlink_find_link(fd, machine->link, &ret->index);
}

static int publish(const Machine *machine)
{
    _cleanup_free_ Port *ports = calloc(strv_length(machine->ports) + 1, sizeof(*ports));
    PublishRecord record;
    size_t count = 0;
    int r = ports ? make_record(machine, &record) : -ENOMEM;

    if (r < 0)
        return r;
    STRV_FOREACH (text, machine->ports)
        if (port_parse(*text, &ports[count]) == 0 && ports[count].host_first > 0)
            count++;
    return publish_add(&record, ports, count);
}

unsigned roster_publish_again(Roster *roster)
{
    _cleanup_strv_ char **names = NULL;
    unsigned count = 0;

    if (roster_list(roster, &names) < 0)
        return 0;
    STRV_FOREACH (name, names) {
        _cleanup_(machine_freep) Machine *machine = NULL;

        if (roster_load(roster, *name, &machine, NULL) == 0 && machine->ports && machine_is_running(machine) &&
            publish(machine) == 0)
            count++;
    }
    return count;
}
