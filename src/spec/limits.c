/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/values.h"

#include "base/buffer.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    int resource;
} limit_names[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

static int parse_limit_value(const char *text, uint64_t *ret)
{
    if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }
    return text_parse_size_bytes(text, ret);
}

int limit_parse(const char *text, LimitSpec *ret, Error *error)
{
    _cleanup_free_ char *copy = strdup(text);
    LimitSpec limit = {.resource = -1};
    Nearest nearest = {};
    char *value, *hard;
    const char *name;

    if (!copy)
        return -ENOMEM;
    value = strchr(copy, '=');
    if (!value)
        return error_set(error, -EINVAL, "'%s' is not NAME=SOFT[:HARD]", text);
    *value++ = 0;
    name = strncasecmp(copy, "Limit", 5) == 0 ? copy + 5 : copy;
    for (size_t i = 0; i < ELEMENTSOF(limit_names); i++) {
        if (strcasecmp(name, limit_names[i].name) == 0)
            limit.resource = limit_names[i].resource;
        text_nearest_consider(&nearest, name, limit_names[i].name);
    }
    if (limit.resource < 0)
        return error_set(error, -EINVAL, "'%s' is not a resource limit%s%s%s", name,
                         nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                         nearest.best ? "'?" : "");
    hard = strchr(value, ':');
    if (hard)
        *hard++ = 0;
    if (parse_limit_value(value, &limit.soft) < 0)
        return error_set(error, -EINVAL, "'%s' is not a limit", value);
    if (parse_limit_value(hard ? hard : value, &limit.hard) < 0)
        return error_set(error, -EINVAL, "'%s' is not a limit", hard ? hard : value);
    if (limit.soft > limit.hard)
        return error_set(error, -EINVAL, "the soft limit of '%s' is above the hard limit", text);
    *ret = limit;
    return 0;
}

static char *format_limit_value(uint64_t value)
{
    return value == UINT64_MAX ? strdup("infinity") : text_format("%llu", (unsigned long long) value);
}

char *limit_format(const LimitSpec *limit)
{
    _cleanup_free_ char *soft = format_limit_value(limit->soft), *hard = format_limit_value(limit->hard);
    const char *name = "?";

    for (size_t i = 0; i < ELEMENTSOF(limit_names); i++)
        if (limit_names[i].resource == limit->resource)
            name = limit_names[i].name;
    return soft && hard ? text_format("%s=%s:%s", name, soft, hard) : NULL;
}

/* capabilities(7), in the order of linux/capability.h. */
static const char *const capability_names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};
_Static_assert(ELEMENTSOF(capability_names) == CAPABILITY_LAST + 1, "every capability has a name");

const char *capability_name(unsigned number)
{
    return number <= CAPABILITY_LAST ? capability_names[number] : NULL;
}

int capability_parse(const char *name, uint64_t *ret_mask, Error *error)
{
    Nearest nearest = {};

    if (strcasecmp(name, "all") == 0) {
        *ret_mask = CAPABILITY_ALL;
        return 0;
    }
    for (unsigned i = 0; i <= CAPABILITY_LAST; i++) {
        if (strcasecmp(name, capability_names[i]) == 0 || strcasecmp(name, capability_names[i] + 4) == 0) {
            *ret_mask = UINT64_C(1) << i;
            return 0;
        }
        text_nearest_consider(&nearest, name, capability_names[i] + (strncasecmp(name, "CAP_", 4) == 0 ? 0 : 4));
    }
    return error_set(error, -EINVAL, "'%s' is not a capability%s%s%s", name, nearest.best ? "; did you mean '" : "",
                     nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

char *capability_format_mask(uint64_t mask)
{
    _cleanup_buffer_ Buffer names = {};

    if (mask == 0)
        return strdup("none");
    if (mask == CAPABILITY_ALL)
        return strdup("ALL");
    for (unsigned i = 0; i <= CAPABILITY_LAST; i++)
        if (mask & (UINT64_C(1) << i))
            buffer_append_format(&names, "%s%s", names.size > 0 ? " " : "", capability_names[i]);
    return buffer_take(&names);
}
