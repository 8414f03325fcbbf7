/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: user and group ids as the inside of a user namespace and as the host see them: reading a map
 *       (user_namespaces(7), "User and group ID mappings") and translating by it.
 * Never does: look at a process.
 * Runs in: any process; pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAP_MAX 340 /* lines that the kernel takes since Linux 4.15 */
#define ID_NONE    UINT32_MAX

typedef struct IdRange {
    uint32_t inside, outside, count;
} IdRange;

/* Zero-initialised: no user namespace, both sides are the same. */
typedef struct IdMap {
    IdRange ranges[ID_MAP_MAX];
    size_t count;
} IdMap;

/* "INSIDE OUTSIDE COUNT", one each line or comma-separated; the map of everything to itself becomes the empty map.
 * -EINVAL for what is no map: an empty one, ranges that are empty, wrap around or overlap on either side. */
int id_map_parse(const char *text, IdMap *ret);
/* The same form on one line; NULL: no memory, or the empty map. */
char *id_map_format(const IdMap *map);

/* ID_NONE when the map does not have it. */
uint32_t id_map_to_outside(const IdMap *map, uint32_t inside);
uint32_t id_map_to_inside(const IdMap *map, uint32_t outside);

/* How owners become others in a copy. */
typedef struct IdShift {
    bool keep;                /* false: everything belongs to `fallback` */
    uint32_t uid, gid;        /* the fallback, as the file system of the target takes it */
    const IdMap *uids, *gids; /* of the one side that is a container; NULL: none is */
    bool to_inside;           /* owners come from the outside view and become the inside's */
} IdShift;

uint32_t id_shift_uid(const IdShift *shift, uint32_t uid);
uint32_t id_shift_gid(const IdShift *shift, uint32_t gid);
