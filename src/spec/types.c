/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/types.h"

#include "base/path.h"
#include "base/port.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/credentials.h"
#include "spec/health.h"
#include "spec/id-mapping.h"
#include "spec/secret.h"

#include <errno.h>
#include <string.h>

#define COUNT_MAX 10000

static const char *const volatile_names[_VOLATILE_MAX] = {"no", "yes", "state", "overlay"};
static const char *const log_driver_names[_LOG_DRIVER_MAX] = {"auto", "journald", "file", "none", "passthrough"};

static const char *const registration_names[_REGISTRATION_MAX] = {"auto", "yes", "no"};
static const char *const health_action_names[_HEALTH_ACTION_MAX] = {"none", "kill", "restart", "stop"};
static const char *const restart_names[_RESTART_MODE_MAX] = {"no", "on-failure", "always", "unless-stopped"};
static const char *const journal_link_names[_JOURNAL_LINK_MAX] = {"auto",     "no",    "host",
                                                                  "try-host", "guest", "try-guest"};
static const char *const notify_names[_NOTIFY_MAX] = {"started", "container", "healthy"};

const char *volatile_mode_to_string(VolatileMode mode)
{
    return volatile_names[mode];
}

const char *log_driver_to_string(LogDriver driver)
{
    return log_driver_names[driver];
}

const char *restart_mode_to_string(RestartMode mode)
{
    return restart_names[mode];
}

const char *journal_link_to_string(JournalLink link)
{
    return journal_link_names[link];
}

static int parse_enum(const char *text, const char *const *names, size_t count, int *ret, Error *error)
{
    _cleanup_free_ char *known = NULL;

    for (size_t i = 0; i < count; i++) {
        char *longer;

        if (strcmp(text, names[i]) == 0) {
            *ret = (int) i;
            return 0;
        }
        longer = text_format("%s%s%s", known ? known : "", known ? ", " : "", names[i]);
        free(known);
        known = longer;
    }
    return error_set(error, -EINVAL, "'%s' is not one of: %s", text, known ? known : "");
}

static int replace_string(char **field, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int parse_path(char **field, const char *text, bool inside, Error *error)
{
    _cleanup_free_ char *path = NULL;

    if (!path_is_absolute(text))
        return error_set(error, -EINVAL, "'%s' is not an absolute path", text);
    path = path_normalise(text);
    if (!path)
        return -ENOMEM;
    if (inside && path_has_dotdot(path))
        return error_set(error, -EINVAL, "'%s' must not hold '..'", text);
    return replace_string(field, path);
}

/* KEY=VALUE, replacing an earlier assignment to KEY in place. */
static int set_assignment(char ***list, const char *text, Error *error)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t) (equals - text) + 1 : 0;

    if (length <= 1)
        return error_set(error, -EINVAL, "'%s' is not KEY=VALUE", text);
    STRV_FOREACH (item, *list)
        if (strncmp(*item, text, length) == 0)
            return replace_string(item, text);
    return strv_append(list, text);
}

static int add_mount(MountList *list, const Setting *setting, const Assignment *assignment, const char *value,
                     Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {};
    MountSpec *larger;
    int r;

    switch (setting->type) {
    case SETTING_MOUNT_BIND:
    case SETTING_MOUNT_BIND_READ_ONLY:
        r = mount_parse_bind(value, setting->type == SETTING_MOUNT_BIND_READ_ONLY, &mount, error);
        break;
    case SETTING_MOUNT_TMPFS:
        r = mount_parse_tmpfs(value, &mount, error);
        break;
    case SETTING_MOUNT_OVERLAY:
        r = mount_parse_overlay(value, &mount, error);
        break;
    case SETTING_MOUNT_VOLUME:
        r = mount_parse_volume(value, &mount, error);
        break;
    case SETTING_MOUNT_BUNDLE:
        r = mount_parse_bundle(assignment->values, &mount, error);
        break;
    default:
        r = mount_parse_mount(value, &mount, error);
    }
    if (r < 0)
        return r;
    mount.origin = strdup(assignment->origin);
    if (!mount.origin)
        return -ENOMEM;

    /* A later mount on the same target replaces the earlier one: the command line over the file over the image. */
    for (size_t i = 0; setting->type != SETTING_MOUNT_BUNDLE && i < list->count; i++)
        if (strcmp(list->items[i].inside_path, mount.inside_path) == 0) {
            mount_spec_done(&list->items[i]);
            list->items[i] = mount;
            mount = (MountSpec){};
            return 0;
        }
    larger = reallocarray(list->items, list->count + 1, sizeof(MountSpec));
    if (!larger)
        return -ENOMEM;
    list->items = larger;
    list->items[list->count++] = mount;
    mount = (MountSpec){};
    return 0;
}

