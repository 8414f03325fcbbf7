/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/publish.h"

#include "base/cleanup.h"
#include "kernel/netfilter.h"
#include "kernel/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS6_SIZE   16U
#define REMOVE_ATTEMPTS 1000U

static const char *const maps[] = {PUBLISH_ONE_IPV4, PUBLISH_ONE_IPV6, PUBLISH_ANY_IPV4, PUBLISH_ANY_IPV6};

static bool has_address6(const PublishRecord *record)
{
    static const unsigned char none[ADDRESS6_SIZE];

    return memcmp(record->address6, none, ADDRESS6_SIZE) != 0;
}

/* --- elements --- */

static void put(unsigned char *value, size_t *size, const void *field, size_t field_size)
{
    memcpy(value + *size, field, field_size);
    *size += (field_size + 3) & ~(size_t) 3;
}

static void put_port(unsigned char *value, size_t *size, uint16_t port)
{
    uint16_t number = htons(port);

    put(value, size, &number, sizeof(number));
}

static NetfilterElement make_record(const PublishRecord *record)
{
    uint32_t address = htonl(record->address);
    NetfilterElement element = {};

    put(element.key, &element.key_size, &address, sizeof(address));
    put(element.data, &element.data_size, record->address6, ADDRESS6_SIZE);
    snprintf(element.comment, sizeof(element.comment), "%s %s %u", record->owner, record->link, record->index);
    return element;
}

static void read_record(const NetfilterElement *element, PublishRecord *ret)
{
    uint32_t address = 0;

    *ret = (PublishRecord){};
    memcpy(&address, element->key, sizeof(address));
    ret->address = ntohl(address);
    memcpy(ret->address6, element->data, ADDRESS6_SIZE);
    if (sscanf(element->comment, "%64s %15s %u", ret->owner, ret->link, &ret->index) != 3)
        ret->owner[0] = ret->link[0] = 0;
}

/* The key of one port, in the map of this family. */
static NetfilterElement make_key(const Port *port, int family, uint16_t offset)
{
    unsigned char protocol = (unsigned char) port->protocol;
    NetfilterElement element = {};

    if (port_has_address(port))
        put(element.key, &element.key_size, port->address, family == AF_INET ? 4 : ADDRESS6_SIZE);
    put(element.key, &element.key_size, &protocol, sizeof(protocol));
    put_port(element.key, &element.key_size, (uint16_t) (port->host_first + offset));
    return element;
}

static const char *map_of(const Port *port, int family)
{
    if (port_has_address(port))
        return family == AF_INET ? PUBLISH_ONE_IPV4 : PUBLISH_ONE_IPV6;
    return family == AF_INET ? PUBLISH_ANY_IPV4 : PUBLISH_ANY_IPV6;
}

static void add_port(NetfilterBatch *batch, const PublishRecord *record, const Port *port, int family)
{
    uint32_t address = htonl(record->address);

    for (uint16_t i = 0; i < port->count; i++) {
        NetfilterElement element = make_key(port, family, i);

        if (family == AF_INET)
            put(element.data, &element.data_size, &address, sizeof(address));
        else
            put(element.data, &element.data_size, record->address6, ADDRESS6_SIZE);
        put_port(element.data, &element.data_size, (uint16_t) (port->first + i));
        netfilter_batch_add(batch, PUBLISH_TABLE, map_of(port, family), &element);
    }
}

int publish_add(const PublishRecord *record, const Port *ports, size_t count)
{
    _cleanup_netfilter_batch_ NetfilterBatch batch = {};
    _cleanup_close_ int fd = netfilter_open();
    NetfilterElement element = make_record(record);

    if (fd < 0)
        return fd;
    netfilter_batch_add(&batch, PUBLISH_TABLE, PUBLISH_RECORDS, &element);
    for (size_t i = 0; i < count; i++) {
        if (ports[i].family != AF_INET6)
            add_port(&batch, record, &ports[i], AF_INET);
        if (ports[i].family != AF_INET && has_address6(record))
            add_port(&batch, record, &ports[i], AF_INET6);
    }
    return netfilter_batch_commit(&batch, fd);
}

/* --- finding --- */

typedef struct Search {
    const PublishRecord *record; /* whose elements */
    const char *owner;           /* or: whose record */
    const char *map;             /* the one that is walked */
    NetfilterBatch *batch;
    PublishRecord *found;
    size_t count, room;
    const unsigned char *address6;
} Search;

