/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/port.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int number;
} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

const char *port_protocol_name(int protocol)
{
    for (size_t i = 0; i < ELEMENTSOF(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    return "?";
}

static int parse_protocol(const char *text, int *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(protocols); i++)
        if (strcmp(text, protocols[i].name) == 0) {
            *ret = protocols[i].number;
            return 0;
        }
    return -EINVAL;
}

/* "FIRST" or "FIRST-LAST". */
static int parse_range(char *text, uint16_t *ret_first, unsigned *ret_count)
{
    char *dash = strchr(text, '-');
    uint64_t first = 0, last = 0;
    int r;

    if (dash)
        *dash = 0;
    r = text_parse_u64(text, UINT16_MAX, &first);
    if (r == 0)
        r = dash ? text_parse_u64(dash + 1, UINT16_MAX, &last) : (int) (last = first, 0);
    if (r < 0 || first == 0 || last < first)
        return -EINVAL;
    *ret_first = (uint16_t) first;
    *ret_count = (unsigned) (last - first + 1);
    return 0;
}

/* Cuts the address off: what is left begins at *ret_rest. */
static int parse_address(char *text, Port *port, char **ret_rest)
{
    char *end;

    *ret_rest = text;
    if (text[0] == '[') {
        end = strstr(text, "]:");
        if (!end)
            return -EINVAL;
        *end = 0;
        *ret_rest = end + 2;
        port->family = AF_INET6;
        return inet_pton(AF_INET6, text + 1, port->address) == 1 ? 0 : -EINVAL;
    }
    end = strchr(text, ':');
    if (!end || !memchr(text, '.', (size_t) (end - text)))
        return 0;
    *end = 0;
    *ret_rest = end + 1;
    port->family = AF_INET;
    return inet_pton(AF_INET, text, port->address) == 1 ? 0 : -EINVAL;
}

int port_parse(const char *text, Port *ret)
{
    Port port = {.protocol = IPPROTO_TCP, .family = AF_UNSPEC};
    unsigned count = 0, host_count = 0;
    char copy[PORT_TEXT_SIZE], *slash, *rest, *colon;
    int r = 0;

    if (strlen(text) >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, strlen(text) + 1);
    slash = strchr(copy, '/');
    if (slash) {
        *slash = 0;
        r = parse_protocol(slash + 1, &port.protocol);
    }
    if (r == 0)
        r = parse_address(copy, &port, &rest);
    if (r < 0)
        return r;
    colon = strchr(rest, ':');
    if (colon) {
        *colon = 0;
        /* "ADDRESS::PORT" as docker writes it: any that is free. */
        if (rest[0] != 0)
            r = parse_range(rest, &port.host_first, &host_count);
        else if (port.family == AF_UNSPEC)
            r = -EINVAL;
        rest = colon + 1;
    }
    if (r == 0)
        r = parse_range(rest, &port.first, &count);
    if (r < 0 || (host_count > 0 && host_count != count) || count > UINT16_MAX)
        return -EINVAL;
    port.count = (uint16_t) count;
    *ret = port;
    return 0;
}

static int format_range(char *text, size_t size, uint16_t first, uint16_t count)
{
    return count > 1 ? snprintf(text, size, "%u-%u", first, first + count - 1U) : snprintf(text, size, "%u", first);
}

PortText port_format(const Port *port)
{
    char address[INET6_ADDRSTRLEN] = "", host[16] = "", inside[16] = "";
    bool has_family = port->family != AF_UNSPEC, has_host = port->host_first > 0;
    PortText ret = {};

    if (has_family)
        (void) inet_ntop(port->family, port->address, address, sizeof(address));
    if (has_host)
        (void) format_range(host, sizeof(host), port->host_first, port->count);
    (void) format_range(inside, sizeof(inside), port->first, port->count);
    snprintf(ret.text, sizeof(ret.text), "%s%s%s%s%s%s%s/%s", port->family == AF_INET6 ? "[" : "", address,
             port->family == AF_INET6 ? "]" : "", has_family ? ":" : "", host, has_host || has_family ? ":" : "",
             inside, port_protocol_name(port->protocol));
    return ret;
}

bool port_has_address(const Port *port)
{
    static const unsigned char none[16];

    return memcmp(port->address, none, sizeof(none)) != 0;
}

bool port_overlaps(const Port *one, const Port *other)
{
    if (one->protocol != other->protocol || one->host_first == 0 || other->host_first == 0 ||
        one->host_first >= other->host_first + other->count || other->host_first >= one->host_first + one->count)
        return false;
    if (one->family != AF_UNSPEC && other->family != AF_UNSPEC && one->family != other->family)
        return false;
    return !port_has_address(one) || !port_has_address(other) || memcmp(one->address, other->address, 16) == 0;
}
