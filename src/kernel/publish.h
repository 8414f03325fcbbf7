/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: which port of the host leads to which container: elements of the maps of the table "inet berth", and a record for
 *       each container that has some.
 * Never does: make the maps or the rules that use them (host/firewall.h does).
 * Runs in: fat programs on the host side, the supervisor.
 *
 * The record is the owner of all elements that lead to its address, and is added and removed with them in one transaction. It
 * names the container and the host's end of its link. The link is the lease of the address: where it is gone, or is another one
 * by now, the record and what it owns are left over from somebody who was killed, and whoever finds them removes them. */

#include "base/port.h"

#include <stddef.h>

/* 0.0.0.0:PORT is what all four maps are searched for, in this order: those with an address of the host first. */
#define PUBLISH_TABLE    "berth"
#define PUBLISH_RECORDS  "published"
#define PUBLISH_ANY_IPV4 "any4"
#define PUBLISH_ANY_IPV6 "any6"
#define PUBLISH_ONE_IPV4 "one4"
#define PUBLISH_ONE_IPV6 "one6"

typedef struct PublishRecord {
    uint32_t address;           /* IPv4, in the host's byte order */
    unsigned char address6[16]; /* all zero: none */
    char owner[65];             /* the container's name */
    char link[16];              /* the host's end */
    uint32_t index;             /* of the link: the kernel does not give it to another one soon */
} PublishRecord;

/* All or nothing. Ports have both numbers. -EEXIST: one of them is taken, publish_find() tells by whom. */
int publish_add(const PublishRecord *record, const Port *ports, size_t count);

/* What leads to this address, and the record. 1: there is nothing. */
int publish_remove(uint32_t address);
/* The same for the records of one owner. */
int publish_remove_owner(const char *owner);
/* And for those whose link is gone; *ret_count is how many there were. */
int publish_sweep(unsigned *ret_count);

/* Who has one of these ports, with the same address of the host or one that is in its way; *ret_port is which one. A record without a name: an element that nobody owns. -ENOENT: nobody. */
int publish_find(const Port *port, PublishRecord *ret, uint16_t *ret_port);

/* Whether its link is there: 1, 0, or -errno. */
int publish_is_alive(const PublishRecord *record);
