/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the table of properties and the parsers of their values share.
 * Never does: anything for code outside of src/host/properties*.c.
 * Runs in: fat programs; pure. */

#include "host/properties.h"

/* 100 % where parts of ten thousand are counted. */
#define PERMYRIAD_WHOLE 10000
/* What resets a weight or a quota on the bus. */
#define PROPERTY_UNSET UINT64_MAX
#define USEC_PER_SEC   UINT64_C(1000000)

/* What the text after "=" looks like. */
typedef enum PropertyKind {
    KIND_BOOL,
    KIND_TEXT,           /* anything, one line */
    KIND_CHOICE,         /* one of row.words */
    KIND_WORDS,          /* a list; of row.words where there are some */
    KIND_UNITS,          /* a list of unit names */
    KIND_PATHS,          /* one absolute path, sent as a list */
    KIND_USEC,           /* a time span */
    KIND_SIGNAL,         /* a signal's name or number */
    KIND_SIZE,           /* bytes or a percentage of memory, at least row.min */
    KIND_TASKS,          /* a count or a percentage, at least row.min */
    KIND_NUMBER,         /* row.min to row.max */
    KIND_CPU_WEIGHT,     /* the same or "idle" */
    KIND_CPU_QUOTA,      /* a percentage of one CPU, may be above 100 */
    KIND_PERCENT,        /* a percentage, sent as its share of 2^32-1 */
    KIND_SET,            /* CPUs or nodes: "0-3,7" */
    KIND_DEVICE_RATE,    /* "DEVICE NUMBER", suffixes to base 1000 */
    KIND_DEVICE_WEIGHT,  /* "DEVICE WEIGHT" */
    KIND_DEVICE_LATENCY, /* "DEVICE TIMESPAN" */
    KIND_DEVICE_ALLOW,   /* "NODE rwm" */
    KIND_ADDRESSES,      /* "any", "localhost", …, or prefixes */
    KIND_INTERFACES,     /* names, "~" in front inverts */
    KIND_SOCKET_BIND,    /* "[ipv4|ipv6:][tcp|udp:]PORT[-PORT]" or "any" */
    KIND_BPF_PROGRAM,    /* "TYPE:PATH" */
    KIND_REFUSED,        /* row.words[0] says why */
    _KIND_MAX,
} PropertyKind;

typedef struct PropertyRow {
    const char *name, *bus_name; /* NULL: the same */
    PropertyKind kind;
    uint64_t min, max;
    const char *const *words;
    const char *controller, *file; /* of cgroup v2, where one plain write has the effect */
} PropertyRow;

/* Fills `value` but for bus_name (which it changes for percentages); on failure the caller frees what is
 * there. */
int property_parse_value(const PropertyRow *row, const char *text, PropertyValue *value, Error *error);
