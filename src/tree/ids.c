/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/ids.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
    return (uint64_t) a < (uint64_t) b + b_count && (uint64_t) b < (uint64_t) a + a_count;
}

static int add_range(IdMap *map, IdRange range)
{
    if (range.count == 0 || (uint64_t) range.inside + range.count > UINT32_MAX ||
        (uint64_t) range.outside + range.count > UINT32_MAX)
        return -EINVAL;
    for (size_t i = 0; i < map->count; i++)
        if (overlap(map->ranges[i].inside, map->ranges[i].count, range.inside, range.count) ||
            overlap(map->ranges[i].outside, map->ranges[i].count, range.outside, range.count))
            return -EINVAL;
    if (map->count == ID_MAP_MAX)
        return -EINVAL;
    map->ranges[map->count++] = range;
    return 0;
}

/* One number; `text` is behind it and the blanks around it afterwards. */
static int read_number(const char **text, uint32_t *ret)
{
    const char *at = *text + strspn(*text, " \t");
    size_t digits = strspn(at, "0123456789");
    char number[16];
    uint64_t value;

    if (digits == 0 || digits >= sizeof(number))
        return -EINVAL;
    memcpy(number, at, digits);
    number[digits] = 0;
    if (text_parse_u64(number, UINT32_MAX, &value) < 0)
        return -EINVAL;
    *ret = (uint32_t) value;
    *text = at + digits + strspn(at + digits, " \t");
    return 0;
}

int id_map_parse(const char *text, IdMap *ret)
{
    IdMap map = {};

    while (*text) {
        IdRange range;

        if (read_number(&text, &range.inside) < 0 || read_number(&text, &range.outside) < 0 ||
            read_number(&text, &range.count) < 0 || (*text && *text != '\n' && *text != ',') ||
            add_range(&map, range) < 0)
            return -EINVAL;
        text += *text != 0;
    }
    if (map.count == 0)
        return -EINVAL;
    if (map.count == 1 && map.ranges[0].inside == 0 && map.ranges[0].outside == 0 && map.ranges[0].count == UINT32_MAX)
        map = (IdMap){};
    *ret = map;
    return 0;
}

char *id_map_format(const IdMap *map)
{
    _cleanup_buffer_ Buffer text = {};

    if (map->count == 0)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        buffer_append_format(&text, "%s%u %u %u", i > 0 ? "," : "", map->ranges[i].inside, map->ranges[i].outside,
                             map->ranges[i].count);
    return buffer_take(&text);
}

uint32_t id_map_to_outside(const IdMap *map, uint32_t inside)
{
    for (size_t i = 0; i < map->count; i++)
        if (inside >= map->ranges[i].inside && inside - map->ranges[i].inside < map->ranges[i].count)
            return map->ranges[i].outside + (inside - map->ranges[i].inside);
    return map->count == 0 ? inside : ID_NONE;
}

uint32_t id_map_to_inside(const IdMap *map, uint32_t outside)
{
    for (size_t i = 0; i < map->count; i++)
        if (outside >= map->ranges[i].outside && outside - map->ranges[i].outside < map->ranges[i].count)
            return map->ranges[i].inside + (outside - map->ranges[i].outside);
    return map->count == 0 ? outside : ID_NONE;
}

static uint32_t shift(const IdShift *shift, const IdMap *map, uint32_t id, uint32_t fallback)
{
    uint32_t to = id;

    if (!shift->keep)
        return fallback;
    if (map)
        to = shift->to_inside ? id_map_to_inside(map, id) : id_map_to_outside(map, id);
    /* (uid_t) -1 would mean "leave it" to chown(2). */
    return to == ID_NONE ? fallback : to;
}

uint32_t id_shift_uid(const IdShift *ids, uint32_t uid)
{
    return shift(ids, ids->uids, uid, ids->uid);
}

uint32_t id_shift_gid(const IdShift *ids, uint32_t gid)
{
    return shift(ids, ids->gids, gid, ids->gid);
}
