/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/values.h"

#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A clock cannot be set further than the kernel counts (KTIME_SEC_MAX / 2); nobody needs more than this. */
#define OFFSET_MAX_USEC (UINT64_C(100) * 365 * 24 * 3600 * 1000000)
#define USEC_PER_SEC    UINT64_C(1000000)

static const char *const words[_NAMESPACE_MODE_MAX] = {[NAMESPACE_PRIVATE] = "private",
                                                       [NAMESPACE_HOST] = "host",
                                                       [NAMESPACE_NONE] = "none",
                                                       [NAMESPACE_BRIDGE] = "bridge"};

#define MODE(name) (1U << NAMESPACE_##name)

static const struct {
    unsigned modes;
    const char *list;
} kinds[_NAMESPACE_KIND_MAX] = {
    [NAMESPACE_KIND_NETWORK] = {MODE(PRIVATE) | MODE(HOST) | MODE(NONE) | MODE(BRIDGE) | MODE(CONTAINER) | MODE(PATH),
                                "private, host, none, bridge, container:NAME, ns:PATH"},
    [NAMESPACE_KIND_UTS] = {MODE(PRIVATE) | MODE(HOST) | MODE(CONTAINER) | MODE(PATH),
                            "private, host, container:NAME, ns:PATH"},
    [NAMESPACE_KIND_PROCESS] = {MODE(PRIVATE) | MODE(HOST) | MODE(CONTAINER), "private, host, container:NAME"},
};

/* The mode of a text with a target, which *ret_target then points to. */
static NamespaceMode find_target(const char *text, const char **ret_target)
{
    *ret_target = text_after_prefix(text, "container:");
    if (*ret_target)
        return NAMESPACE_CONTAINER;
    *ret_target = text_after_prefix(text, "ns:");
    return *ret_target ? NAMESPACE_PATH : _NAMESPACE_MODE_MAX;
}

int namespace_parse(const char *text, NamespaceKind kind, NamespaceSpec *ret, Error *error)
{
    const char *target = NULL;
    NamespaceMode mode = find_target(text, &target);
    char *copy = NULL;

    for (size_t i = 0; i < _NAMESPACE_MODE_MAX; i++)
        if (words[i] && strcmp(text, words[i]) == 0)
            mode = (NamespaceMode) i;
    if (mode == _NAMESPACE_MODE_MAX || !(kinds[kind].modes & 1U << mode))
        return error_set(error, -EINVAL, "'%s' is not one of: %s", text, kinds[kind].list);
    if (mode == NAMESPACE_CONTAINER && !text_is_name(target))
        return error_set(error, -EINVAL, "'%s' is not a container name", target);
    if (mode == NAMESPACE_PATH && (target[0] != '/' || strlen(target) >= PATH_MAX))
        return error_set(error, -EINVAL, "'%s' is not an absolute path", target);
    if (target) {
        copy = strdup(target);
        if (!copy)
            return -ENOMEM;
    }
    free(ret->target);
    *ret = (NamespaceSpec){.mode = mode, .target = copy};
    return 0;
}

char *namespace_format(const NamespaceSpec *spec)
{
    if (!spec->target)
        return strdup(words[spec->mode]);
    return text_format("%s:%s", spec->mode == NAMESPACE_CONTAINER ? "container" : "ns", spec->target);
}

int time_offset_parse(const char *text, char **ret, Error *error)
{
    static const char *const clocks[] = {"monotonic", "boottime"};

    for (size_t i = 0; i < ELEMENTSOF(clocks); i++) {
        const char *value = text_after_prefix(text, clocks[i]), *span = value ? value + 1 : NULL;
        bool is_negative = span && value[0] == '=' && *span == '-';
        uint64_t usec = 0, seconds, rest;
        char *line;

        if (!span || value[0] != '=')
            continue;
        span += *span == '-' || *span == '+';
        if (text_parse_timespan_usec(span, &usec) < 0 || usec > OFFSET_MAX_USEC)
            return error_set(error, -EINVAL, "'%s' is not a time span of at most 100 years, with or without '-'",
                             value + 1);
        seconds = usec / USEC_PER_SEC;
        rest = usec % USEC_PER_SEC;
        /* The nanoseconds count upwards in any case. */
        if (is_negative && rest > 0) {
            seconds++;
            rest = USEC_PER_SEC - rest;
        }
        line = text_format("%s %s%llu %llu", clocks[i], is_negative && seconds > 0 ? "-" : "",
                           (unsigned long long) seconds, (unsigned long long) rest * 1000);
        if (!line)
            return -ENOMEM;
        *ret = line;
        return 0;
    }
    return error_set(error, -EINVAL, "'%s' is neither monotonic=TIME nor boottime=TIME", text);
}
