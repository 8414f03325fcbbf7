/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: maps of user or group ids between a container and the host (user_namespaces(7)), as values.
 * Never does: I/O; choose a range (host/idranges.h does).
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What (uid_t) -1 is: no id. */
#define ID_INVALID UINT32_MAX
/* user_namespaces(7): the kernel takes 340 lines since Linux 4.15. */
#define ID_EXTENTS_MAX 340
/* systemd.io/UIDS-GIDS: what one container gets as a rule, and where such a range may begin. */
#define ID_RANGE_SIZE UINT32_C(65536)

typedef struct IdExtent {
    uint32_t inside, host, count;
} IdExtent;

typedef struct IdMapping {
    IdExtent extents[ID_EXTENTS_MAX];
    size_t count;
} IdMapping;

/* INSIDE:HOST[:COUNT], as --uidmap= of podman-run(1); a COUNT left out is 1, an '@' before HOST means nothing more. */
int id_extent_parse(const char *text, IdExtent *ret, Error *error);

/* Appends. -EINVAL when ids of it are mapped already, on either side, or above the highest there is; -E2BIG when the map is
 * full. */
int id_mapping_add(IdMapping *map, IdExtent extent, Error *error);

/* All of a list of extents, NULL-terminated. */
int id_mapping_parse(char *const *texts, IdMapping *ret, Error *error);

/* The other side's id; ID_INVALID when it is not mapped. */
uint32_t id_mapping_to_host(const IdMapping *map, uint32_t inside_id);
uint32_t id_mapping_to_inside(const IdMapping *map, uint32_t host_id);

/* The host's id of root inside, of a list of extents; 0 without a map. */
uint32_t id_mapping_root(char *const *texts);

/* The list that id_mapping_parse() reads back. */
int id_mapping_format(const IdMapping *map, char ***ret);