static int add_device(DeviceList *list, const Assignment *assignment, Error *error)
{
    DeviceSpec device = {}, *larger;
    int r = device_parse(assignment->values, &device, error);

    if (r < 0)
        return r;
    larger = reallocarray(list->items, list->count + 1, sizeof(DeviceSpec));
    if (!larger) {
        device_spec_done(&device);
        return -ENOMEM;
    }
    list->items = larger;
    list->items[list->count++] = device;
    return 0;
}

static int add_limit(LimitList *list, const char *value, Error *error)
{
    LimitSpec limit = {}, *larger;
    int r = limit_parse(value, &limit, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].resource == limit.resource) {
            list->items[i] = limit;
            return 0;
        }
    larger = reallocarray(list->items, list->count + 1, sizeof(LimitSpec));
    if (!larger)
        return -ENOMEM;
    list->items = larger;
    list->items[list->count++] = limit;
    return 0;
}

/* The podman spellings, each of which is a property of systemd.resource-control(5). */
static int set_property(char ***properties, SettingType type, const char *value, Error *error)
{
    _cleanup_free_ char *assignment = NULL;
    uint64_t number = 0;

    switch (type) {
    case SETTING_PROPERTY_MEMORY:
        if (text_parse_size_bytes(value, &number) < 0)
            return error_hint(error, error_set(error, -EINVAL, "'%s' is not a size", value),
                              "a size is a number with K, M, G or T behind it, as in 64M");
        assignment = number == UINT64_MAX ? strdup("MemoryMax=infinity")
                                          : text_format("MemoryMax=%llu", (unsigned long long) number);
        break;
    case SETTING_PROPERTY_CPUS: {
        char *end = NULL;
        double cpus = strtod(value, &end);

        /* strtod(3) also reads hexadecimal, exponents and leading blanks. */
        if (strspn(value, "0123456789.") != strlen(value) || end == value || *end != 0 ||
            !(cpus >= 0.01 && cpus <= 65536))
            return error_set(error, -EINVAL, "'%s' is not a number of processors", value);
        assignment = text_format("CPUQuota=%.0f%%", cpus * 100);
        break;
    }
    case SETTING_PROPERTY_TASKS:
        if (strcmp(value, "-1") == 0)
            assignment = strdup("TasksMax=infinity");
        else if (text_parse_u64(value, UINT32_MAX, &number) < 0 || number == 0)
            return error_set(error, -EINVAL, "'%s' is not a number of processes", value);
        else
            assignment = text_format("TasksMax=%s", value);
        break;
    case SETTING_PROPERTY_IO_WEIGHT:
        if (text_parse_u64(value, 10000, &number) < 0 || number == 0)
            return error_set(error, -EINVAL, "'%s' is not a weight from 1 to 10000", value);
        assignment = text_format("IOWeight=%s", value);
        break;
    default:
        assignment = strdup(value);
    }
    return assignment ? set_assignment(properties, assignment, error) : -ENOMEM;
}

static int parse_notify(const char *value, NotifyMode *ret, Error *error)
{
    bool is_container = false;
    int number = 0, r;

    /* NotifyReady= of systemd.nspawn(5). */
    if (text_parse_bool(value, &is_container) == 0) {
        *ret = is_container ? NOTIFY_CONTAINER : NOTIFY_STARTED;
        return 0;
    }
    r = parse_enum(value, notify_names, _NOTIFY_MAX, &number, error);
    if (r == 0)
        *ret = (NotifyMode) number;
    return r;
}

/* Kept as machine-id(5) has it: 32 digits, lower case. */
static int parse_uuid(const char *value, char **field, Error *error)
{
    char id[33];
    size_t n = 0;

    for (const char *c = value; *c; c++) {
        if (*c == '-')
            continue;
        if (!strchr("0123456789abcdefABCDEF", *c) || n >= 32)
            return error_set(error, -EINVAL, "'%s' is not a UUID: 32 hexadecimal digits", value);
        id[n++] = *c >= 'A' && *c <= 'F' ? (char) (*c - 'A' + 'a') : *c;
    }
    id[n] = 0;
    if (n != 32 || strspn(id, "0") == 32)
        return error_set(error, -EINVAL, "'%s' is not a UUID: 32 hexadecimal digits", value);
    return replace_string(field, id);
}

