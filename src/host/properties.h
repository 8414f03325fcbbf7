/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the table of unit properties that a container's scope may be given: names, types, ranges, and the
 *       cgroup v2 file behind those that have one. Facts: systemd.resource-control(5), systemd.kill(5),
 *       systemd.scope(5), and the D-Bus types of org.freedesktop.systemd1(5), systemd 252 to 257.
 * Never does: I/O, a bus message, or decide which properties a container gets.
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The D-Bus type of a value; the comment is the signature inside the variant. */
typedef enum PropertyType {
    PROPERTY_TYPE_BOOL,           /* b: number */
    PROPERTY_TYPE_I32,            /* i: number */
    PROPERTY_TYPE_U32,            /* u: number */
    PROPERTY_TYPE_U64,            /* t: number */
    PROPERTY_TYPE_STRING,         /* s: text */
    PROPERTY_TYPE_STRINGS,        /* as: items[].text */
    PROPERTY_TYPE_BYTES,          /* ay: bytes */
    PROPERTY_TYPE_DEVICE_NUMBERS, /* a(st): items[].text, .number */
    PROPERTY_TYPE_STRING_PAIRS,   /* a(ss): items[].text, .text2 */
    PROPERTY_TYPE_ADDRESSES,      /* a(iayu): items[].family, .bytes, .number */
    PROPERTY_TYPE_INTERFACES,     /* (bas): number is "allow list", items[].text */
    PROPERTY_TYPE_SOCKET_BINDS,   /* a(iiqq): items[].family, .protocol, .number, .port */
    _PROPERTY_TYPE_MAX,
} PropertyType;

typedef struct PropertyItem {
    char *text, *text2;
    uint64_t number;
    int family, protocol;
    unsigned port;
    uint8_t bytes[16];
    size_t bytes_size;
} PropertyItem;

/* One D-Bus property. Zero-initialised is empty. */
typedef struct PropertyValue {
    const char *bus_name; /* "CPUQuotaPerSecUSec"; static */
    PropertyType type;
    uint64_t number;
    char *text;
    uint8_t *bytes;
    size_t bytes_size;
    PropertyItem *items;
    size_t items_count;
} PropertyValue;

void property_value_done(PropertyValue *value);
#define _cleanup_property_value_ _cleanup_(property_value_done)

/* "NAME=VALUE" as systemctl set-property and systemd-run -p take it.
 * -EINVAL with a text: no "=", a name that is not in the table (with the nearest one that is), a value that
 * does not fit, a property that berth sets itself. */
int property_check(const char *assignment, Error *error);
/* The same, and the typed value for the bus. */
int property_parse(const char *assignment, PropertyValue *ret, Error *error);

/* Whether `assignment` is one for `name`: property_is("MemoryMax=1G", "MemoryMax"). */
bool property_is(const char *assignment, const char *name);

/* One write to a cgroup v2 file that has the effect of a property, for hosts without systemd. */
typedef struct PropertyCgroupFile {
    const char *file;       /* "memory.max"; static */
    const char *controller; /* "memory"; static: must be enabled in the parent's cgroup.subtree_control */
    char *value;            /* "67108864" or "max" */
} PropertyCgroupFile;

void property_cgroup_file_done(PropertyCgroupFile *file);

/* What percentages are taken of. */
typedef struct PropertyHost {
    uint64_t memory_bytes; /* physical memory; 0: percentages of memory cannot be computed */
    uint64_t tasks_max;    /* the smallest of pid_max, threads-max; 0: likewise */
} PropertyHost;

/* 0 and *ret filled (for the caller to free); 1: the property is valid but only a service manager can apply
 * it (IPAddressDeny=, DeviceAllow=, After=, per-device IO limits by path, …); -EINVAL as property_check().
 * CPUQuota= alone means a period of 100 ms: CPUQuotaPeriodSec= is a second assignment, hence the whole list.
 */
int property_cgroup_file(const char *assignment, char *const *all_assignments, const PropertyHost *host,
                         PropertyCgroupFile *ret, Error *error);
