/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/id-mapping.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static int parse_number(const char *text, size_t length, uint32_t *ret)
{
    char digits[16];
    uint64_t number = 0;

    if (length == 0 || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, length);
    digits[length] = 0;
    if (text_parse_u64(digits, UINT32_MAX, &number) < 0)
        return -EINVAL;
    *ret = (uint32_t) number;
    return 0;
}

int id_extent_parse(const char *text, IdExtent *ret, Error *error)
{
    uint32_t numbers[3] = {0, 0, 1};
    const char *cursor = text;
    size_t count = 0;

    for (;;) {
        size_t length = strcspn(cursor, ":");
        size_t skip = count == 1 && *cursor == '@';

        if (count == ELEMENTSOF(numbers) || parse_number(cursor + skip, length - skip, &numbers[count]) < 0)
            return error_set(error, -EINVAL, "'%s' is not INSIDE:HOST[:COUNT], three numbers", text);
        count++;
        if (cursor[length] == 0)
            break;
        cursor += length + 1;
    }
    if (count < 2)
        return error_set(error, -EINVAL, "'%s' is not INSIDE:HOST[:COUNT], three numbers", text);
    *ret = (IdExtent){.inside = numbers[0], .host = numbers[1], .count = numbers[2]};
    return 0;
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
    return (uint64_t) a < (uint64_t) b + b_count && (uint64_t) b < (uint64_t) a + a_count;
}

int id_mapping_add(IdMapping *map, IdExtent extent, Error *error)
{
    /* The last id that there is stands for "none". */
    if (extent.count == 0 || (uint64_t) extent.inside + extent.count > ID_INVALID ||
        (uint64_t) extent.host + extent.count > ID_INVALID)
        return error_set(error, -EINVAL, "%u ids from %u, on the host from %u, are not %s", extent.count, extent.inside,
                         extent.host, extent.count == 0 ? "a range" : "all below 4294967295");
    for (size_t i = 0; i < map->count; i++) {
        const IdExtent *other = &map->extents[i];

        if (overlaps(extent.inside, extent.count, other->inside, other->count))
            return error_set(error, -EINVAL, "the id %u inside is mapped twice", MAX(extent.inside, other->inside));
        if (overlaps(extent.host, extent.count, other->host, other->count))
            return error_set(error, -EINVAL, "the id %u of the host is mapped twice", MAX(extent.host, other->host));
    }
    if (map->count == ID_EXTENTS_MAX)
        return error_set(error, -E2BIG, "a map has at most %d ranges", ID_EXTENTS_MAX);
    map->extents[map->count++] = extent;
    return 0;
}

int id_mapping_parse(char *const *texts, IdMapping *ret, Error *error)
{
    IdMapping map = {.count = 0};

    for (char *const *text = texts; text && *text; text++) {
        IdExtent extent = {};
        int r = id_extent_parse(*text, &extent, error);

        if (r == 0)
            r = id_mapping_add(&map, extent, error);
        if (r < 0)
            return r;
    }
    *ret = map;
    return 0;
}

uint32_t id_mapping_to_host(const IdMapping *map, uint32_t inside_id)
{
    for (size_t i = 0; i < map->count; i++)
        if (inside_id >= map->extents[i].inside && inside_id - map->extents[i].inside < map->extents[i].count)
            return map->extents[i].host + (inside_id - map->extents[i].inside);
    return ID_INVALID;
}

uint32_t id_mapping_to_inside(const IdMapping *map, uint32_t host_id)
{
    for (size_t i = 0; i < map->count; i++)
        if (host_id >= map->extents[i].host && host_id - map->extents[i].host < map->extents[i].count)
            return map->extents[i].inside + (host_id - map->extents[i].host);
    return ID_INVALID;
}

uint32_t id_mapping_root(char *const *texts)
{
    _cleanup_free_ IdMapping *map = calloc(1, sizeof(IdMapping));
    uint32_t id = map && id_mapping_parse(texts, map, NULL) == 0 ? id_mapping_to_host(map, 0) : ID_INVALID;

    return id == ID_INVALID ? 0 : id;
}

int id_mapping_format(const IdMapping *map, char ***ret)
{
    _cleanup_strv_ char **list = NULL;

    for (size_t i = 0; i < map->count; i++) {
        int r =
            strv_append_format(&list, "%u:%u:%u", map->extents[i].inside, map->extents[i].host, map->extents[i].count);

        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(list);
    return 0;
}