static int parse_restart(const char *value, RestartPolicy *ret, Error *error)
{
    const char *number = text_after_prefix(value, "on-failure:");
    RestartPolicy policy = {.mode = RESTART_ON_FAILURE};
    int mode = 0, r;

    if (number) {
        if (text_parse_u64(number, COUNT_MAX, &policy.attempts) < 0)
            return error_set(error, -EINVAL, "'%s' is not a number of attempts up to %d", number, COUNT_MAX);
        *ret = policy;
        return 0;
    }
    r = parse_enum(value, restart_names, _RESTART_MODE_MAX, &mode, error);
    if (r == 0)
        *ret = (RestartPolicy){.mode = (RestartMode) mode};
    return r;
}

static int format_restart(const RestartPolicy *policy, char ***texts)
{
    return policy->attempts > 0 ? strv_append_format(texts, "%s:%llu", restart_names[policy->mode],
                                                     (unsigned long long) policy->attempts)
                                : strv_append(texts, restart_names[policy->mode]);
}

static int apply_scalar(ContainerSpec *spec, const Setting *setting, const char *value, Error *error)
{
    void *field = (char *) spec + setting->offset;
    int number = 0, r;

    switch (setting->type) {
    case SETTING_BOOL:
        if (text_parse_bool(value, field) < 0)
            return error_set(error, -EINVAL, "'%s' is not a boolean; use yes or no", value);
        return 0;
    case SETTING_NAME:
        if (!text_is_name(value))
            return error_set(error, -EINVAL,
                             "'%s' is not a container name: letters, digits, '_', '+', '-' and '.' "
                             "(not first), at most %d characters",
                             value, TEXT_NAME_MAX);
        return replace_string(field, value);
    case SETTING_HOSTNAME:
        if (!text_is_hostname(value))
            return error_set(error, -EINVAL, "'%s' is not a host name", value);
        return replace_string(field, value);
    case SETTING_HOST_PATH:
        return parse_path(field, value, false, error);
    case SETTING_INSIDE_PATH:
        return parse_path(field, value, true, error);
    case SETTING_SIZE:
        if (text_parse_size_bytes(value, field) < 0)
            return error_set(error, -EINVAL, "'%s' is not a size", value);
        return 0;
    case SETTING_TIMESPAN:
        if (text_parse_timespan_usec(value, field) < 0)
            return error_set(error, -EINVAL, "'%s' is not a time span", value);
        return 0;
    case SETTING_SIGNAL:
        if (text_parse_signal(value, field) < 0)
            return error_set(error, -EINVAL, "'%s' is not a signal", value);
        return 0;
    case SETTING_INTEGER:
        if (text_parse_i64(value, -1000, 1000, &((OptionalInt *) field)->value) < 0)
            return error_set(error, -EINVAL, "'%s' is not a number from -1000 to 1000", value);
        ((OptionalInt *) field)->is_set = true;
        return 0;
    case SETTING_VOLATILE:
        r = parse_enum(value, volatile_names, _VOLATILE_MAX, &number, error);
        return r < 0 ? r : (*(VolatileMode *) field = (VolatileMode) number, 0);
    case SETTING_NETWORK:
        return namespace_parse(value, NAMESPACE_KIND_NETWORK, field, error);
    case SETTING_NAMESPACE_UTS:
        return namespace_parse(value, NAMESPACE_KIND_UTS, field, error);
    case SETTING_NAMESPACE_PROCESS:
        return namespace_parse(value, NAMESPACE_KIND_PROCESS, field, error);
    case SETTING_USERNS:
        return userns_parse(value, field, error);
    case SETTING_LOG_DRIVER:
        /* What podman and docker call a file of their own format is our file. */
        if (strcmp(value, "k8s-file") == 0 || strcmp(value, "json-file") == 0)
            value = log_driver_names[LOG_DRIVER_FILE];
        r = parse_enum(value, log_driver_names, _LOG_DRIVER_MAX, &number, error);
        return r < 0 ? r : (*(LogDriver *) field = (LogDriver) number, 0);
    case SETTING_NOTIFY:
        return parse_notify(value, field, error);
    case SETTING_UUID:
        return parse_uuid(value, field, error);
    case SETTING_HEALTH_ACTION:
        r = parse_enum(value, health_action_names, _HEALTH_ACTION_MAX, &number, error);
        return r < 0 ? r : (*(HealthAction *) field = (HealthAction) number, 0);
    case SETTING_COUNT:
        if (text_parse_u64(value, COUNT_MAX, field) < 0 || *(uint64_t *) field == 0)
            return error_set(error, -EINVAL, "'%s' is not a number from 1 to %d", value, COUNT_MAX);
        return 0;
    case SETTING_REGISTRATION:
        r = parse_enum(value, registration_names, _REGISTRATION_MAX, &number, error);
        return r < 0 ? r : (*(Registration *) field = (Registration) number, 0);
    case SETTING_RESTART:
        return parse_restart(value, field, error);
    case SETTING_JOURNAL_LINK:
        r = parse_enum(value, journal_link_names, _JOURNAL_LINK_MAX, &number, error);
        return r < 0 ? r : (*(JournalLink *) field = (JournalLink) number, 0);
    default:
        return replace_string(field, value);
    }
}