static int collect_record(const NetfilterElement *element, void *userdata)
{
    Search *search = userdata;
    PublishRecord record;

    read_record(element, &record);
    if ((search->owner && strcmp(record.owner, search->owner) != 0) ||
        (search->address6 && memcmp(record.address6, search->address6, ADDRESS6_SIZE) != 0))
        return 0;
    if (search->count == search->room) {
        size_t room = search->room * 2 + 16;
        PublishRecord *larger = reallocarray(search->found, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        search->found = larger;
        search->room = room;
    }
    search->found[search->count++] = record;
    return 0;
}

static int find_record(int fd, uint32_t address, PublishRecord *ret)
{
    PublishRecord wanted = {.address = address};
    NetfilterElement element = make_record(&wanted);
    int r;

    element.data_size = 0;
    element.comment[0] = 0;
    r = netfilter_find(fd, PUBLISH_TABLE, PUBLISH_RECORDS, &element);
    if (r == 0)
        read_record(&element, ret);
    return r;
}

static int find_owner(int fd, const NetfilterElement *element, int family, PublishRecord *ret)
{
    Search search = {.address6 = element->data};
    uint32_t address = 0;
    int r;

    *ret = (PublishRecord){};
    if (family == AF_INET) {
        memcpy(&address, element->data, sizeof(address));
        r = find_record(fd, ntohl(address), ret);
        return r == -ENOENT ? 0 : r;
    }
    r = netfilter_each(fd, PUBLISH_TABLE, PUBLISH_RECORDS, collect_record, &search);
    if (r == 0 && search.count > 0)
        *ret = search.found[0];
    free(search.found);
    return r;
}

typedef struct Overlap {
    const Port *port;
    NetfilterElement found;
    uint16_t number;
} Overlap;

/* The last two fields of each key are protocol and port. */
static int visit_overlap(const NetfilterElement *element, void *userdata)
{
    Overlap *overlap = userdata;
    uint16_t number = 0;

    if (element->key_size < 8 || element->key[element->key_size - 8] != overlap->port->protocol)
        return 0;
    memcpy(&number, element->key + element->key_size - 4, sizeof(number));
    number = ntohs(number);
    if (number < overlap->port->host_first || number >= overlap->port->host_first + overlap->port->count)
        return 0;
    overlap->found = *element;
    overlap->number = number;
    return 1;
}

/* Of a port with every address: those that have it with one. */
static int find_with_address(int fd, const Port *port, int family, PublishRecord *ret, uint16_t *ret_port)
{
    Overlap overlap = {.port = port};
    int r = netfilter_each(fd, PUBLISH_TABLE, family == AF_INET ? PUBLISH_ONE_IPV4 : PUBLISH_ONE_IPV6, visit_overlap,
                           &overlap);

    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    r = find_owner(fd, &overlap.found, family, ret);
    if (r == 0)
        *ret_port = overlap.number;
    return r;
}

static int find_exactly(int fd, const Port *port, int family, PublishRecord *ret, uint16_t *ret_port)
{
    for (uint16_t i = 0; i < port->count; i++) {
        NetfilterElement element = make_key(port, family, i);
        int r = netfilter_find(fd, PUBLISH_TABLE, map_of(port, family), &element);

        if (r == -ENOENT)
            continue;
        if (r == 0)
            r = find_owner(fd, &element, family, ret);
        if (r == 0)
            *ret_port = (uint16_t) (port->host_first + i);
        return r;
    }
    return -ENOENT;
}

/* The maps do not know that one with every address and one with an address of the host are in each other's way. */
static int find_in_family(int fd, const Port *port, int family, PublishRecord *ret, uint16_t *ret_port)
{
    int r = find_exactly(fd, port, family, ret, ret_port);
    Port every = *port;

    if (r != -ENOENT)
        return r;
    if (!port_has_address(port))
        return find_with_address(fd, port, family, ret, ret_port);
    memset(every.address, 0, sizeof(every.address));
    return find_exactly(fd, &every, family, ret, ret_port);
}

int publish_find(const Port *port, PublishRecord *ret, uint16_t *ret_port)
{
    _cleanup_close_ int fd = netfilter_open();
    int r = fd < 0 ? fd : -ENOENT;

    if (r == -ENOENT && port->family != AF_INET6)
        r = find_in_family(fd, port, AF_INET, ret, ret_port);
    if (r == -ENOENT && port->family != AF_INET)
        r = find_in_family(fd, port, AF_INET6, ret, ret_port);
    return r;
}

/* --- removing --- */

static int collect_element(const NetfilterElement *element, void *userdata)
{
    const Search *search = userdata;
    uint32_t address = htonl(search->record->address);
    bool is_ipv4 = element->data_size < ADDRESS6_SIZE;

    if (is_ipv4 ? memcmp(element->data, &address, sizeof(address)) == 0
                : has_address6(search->record) && memcmp(element->data, search->record->address6, ADDRESS6_SIZE) == 0)
        netfilter_batch_remove(search->batch, PUBLISH_TABLE, search->map, element);
    return 0;
}

static int try_to_remove(int fd, const PublishRecord *record)
{
    _cleanup_netfilter_batch_ NetfilterBatch batch = {};
    Search search = {.record = record, .batch = &batch};
    NetfilterElement element = make_record(record);
    PublishRecord now;
    int r = netfilter_get_generation(fd, &batch.generation);

    if (r == 0)
        r = find_record(fd, record->address, &now);
    /* Somebody else was faster, and the address may have a new owner. */
    if (r == -ENOENT || (r == 0 && now.index != record->index))
        return 0;
    if (r < 0)
        return r;
    netfilter_batch_remove(&batch, PUBLISH_TABLE, PUBLISH_RECORDS, &element);
    for (size_t i = 0; i < ELEMENTSOF(maps) && r == 0; i++) {
        search.map = maps[i];
        r = netfilter_each(fd, PUBLISH_TABLE, maps[i], collect_element, &search);
    }
    return r < 0 ? r : netfilter_batch_commit(&batch, fd);
}

/* Elements cannot be removed on the condition that they are still whose they were. But the kernel can be told what was seen
 * before, and does nothing when that has changed: then it is looked again. */
static int remove_record(int fd, const PublishRecord *record)
{
    int r = -ERESTART;

    for (unsigned i = 0; i < REMOVE_ATTEMPTS && (r == -ERESTART || r == -EINTR); i++)
        r = try_to_remove(fd, record);
    return r == -ERESTART || r == -EINTR ? -EBUSY : r;
}

int publish_remove(uint32_t address)
{
    _cleanup_close_ int fd = netfilter_open();
    PublishRecord record;
    int r = fd < 0 ? fd : find_record(fd, address, &record);

    return r == -ENOENT ? 1 : r < 0 ? r : remove_record(fd, &record);
}

static int load_records(int fd, const char *owner, PublishRecord **ret, size_t *ret_count)
{
    Search search = {.owner = owner};
    int r = netfilter_each(fd, PUBLISH_TABLE, PUBLISH_RECORDS, collect_record, &search);

    if (r < 0) {
        free(search.found);
        return r;
    }
    *ret = search.found;
    *ret_count = search.count;
    return 0;
}

int publish_remove_owner(const char *owner)
{
    _cleanup_close_ int fd = netfilter_open();
    _cleanup_free_ PublishRecord *records = NULL;
    size_t count = 0;
    int r = fd < 0 ? fd : load_records(fd, owner, &records, &count);

    for (size_t i = 0; i < count && r == 0; i++)
        r = remove_record(fd, &records[i]);
    return r < 0 ? r : count == 0;
}

int publish_is_alive(const PublishRecord *record)
{
    _cleanup_close_ int fd = rtnetlink_open();
    uint32_t index = 0;
    int r = fd < 0 ? fd : record->link[0] ? rtnetlink_find_link(fd, record->link, &index) : -ENODEV;

    return r == -ENODEV ? 0 : r < 0 ? r : index == record->index;
}

int publish_sweep(unsigned *ret_count)
{
    _cleanup_close_ int fd = netfilter_open();
    _cleanup_free_ PublishRecord *records = NULL;
    unsigned swept = 0;
    size_t count = 0;
    int r = fd < 0 ? fd : load_records(fd, NULL, &records, &count);

    for (size_t i = 0; i < count && r >= 0; i++) {
        r = publish_is_alive(&records[i]);
        if (r == 0) {
            r = remove_record(fd, &records[i]);
            swept++;
        }
    }
    if (r < 0)
        return r;
    *ret_count = swept;
    return 0;
}
