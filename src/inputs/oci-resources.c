/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "config-linux.md#control-groups" of the OCI runtime specification: what it says in terms of version 1, as the files of
 * version 2 (cgroup-v2.rst). */

#include "inputs/oci-internal.h"

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AT(member)         offsetof(ContainerSpec, member)
#define CPU_PERIOD_USEC    100000
#define CPU_SHARES_LEAST   2
#define CPU_SHARES_MOST    262144
#define CPU_WEIGHT_MOST    10000
#define BLOCK_WEIGHT_LEAST 10
#define BLOCK_WEIGHT_MOST  1000

static int add_file(OciReader *reader, const char *file, const char *value, const char *pointer)
{
    _cleanup_free_ char *assignment = text_format("%s=%s", file, value);

    return assignment ? oci_add(reader, AT(cgroup_files), assignment, pointer) : -ENOMEM;
}

/* -1 is "no limit". */
static int add_limit(OciReader *reader, const char *file, int64_t number, const char *pointer)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long) number);
    return add_file(reader, file, number < 0 ? "max" : text, pointer);
}

static int number_of(const json_t *object, const char *pointer, const char *name, bool *ret_is_set, int64_t *ret,
                     Error *error)
{
    _cleanup_free_ char *place = text_format("%s/%s", pointer, name);
    const json_t *value = json_object_get(object, name);

    *ret_is_set = value && !json_is_null(value);
    if (!place)
        return -ENOMEM;
    return *ret_is_set ? oci_read_number(value, place, ret, error) : 0;
}

static int read_memory(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "limit", .kind = OCI_ELSEWHERE},
        {.name = "reservation", .kind = OCI_ELSEWHERE},
        {.name = "swap", .kind = OCI_ELSEWHERE},
        {.name = "kernel", .kind = OCI_REFUSED}, /* version 2 accounts them with the rest */
        {.name = "kernelTCP", .kind = OCI_REFUSED},
        {.name = "swappiness", .kind = OCI_REFUSED},
        {.name = "disableOOMKiller", .kind = OCI_REFUSED},
        {.name = "useHierarchy", .kind = OCI_ELSEWHERE}, /* version 2 knows nothing else */
        {.name = "checkBeforeUpdate", .kind = OCI_REFUSED},
    };
    int64_t limit = 0, reservation = 0, swap = 0;
    bool has_limit = false, has_reservation = false, has_swap = false;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = number_of(value, pointer, "limit", &has_limit, &limit, error);
    if (r == 0)
        r = number_of(value, pointer, "reservation", &has_reservation, &reservation, error);
    if (r == 0)
        r = number_of(value, pointer, "swap", &has_swap, &swap, error);
    /* 0 is what is not said. */
    if (r == 0 && has_limit && limit != 0)
        r = add_limit(reader, "memory.max", limit, pointer);
    if (r == 0 && has_reservation && reservation != 0)
        r = add_limit(reader, "memory.low", reservation, pointer);
    if (r < 0 || !has_swap || swap == 0)
        return r;
    /* It was memory and swap together. */
    if (swap > 0 && (!has_limit || limit <= 0 || swap < limit))
        return error_set(error, -EINVAL, "%s/swap: is not memory and swap together, of which limit is the memory",
                         pointer);
    return add_limit(reader, "memory.swap.max", swap < 0 ? -1 : swap - limit, pointer);
}

/* The scale from 2 to 262144 on that from 1 to 10000, both ends on each other. */
static int64_t weight_of_shares(int64_t shares)
{
    if (shares <= CPU_SHARES_LEAST)
        return 1;
    if (shares >= CPU_SHARES_MOST)
        return CPU_WEIGHT_MOST;
    return 1 + (shares - CPU_SHARES_LEAST) * (CPU_WEIGHT_MOST - 1) / (CPU_SHARES_MOST - CPU_SHARES_LEAST);
}

static int add_cpu_quota(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    int64_t quota = 0, period = 0;
    bool has_quota = false, has_period = false;
    char text[64], quota_text[24];
    int r = number_of(value, pointer, "quota", &has_quota, &quota, error);

    if (r == 0)
        r = number_of(value, pointer, "period", &has_period, &period, error);
    if (r < 0 || ((!has_quota || quota == 0) && (!has_period || period == 0)))
        return r;
    snprintf(quota_text, sizeof(quota_text), "%lld", (long long) quota);
    snprintf(text, sizeof(text), "%s %lld", quota > 0 ? quota_text : "max",
             (long long) (period > 0 ? period : CPU_PERIOD_USEC));
    return add_file(reader, "cpu.max", text, pointer);
}