static int apply_item(ContainerSpec *spec, const Setting *setting, const Assignment *assignment, const char *value,
                      Error *error)
{
    void *field = (char *) spec + setting->offset;
    _cleanup_free_ char *path = NULL;
    uint64_t mask = 0;
    Port port = {};
    int r;

    switch (setting->type) {
    case SETTING_LIST:
        return strv_append(field, value);
    case SETTING_PATH_LIST:
        if (strcmp(value, "ALL") == 0 && setting->offset == offsetof(ContainerSpec, unmasked_paths))
            return strv_append(field, value);
        r = parse_path(&path, value, true, error);
        return r < 0 ? r : strv_push(field, TAKE_PTR(path));
    case SETTING_PORTS:
        if (port_parse(value, &port) < 0)
            return error_hint(error, error_set(error, -EINVAL, "'%s' is not a port to publish", value),
                              "[ADDRESS:][HOST:]PORT[/tcp|udp|sctp], with PORT from 1 to 65535 or FIRST-LAST");
        return strv_append(field, port_format(&port).text);
    case SETTING_CREDENTIAL:
    case SETTING_CREDENTIAL_FILE:
        return credential_add(field, value, setting->type == SETTING_CREDENTIAL_FILE, error);
    case SETTING_SECRET:
        return secret_use_add(field, value, error);
    case SETTING_ASSIGNMENTS:
    case SETTING_ENVIRONMENT:
        return set_assignment(field, value, error);
    case SETTING_CAPABILITIES:
        r = capability_parse(value, &mask, error);
        return r < 0 ? r : strv_append(field, value);
    case SETTING_ID_MAPS:
        r = id_extent_parse(value, &(IdExtent){}, error);
        return r < 0 ? r : strv_append(field, value);
    case SETTING_LIMITS:
        return add_limit(field, value, error);
    case SETTING_MOUNT_BIND ... SETTING_MOUNT:
        return add_mount(field, setting, assignment, value, error);
    case SETTING_PROPERTY ... SETTING_PROPERTY_IO_WEIGHT:
        return set_property(field, setting->type, value, error);
    default:
        return apply_scalar(spec, setting, value, error);
    }
}

static int set_health_command(char ***field, char *const *values, Error *error)
{
    char **command = NULL;
    int r = health_command_parse(values, &command, error);

    if (r < 0)
        return r;
    strv_free(*field);
    *field = command;
    return 0;
}

