/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the text form of ports that lead from a host's addresses to another's: "[ADDRESS:][HOST:]PORT[/PROTOCOL]", with ranges
 *       "FIRST-LAST" and an IPv6 address in brackets.
 * Never does: I/O.
 * Runs in: any process; libc only. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Port {
    int protocol;              /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
    int family;                /* AF_INET, AF_INET6; AF_UNSPEC: both, every address */
    unsigned char address[16]; /* in network byte order; all zero: every address of the family */
    uint16_t host_first;       /* 0: any that is free */
    uint16_t first, count;     /* of the other side; both sides have as many */
} Port;

/* -EINVAL. */
int port_parse(const char *text, Port *ret);

#define PORT_TEXT_SIZE 112
typedef struct PortText {
    char text[PORT_TEXT_SIZE];
} PortText;
/* port_parse() reads it back. */
PortText port_format(const Port *port);

bool port_has_address(const Port *port);
/* Whether both want a port of the host with the same address. */
bool port_overlaps(const Port *one, const Port *other);
const char *port_protocol_name(int protocol);