static int read_cpu(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "shares", .kind = OCI_ELSEWHERE},        {.name = "quota", .kind = OCI_ELSEWHERE},
        {.name = "burst", .kind = OCI_ELSEWHERE},         {.name = "period", .kind = OCI_ELSEWHERE},
        {.name = "realtimeRuntime", .kind = OCI_REFUSED}, {.name = "realtimePeriod", .kind = OCI_REFUSED},
        {.name = "cpus", .kind = OCI_ELSEWHERE},          {.name = "mems", .kind = OCI_ELSEWHERE},
        {.name = "idle", .kind = OCI_ELSEWHERE},
    };
    static const char *const sets[][2] = {{"cpus", "cpuset.cpus"}, {"mems", "cpuset.mems"}};
    static const char *const numbers[][2] = {{"burst", "cpu.max.burst"}, {"idle", "cpu.idle"}};
    int64_t number = 0;
    bool is_set = false;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = number_of(value, pointer, "shares", &is_set, &number, error);
    if (r == 0 && is_set && number != 0)
        r = add_limit(reader, "cpu.weight", weight_of_shares(number), pointer);
    if (r == 0)
        r = add_cpu_quota(reader, value, pointer, error);
    for (size_t i = 0; i < ELEMENTSOF(numbers) && r == 0; i++) {
        r = number_of(value, pointer, numbers[i][0], &is_set, &number, error);
        if (r == 0 && is_set)
            r = add_limit(reader, numbers[i][1], number, pointer);
    }
    for (size_t i = 0; i < ELEMENTSOF(sets) && r == 0; i++) {
        const json_t *item = json_object_get(value, sets[i][0]);
        const char *text = "";

        if (item && !json_is_null(item))
            r = oci_read_text(item, pointer, &text, error);
        if (r == 0 && *text)
            r = add_file(reader, sets[i][1], text, pointer);
    }
    return r;
}

static int read_pids(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {{.name = "limit", .kind = OCI_ELSEWHERE, .is_required = true}};
    int64_t limit = 0;
    bool is_set = false;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = number_of(value, pointer, "limit", &is_set, &limit, error);
    return r < 0 ? r : add_limit(reader, "pids.max", limit > 0 ? limit : -1, pointer);
}

static int read_throttle(OciReader *reader, const json_t *devices, const char *pointer, const char *key, Error *error)
{
    static const OciField fields[] = {
        {.name = "major", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "minor", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "rate", .kind = OCI_ELSEWHERE, .is_required = true},
    };
    int r = json_is_array(devices) ? 0 : oci_wrong(pointer, "an array", error);

    for (size_t i = 0; i < json_array_size(devices) && r == 0; i++) {
        _cleanup_free_ char *place = text_format("%s/%zu", pointer, i);
        const json_t *item = json_array_get(devices, i);
        int64_t numbers[3] = {};
        bool is_set = false;
        char text[96];

        r = place ? oci_read_object(reader, item, fields, ELEMENTSOF(fields), place, error) : -ENOMEM;
        for (size_t j = 0; j < ELEMENTSOF(fields) && r == 0; j++) {
            r = number_of(item, place, fields[j].name, &is_set, &numbers[j], error);
            if (r == 0 && numbers[j] < 0)
                r = oci_wrong(place, "a device and a rate", error);
        }
        snprintf(text, sizeof(text), "%lld:%lld %s=%lld", (long long) numbers[0], (long long) numbers[1], key,
                 (long long) numbers[2]);
        if (r == 0)
            r = add_file(reader, "io.max", text, place);
    }
    return r;
}

static int read_block_io(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "weight", .kind = OCI_ELSEWHERE},
        {.name = "leafWeight", .kind = OCI_REFUSED},
        {.name = "weightDevice", .kind = OCI_REFUSED},
        {.name = "throttleReadBpsDevice", .kind = OCI_ELSEWHERE},
        {.name = "throttleWriteBpsDevice", .kind = OCI_ELSEWHERE},
        {.name = "throttleReadIOPSDevice", .kind = OCI_ELSEWHERE},
        {.name = "throttleWriteIOPSDevice", .kind = OCI_ELSEWHERE},
    };
    static const char *const keys[] = {"rbps", "wbps", "riops", "wiops"};
    int64_t weight = 0;
    bool is_set = false;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = number_of(value, pointer, "weight", &is_set, &weight, error);
    if (r == 0 && weight != 0 && (weight < BLOCK_WEIGHT_LEAST || weight > BLOCK_WEIGHT_MOST))
        r = error_set(error, -EINVAL, "%s/weight: is not from %d to %d", pointer, BLOCK_WEIGHT_LEAST,
                      BLOCK_WEIGHT_MOST);
    if (r == 0 && weight != 0)
        r = add_limit(reader, "io.weight",
                      1 + (weight - BLOCK_WEIGHT_LEAST) * 9999 / (BLOCK_WEIGHT_MOST - BLOCK_WEIGHT_LEAST), pointer);
    for (size_t i = 0; i < ELEMENTSOF(keys) && r == 0; i++) {
        const json_t *devices = json_object_get(value, fields[3 + i].name);
        _cleanup_free_ char *place = text_format("%s/%s", pointer, fields[3 + i].name);

        if (devices && !json_is_null(devices))
            r = place ? read_throttle(reader, devices, place, keys[i], error) : -ENOMEM;
    }
    return r;
}