int setting_apply(ContainerSpec *spec, const Setting *setting, const Assignment *assignment, Error *error)
{
    char ***list = (char ***) ((char *) spec + setting->offset);

    if (setting->type == SETTING_WORDS) {
        char **words = assignment->values ? strv_copy(assignment->values) : NULL;

        if (assignment->values && !words)
            return -ENOMEM;
        strv_free(*list);
        *list = words;
        return 0;
    }
    if (setting->type == SETTING_MOUNT_BUNDLE && assignment->values)
        return add_mount((MountList *) list, setting, assignment, NULL, error);
    if (setting->type == SETTING_DEVICE && assignment->values)
        return add_device((DeviceList *) list, assignment, error);
    if (setting->type == SETTING_HEALTH_COMMAND && assignment->values && assignment->values[0])
        return set_health_command(list, assignment->values, error);
    if (!assignment->values || !assignment->values[0]) {
        /* "Key=" resets a list, as everywhere in systemd. */
        if (setting->type != SETTING_LIST && setting->type != SETTING_PATH_LIST && setting->type != SETTING_PORTS &&
            setting->type != SETTING_ASSIGNMENTS && setting->type != SETTING_ENVIRONMENT &&
            setting->type != SETTING_CREDENTIAL && setting->type != SETTING_CREDENTIAL_FILE &&
            setting->type != SETTING_SECRET && setting->type != SETTING_CAPABILITIES &&
            setting->type != SETTING_ID_MAPS && setting->type != SETTING_HEALTH_COMMAND)
            return error_set(error, -EINVAL, "needs a value");
        strv_free(*list);
        *list = NULL;
        return 0;
    }
    STRV_FOREACH (value, assignment->values) {
        int r = apply_item(spec, setting, assignment, *value, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int format_member(const void *field, SettingType type, char ***texts)
{
    switch (type) {
    case SETTING_BOOL:
        /* "no" too: it was said, and the default of some depends on other settings. */
        return strv_append(texts, *(const bool *) field ? "yes" : "no");
    case SETTING_STRING:
    case SETTING_NAME:
    case SETTING_HOSTNAME:
    case SETTING_HOST_PATH:
    case SETTING_INSIDE_PATH:
    case SETTING_UUID:
        return *(char *const *) field ? strv_append(texts, *(char *const *) field) : 0;
    case SETTING_SIZE:
        if (*(const uint64_t *) field == UINT64_MAX)
            return strv_append(texts, "infinity");
        return strv_append_format(texts, "%llu", (unsigned long long) *(const uint64_t *) field);
    case SETTING_TIMESPAN:
        return strv_push(texts, text_format_timespan(*(const uint64_t *) field));
    case SETTING_SIGNAL:
        return *(const int *) field ? strv_push(texts, text_format_signal(*(const int *) field)) : 0;
    case SETTING_INTEGER:
        return ((const OptionalInt *) field)->is_set
                   ? strv_append_format(texts, "%lld", (long long) ((const OptionalInt *) field)->value)
                   : 0;
    case SETTING_VOLATILE:
        return strv_append(texts, volatile_names[*(const VolatileMode *) field]);
    case SETTING_NETWORK:
    case SETTING_NAMESPACE_UTS:
    case SETTING_NAMESPACE_PROCESS:
        return strv_push(texts, namespace_format(field));
    case SETTING_USERNS:
        return ((const UsernsSpec *) field)->mode == USERNS_DEFAULT ? 0 : strv_push(texts, userns_format(field));
    case SETTING_LOG_DRIVER:
        return strv_append(texts, log_driver_names[*(const LogDriver *) field]);
    case SETTING_NOTIFY:
        return strv_append(texts, notify_names[*(const NotifyMode *) field]);
    case SETTING_HEALTH_ACTION:
        return strv_append(texts, health_action_names[*(const HealthAction *) field]);
    case SETTING_COUNT:
        return strv_append_format(texts, "%llu", (unsigned long long) *(const uint64_t *) field);
    case SETTING_HEALTH_COMMAND:
        return *(char **const *) field ? strv_push(texts, health_command_format(*(char **const *) field)) : 0;
    case SETTING_REGISTRATION:
        return strv_append(texts, registration_names[*(const Registration *) field]);
    case SETTING_RESTART:
        return format_restart(field, texts);
    case SETTING_JOURNAL_LINK:
        return strv_append(texts, journal_link_names[*(const JournalLink *) field]);
    default:
        return strv_extend(texts, *(char **const *) field);
    }
}

int setting_format(const ContainerSpec *spec, const Setting *setting, char ***texts)
{
    const void *field = (const char *) spec + setting->offset;
    int r = 0;

    switch (setting->type) {
    case SETTING_LIMITS: {
        const LimitList *list = field;

        for (size_t i = 0; i < list->count && r == 0; i++)
            r = strv_push(texts, limit_format(&list->items[i]));
        return r;
    }
    case SETTING_MOUNT: {
        const MountList *list = field;

        for (size_t i = 0; i < list->count && r == 0; i++)
            r = strv_push(texts, mount_format(&list->items[i]));
        return r;
    }
    /* Several rows fill one member; the most general of them writes it. */
    case SETTING_MOUNT_BIND ... SETTING_MOUNT_VOLUME:
    case SETTING_PROPERTY_MEMORY ... SETTING_PROPERTY_IO_WEIGHT:
    case SETTING_SECURITY:
    /* And what comes from a bundle is never written. */
    case SETTING_MOUNT_BUNDLE:
    case SETTING_DEVICE:
        return 0;
    default:
        return format_member(field, setting->type, texts);
    }
}