static int read_huge_page(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "pageSize", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "limit", .kind = OCI_ELSEWHERE, .is_required = true},
    };
    _cleanup_free_ char *file = NULL;
    const char *size = NULL;
    int64_t limit = 0;
    bool is_set = false;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = oci_read_text(json_object_get(value, "pageSize"), pointer, &size, error);
    if (r == 0)
        r = number_of(value, pointer, "limit", &is_set, &limit, error);
    if (r == 0 && strspn(size, "0123456789KMGTB") != strlen(size))
        r = error_set(error, -EINVAL, "%s/pageSize: '%s' is not a size as in 2MB", pointer, size);
    if (r < 0)
        return r;
    file = text_format("hugetlb.%s.max", size);
    return file ? add_limit(reader, file, limit, pointer) : -ENOMEM;
}

static int read_huge_pages(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_huge_page, pointer, error);
}

static int read_unified(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    const char *file;
    json_t *item;

    if (!json_is_object(value))
        return oci_wrong(pointer, "an object", error);
    json_object_foreach((json_t *) (uintptr_t) value, file, item)
    {
        _cleanup_free_ char *place = text_format("%s/%s", pointer, file);
        const char *text = NULL;
        int r = place ? oci_read_text(item, place, &text, error) : -ENOMEM;

        /* A file of the group itself: no path, and none of those that move processes or groups. */
        if (r == 0 && (strpbrk(file, "/=") || !strchr(file, '.') || text_after_prefix(file, "cgroup.")))
            r = error_set(error, -EINVAL, "%s: is not a file of a controller", place);
        if (r == 0)
            r = add_file(reader, file, text, place);
        if (r < 0)
            return r;
    }
    return 0;
}

/* "allow c 1:3 rwm"; what is left out is everything. */
static int read_device_rule(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "allow", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "type", .kind = OCI_ELSEWHERE},
        {.name = "major", .kind = OCI_ELSEWHERE},
        {.name = "minor", .kind = OCI_ELSEWHERE},
        {.name = "access", .kind = OCI_ELSEWHERE},
    };
    const char *texts[] = {"a", "rwm"};
    static const char *const text_names[] = {"type", "access"}, *const number_names[] = {"major", "minor"};
    char numbers[2][24] = {"*", "*"};
    _cleanup_free_ char *rule = NULL;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0 && !json_is_boolean(json_object_get(value, "allow")))
        r = oci_wrong(pointer, "a rule with a boolean in allow", error);
    for (size_t i = 0; i < 2 && r == 0; i++) {
        const json_t *item = json_object_get(value, text_names[i]);
        const char *text = NULL;
        int64_t number = -1;
        bool is_set = false;

        if (item && !json_is_null(item))
            r = oci_read_text(item, pointer, &text, error);
        if (r == 0 && text && *text)
            texts[i] = text;
        if (r == 0)
            r = number_of(value, pointer, number_names[i], &is_set, &number, error);
        if (r == 0 && is_set && number >= 0)
            snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long) number);
    }
    if (r == 0 && (strlen(texts[0]) != 1 || !strchr("abcu", texts[0][0])))
        r = error_set(error, -EINVAL, "%s/type: '%s' is not a type of devices: a, b or c", pointer, texts[0]);
    if (r == 0 && strspn(texts[1], "rwm") != strlen(texts[1]))
        r = error_set(error, -EINVAL, "%s/access: '%s' is not of the letters r, w and m", pointer, texts[1]);
    if (r < 0)
        return r;
    rule = text_format("%s %s %s:%s %s", json_is_true(json_object_get(value, "allow")) ? "allow" : "deny",
                       strcmp(texts[0], "u") == 0 ? "c" : texts[0], numbers[0], numbers[1], texts[1]);
    return rule ? oci_add(reader, AT(device_rules), rule, pointer) : -ENOMEM;
}

static int read_device_rules(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_device_rule, pointer, error);
}

int oci_read_resources(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "devices", .kind = OCI_READ, .read = read_device_rules},
        {.name = "memory", .kind = OCI_READ, .read = read_memory},
        {.name = "cpu", .kind = OCI_READ, .read = read_cpu},
        {.name = "pids", .kind = OCI_READ, .read = read_pids},
        {.name = "blockIO", .kind = OCI_READ, .read = read_block_io},
        {.name = "hugepageLimits", .kind = OCI_READ, .read = read_huge_pages},
        {.name = "network", .kind = OCI_REFUSED}, /* version 2 has no such controllers */
        {.name = "rdma", .kind = OCI_REFUSED},
        {.name = "unified", .kind = OCI_READ, .read = read_unified},
    };

    return oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);
}
