/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spec.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/id-mapping.h"
#include "spec/log.h"
#include "spec/types.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Less and a container's check is a load of its own. */
#define HEALTH_SPAN_LEAST_USEC 10000

void container_spec_free(ContainerSpec *spec)
{
    if (!spec)
        return;
    free(spec->name);
    free(spec->image);
    free(spec->host_directory);
    free(spec->hostname);
    strv_free(spec->reload_command);
    free(spec->uuid);
    strv_free(spec->set_credentials);
    strv_free(spec->load_credentials);
    strv_free(spec->secrets);
    strv_free(spec->labels);
    strv_free(spec->exposed_ports);
    strv_free(spec->ports);
    strv_free(spec->log_options);
    strv_free(spec->health_command);
    strv_free(spec->entrypoint);
    strv_free(spec->command);
    strv_free(spec->environment);
    strv_free(spec->environment_files);
    free(spec->working_directory);
    free(spec->user);
    free(spec->limits.items);
    for (size_t i = 0; i < spec->mounts.count; i++)
        mount_spec_done(&spec->mounts.items[i]);
    free(spec->mounts.items);
    strv_free(spec->masked_paths);
    strv_free(spec->unmasked_paths);
    strv_free(spec->add_capabilities);
    strv_free(spec->drop_capabilities);
    strv_free(spec->uid_maps);
    strv_free(spec->gid_maps);
    free(spec->profile_name);
    free(spec->network.target);
    free(spec->uts.target);
    free(spec->pid.target);
    free(spec->userns.target);
    free(spec->ipc.target);
    strv_free(spec->time_offsets);
    free(spec->seccomp_profile);
    free(spec->label_process);
    free(spec->label_file);
    free(spec->label_user);
    free(spec->label_role);
    free(spec->label_type);
    free(spec->label_level);
    free(spec->label_file_type);
    strv_free(spec->sysctls);
    for (size_t i = 0; i < _CAPABILITY_SET_MAX; i++)
        strv_free(spec->capability_names[i]);
    strv_free(spec->additional_gids);
    strv_free(spec->read_only_paths);
    for (size_t i = 0; i < spec->devices.count; i++)
        device_spec_done(&spec->devices.items[i]);
    free(spec->devices.items);
    strv_free(spec->device_rules);
    strv_free(spec->cgroup_files);
    free(spec->cgroup_path);
    free(spec->domainname);
    free(spec->seccomp_text);
    strv_free(spec->properties);
    free(spec->slice);
    for (size_t i = 0; spec->origins && i < settings_count; i++)
        free(spec->origins[i]);
    free(spec->origins);
    free(spec);
}

static ContainerSpec *container_spec_new(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = calloc(1, sizeof(ContainerSpec));

    if (!spec)
        return NULL;
    spec->origins = calloc(settings_count, sizeof(char *));
    if (!spec->origins)
        return NULL;
    spec->timeout_start_usec = 90 * UINT64_C(1000000);
    spec->health_interval_usec = spec->health_timeout_usec = 30 * UINT64_C(1000000);
    spec->health_start_interval_usec = 5 * UINT64_C(1000000);
    spec->health_retries = 3;
    spec->shm_size_bytes = UINT64_C(64) << 20;
    return TAKE_PTR(spec);
}

void spec_layer_free(SpecLayer *layer)
{
    if (!layer)
        return;
    for (size_t i = 0; i < layer->count; i++) {
        strv_free(layer->assignments[i].values);
        free(layer->assignments[i].origin);
    }
    free(layer->assignments);
    free(layer);
}

SpecLayer *spec_layer_new(Trust trust)
{
    SpecLayer *layer = calloc(1, sizeof(SpecLayer));

    if (layer)
        layer->trust = trust;
    return layer;
}

int spec_layer_add_values(SpecLayer *layer, const Setting *setting, char *const *values, const char *origin)
{
    _cleanup_strv_ char **copy = NULL;
    _cleanup_free_ char *origin_copy = strdup(origin);
    Assignment *larger;

    if (!origin_copy)
        return -ENOMEM;
    if (values) {
        copy = strv_copy(values);
        if (!copy)
            return -ENOMEM;
    }
    larger = reallocarray(layer->assignments, layer->count + 1, sizeof(Assignment));
    if (!larger)
        return -ENOMEM;
    layer->assignments = larger;
    layer->assignments[layer->count++] =
        (Assignment){.setting = setting, .values = TAKE_PTR(copy), .origin = TAKE_PTR(origin_copy)};
    return 0;
}

int spec_layer_add(SpecLayer *layer, const Setting *setting, const char *value, const char *origin)
{
    char *values[] = {(char *) (uintptr_t) value, NULL};

    return spec_layer_add_values(layer, setting, values, origin);
}

const char *spec_origin(const ContainerSpec *spec, size_t offset)
{
    /* Several rows may fill one member (--memory= and --property=): any of them tells. */
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].offset == offset && settings[i].type != SETTING_SECURITY && spec->origins[i])
            return spec->origins[i];
    return "default";
}

static bool spec_says(const ContainerSpec *spec, size_t offset)
{
    const Setting *setting = setting_of(offset);

    return setting && spec->origins[setting_number(setting)];
}

static int merge_assignment(ContainerSpec *spec, const SpecLayer *layer, const Assignment *assignment, Error *error);

/* "/proc/acpi:/proc/kcore", as podman has it. */
static int merge_paths(ContainerSpec *spec, const SpecLayer *layer, const Assignment *assignment, const char *text,
                       Error *error)
{
    _cleanup_strv_ char **paths = NULL;
    Assignment several = *assignment;

    for (const char *at = text; *at; at += strspn(at, ":")) {
        size_t length = strcspn(at, ":");

        if (strv_append_format(&paths, "%.*s", (int) length, at) < 0)
            return -ENOMEM;
        at += length;
    }
    several.values = paths;
    return merge_assignment(spec, layer, &several, error);
}

/* --security-opt: podman's and docker's other spelling of settings that have rows of their own. */
static int merge_security_option(ContainerSpec *spec, const SpecLayer *layer, const char *text, const char *origin,
                                 Error *error)
{
    static const struct {
        const char *prefix;
        size_t offset;
        const char *alone; /* what the bare word means */
    } spellings[] = {
        {"seccomp=", offsetof(ContainerSpec, seccomp_profile), NULL},
        {"no-new-privileges=", offsetof(ContainerSpec, no_new_privileges), "yes"},
        {"mask=", offsetof(ContainerSpec, masked_paths), NULL},
        {"unmask=", offsetof(ContainerSpec, unmasked_paths), NULL},
        {"label=user:", offsetof(ContainerSpec, label_user), NULL},
        {"label=role:", offsetof(ContainerSpec, label_role), NULL},
        {"label=type:", offsetof(ContainerSpec, label_type), NULL},
        {"label=level:", offsetof(ContainerSpec, label_level), NULL},
        {"label=filetype:", offsetof(ContainerSpec, label_file_type), NULL},
    };
    static const struct {
        const char *text;
        size_t offset;
        const char *value;
    } words[] = {
        {"label=disable", offsetof(ContainerSpec, label_disabled), "yes"},
        {"systempaths=unconfined", offsetof(ContainerSpec, unmasked_paths), "ALL"}, /* docker */
    };

    for (size_t i = 0; i < ELEMENTSOF(spellings); i++) {
        const char *prefix = spellings[i].prefix, *value = text_after_prefix(text, prefix);
        bool alone = strlen(text) + 1 == strlen(prefix) && strncmp(text, prefix, strlen(text)) == 0;
        char *values[] = {(char *) (uintptr_t) (value ? value : spellings[i].alone), NULL};
        Assignment assignment = {
            .setting = setting_of(spellings[i].offset), .values = values, .origin = (char *) (uintptr_t) origin};

        if (value && text_after_prefix(value, "/") && strchr(value, ':') && strstr(prefix, "mask="))
            return merge_paths(spec, layer, &assignment, value, error);
        if (values[0] && (value || alone))
            return merge_assignment(spec, layer, &assignment, error);
    }
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(text, words[i].text) == 0) {
            char *values[] = {(char *) (uintptr_t) words[i].value, NULL};
            Assignment assignment = {
                .setting = setting_of(words[i].offset), .values = values, .origin = (char *) (uintptr_t) origin};

            return merge_assignment(spec, layer, &assignment, error);
        }
    if (strcmp(text, "label=nested") == 0 || text_after_prefix(text, "apparmor="))
        return error_set(error, -EOPNOTSUPP, "%s: '%s' is not supported yet", origin, text);
    return error_set(error, -EINVAL, "%s: '%s' is not a security option", origin, text);
}

static int merge_assignment(ContainerSpec *spec, const SpecLayer *layer, const Assignment *assignment, Error *error)
{
    const Setting *setting = assignment->setting;
    char **origin = &spec->origins[setting_number(setting)];
    char *copy;
    int r;

    if (layer->trust < setting->least_trust)
        return error_set(error, -EPERM, "%s: an image may not set %s", assignment->origin,
                         setting->key      ? setting->key
                         : setting->option ? setting->option
                                           : setting->pointer);
    if (setting->type == SETTING_SECURITY) {
        STRV_FOREACH (value, assignment->values) {
            r = merge_security_option(spec, layer, *value, assignment->origin, error);
            if (r < 0)
                return r;
        }
        return 0;
    }
    /* An image may ask for an empty directory, never for a path of the host. */
    if (layer->trust < TRUST_ADMIN && setting->type == SETTING_MOUNT_VOLUME)
        STRV_FOREACH (value, assignment->values)
            if (strchr(*value, ':'))
                return error_set(error, -EPERM, "%s: the volume '%s' holds a colon", assignment->origin, *value);
    r = setting_apply(spec, setting, assignment, error);
    if (r < 0 && layer->has_keys)
        return error_prefix(error, r, "%s: %s=", assignment->origin, setting->key);
    if (r < 0)
        return error_prefix(error, r, "%s", assignment->origin);
    copy = strdup(assignment->origin);
    if (!copy)
        return -ENOMEM;
    free(*origin);
    *origin = copy;
    return 0;
}

/* An entry point from a stronger layer is another program: the weaker layer's arguments are not for it. */
static void drop_stale_command(ContainerSpec *spec, SpecLayer *const *layers, size_t count)
{
    size_t entrypoint_layer = 0, command_layer = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < layers[i]->count; j++) {
            size_t offset = layers[i]->assignments[j].setting->offset;

            if (layers[i]->assignments[j].setting->type != SETTING_WORDS)
                continue;
            if (offset == offsetof(ContainerSpec, entrypoint))
                entrypoint_layer = i;
            if (offset == offsetof(ContainerSpec, command))
                command_layer = i;
        }
    if (command_layer < entrypoint_layer) {
        strv_free(spec->command);
        spec->command = NULL;
    }
}

static int compute_capabilities(ContainerSpec *spec)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < _CAPABILITY_SET_MAX; i++)
        STRV_FOREACH (name, spec->capability_names[i])
            if (capability_parse(*name, &mask, NULL) == 0)
                spec->capability_sets[i] |= mask;
    if (spec->bundle) {
        spec->capabilities = spec->capability_sets[CAPABILITY_SET_BOUNDING];
        return 0;
    }
    spec->capabilities = spec->profile->capabilities;
    /* On a network of others these two are power over them: only for who asks for them by name. */
    if (!spec_has_own_network(spec) && !spec->privileged)
        spec->capabilities &= ~(UINT64_C(1) << 12 /* NET_ADMIN */ | UINT64_C(1) << 13 /* NET_RAW */);
    /* "--cap-drop=ALL --cap-add=X" is X in either order, as container users expect: drops first. */
    STRV_FOREACH (name, spec->drop_capabilities)
        if (capability_parse(*name, &mask, NULL) == 0)
            spec->capabilities &= ~mask;
    STRV_FOREACH (name, spec->add_capabilities)
        if (capability_parse(*name, &mask, NULL) == 0)
            spec->capabilities |= mask;
    return 0;
}

/* Sysctls of the namespaces that the container has of its own; anything else would reach the host. */
static int check_sysctl(const ContainerSpec *spec, const char *assignment, Error *error)
{
    static const char *const ipc[] = {
        "kernel.msgmax=", "kernel.msgmnb=", "kernel.msgmni=",          "kernel.sem=", "kernel.shmall=",
        "kernel.shmmax=", "kernel.shmmni=", "kernel.shm_rmid_forced=", "fs.mqueue."};
    const char *origin = spec_origin(spec, offsetof(ContainerSpec, sysctls));

    for (const char *c = assignment; *c; c++)
        if ((unsigned char) *c < 0x20)
            return error_set(error, -EINVAL, "%s: '%s' holds a control character", origin, assignment);
    /* The name becomes a path below /proc/sys: no slash and no empty part, so it cannot lead elsewhere. */
    for (const char *c = assignment; *c != '='; c++)
        if (*c == '/' || (c[0] == '.' && (c[1] == '.' || c[1] == '=')))
            return error_set(error, -EINVAL,
                             "%s: '%s' is not NAME=VALUE with a dotted name like "
                             "net.core.somaxconn",
                             origin, assignment);
    /* No such parameter takes them, and other tools read a second assignment into them. */
    if (strpbrk(strchr(assignment, '=') + 1, "+="))
        return error_set(error, -EINVAL, "%s: the value of '%s' holds a '+' or '='", origin, assignment);
    for (size_t i = 0; i < ELEMENTSOF(ipc); i++)
        if (text_after_prefix(assignment, ipc[i])) {
            if (spec->ipc.mode == NAMESPACE_PRIVATE)
                return 0;
            return error_set(error, -EPERM, "%s: '%s' would change %s, whose IPC namespace the container shares",
                             origin, assignment, spec->ipc.mode == NAMESPACE_HOST ? "the host" : "others");
        }
    if (text_after_prefix(assignment, "net.")) {
        if (spec_has_own_network(spec))
            return 0;
        return error_set(error, -EPERM, "%s: '%s' would change %s, whose network the container shares", origin,
                         assignment, spec->network.mode == NAMESPACE_HOST ? "the host" : "others");
    }
    return error_hint(
        error,
        error_set(error, -EPERM, "%s: '%s' is not a parameter of the container's own namespaces", origin, assignment),
        "net.*, fs.mqueue.* and the System V IPC limits of kernel.* can be set");
}

bool spec_joins_userns(const ContainerSpec *spec)
{
    return spec->pid.mode == NAMESPACE_CONTAINER && !spec->uid_maps && !spec->gid_maps &&
           (spec->userns.mode == USERNS_DEFAULT || spec->userns.mode == USERNS_CONTAINER);
}

bool spec_has_own_network(const ContainerSpec *spec)
{
    return spec->network.mode == NAMESPACE_PRIVATE || spec->network.mode == NAMESPACE_NONE ||
           spec->network.mode == NAMESPACE_BRIDGE;
}

bool spec_can_be_registered(const ContainerSpec *spec)
{
    /* Its hostname_is_valid() does not know the underscore that others allow. */
    return spec->name && text_is_hostname(spec->name) && !strchr(spec->name, '_');
}

static int check_id_map(const ContainerSpec *spec, char *const *texts, size_t offset, Error *error)
{
    _cleanup_free_ IdMapping *map = calloc(1, sizeof(IdMapping));
    int r = map ? id_mapping_parse(texts, map, error) : -ENOMEM;

    if (r < 0)
        return error_prefix(error, r, "%s", spec_origin(spec, offset));
    if (id_mapping_to_host(map, 0) == ID_INVALID)
        return error_set(error, -EINVAL, "%s: the id 0 is not mapped, as whom the container is built",
                         spec_origin(spec, offset));
    return 0;
}

/* A profile may need ids that are nobody's on the host: the kernel's files below /proc ask whether somebody is root there,
 * and who has root's id is. */
static int validate_userns_for_profile(const ContainerSpec *spec, Error *error)
{
    UsernsMode mode = spec->userns.mode;
    size_t offset = spec->uid_maps   ? offsetof(ContainerSpec, uid_maps)
                    : spec->gid_maps ? offsetof(ContainerSpec, gid_maps)
                                     : offsetof(ContainerSpec, userns);

    if (!spec->profile->needs_user_namespace)
        return 0;
    if (!spec->uid_maps && !spec->gid_maps &&
        (mode == USERNS_DEFAULT || mode == USERNS_AUTO || (mode == USERNS_RANGE && spec->userns.base > 0)))
        return 0;
    return error_hint(error,
                      error_set(error, -EINVAL, "%s: the profile '%s' needs ids of its own, and %s gives it others",
                                spec_origin(spec, offsetof(ContainerSpec, profile_name)), spec->profile->name,
                                spec_origin(spec, offset)),
                      "leave it away, or use --userns=auto; without a boundary: --privileged");
}

/* What depends on there being a user namespace, and on who says how it looks. */
static int validate_userns(const ContainerSpec *spec, Error *error)
{
    size_t offset = spec->uid_maps ? offsetof(ContainerSpec, uid_maps) : offsetof(ContainerSpec, gid_maps);
    int r = validate_userns_for_profile(spec, error);

    if (r < 0)
        return r;
    if (spec->uid_maps || spec->gid_maps) {
        if (spec->userns.mode != USERNS_DEFAULT)
            return error_set(error, -EINVAL, "%s and %s exclude each other: both say how ids are mapped",
                             spec_origin(spec, offsetof(ContainerSpec, userns)), spec_origin(spec, offset));
        if (spec->uid_maps)
            r = check_id_map(spec, spec->uid_maps, offsetof(ContainerSpec, uid_maps), error);
        if (r == 0 && spec->gid_maps)
            r = check_id_map(spec, spec->gid_maps, offsetof(ContainerSpec, gid_maps), error);
    }
    for (size_t i = 0; r == 0 && i < spec->mounts.count; i++)
        if (spec->userns.mode == USERNS_HOST && spec->mounts.items[i].ids == MOUNT_IDS_MAP)
            r = error_set(error, -EINVAL, "%s: 'idmap' needs a user namespace, and %s says there is none",
                          spec->mounts.items[i].origin, spec_origin(spec, offsetof(ContainerSpec, userns)));
    return r;
}

bool spec_has_health_check(const ContainerSpec *spec)
{
    return spec->health_command && !spec->no_health_check && strcmp(spec->health_command[0], "NONE") != 0;
}

static int validate_health(const ContainerSpec *spec, Error *error)
{
    const struct {
        size_t offset;
        uint64_t value;
    } spans[] = {
        {offsetof(ContainerSpec, health_interval_usec), spec->health_interval_usec},
        {offsetof(ContainerSpec, health_timeout_usec), spec->health_timeout_usec},
        {offsetof(ContainerSpec, health_start_interval_usec), spec->health_start_interval_usec},
    };

    for (size_t i = 0; i < ELEMENTSOF(spans); i++)
        if (spans[i].value < HEALTH_SPAN_LEAST_USEC)
            return error_set(error, -EINVAL, "%s: a health check takes 10ms at least",
                             spec_origin(spec, spans[i].offset));
    /* Of an image that has a check, which the definition does not know yet. */
    if (spec->notify == NOTIFY_HEALTHY && !spec_has_health_check(spec) && (!spec->image || spec->health_command))
        return error_hint(error,
                          error_set(error, -EINVAL, "%s: there is no health check that could tell",
                                    spec_origin(spec, offsetof(ContainerSpec, notify))),
                          "--health-cmd= gives one");
    return 0;
}

/* What is published leads to an address of the container's own: who says nothing else gets one. */
static int choose_network(ContainerSpec *spec, Error *error)
{
    size_t offset = spec->ports ? offsetof(ContainerSpec, ports) : offsetof(ContainerSpec, publish_all);

    if (!spec->ports && !spec->publish_all)
        return 0;
    if (!spec_says(spec, offsetof(ContainerSpec, network)))
        spec->network.mode = NAMESPACE_BRIDGE;
    if (spec->network.mode == NAMESPACE_BRIDGE)
        return 0;
    return error_hint(error,
                      error_set(error, -EINVAL,
                                "%s: ports are published for a network of the container's own, and %s "
                                "gives it another one",
                                spec_origin(spec, offset), spec_origin(spec, offsetof(ContainerSpec, network))),
                      "use --network=bridge, or leave it away");
}

/* Which profile, from what is said of it and of the container. */
static int find_profile(ContainerSpec *spec, Error *error)
{
    const char *origin = spec_origin(spec, offsetof(ContainerSpec, profile_name));

    if (spec->bundle) {
        spec->profile = &profile_bundle;
        return 0;
    }
    spec->profile = profile_find(spec->profile_name ? spec->profile_name
                                 : spec->privileged ? "privileged"
                                 : spec->boot       ? "system"
                                                    : "application");
    if (!spec->profile)
        return error_hint(error, error_set(error, -EINVAL, "%s: '%s' is not a profile", origin, spec->profile_name),
                          "application, system, nested or privileged; berthctl show-profile tells what each is");
    if (spec->privileged && strcmp(spec->profile->name, "privileged") != 0)
        return error_set(error, -EINVAL, "%s and %s exclude each other", origin,
                         spec_origin(spec, offsetof(ContainerSpec, privileged)));
    spec->privileged = strcmp(spec->profile->name, "privileged") == 0;
    return 0;
}

/* A setting as who wrote it finds it: the option, or the key and its place in the file. */
static char *name_setting(const ContainerSpec *spec, size_t offset)
{
    const Setting *setting = setting_of(offset);
    const char *origin = spec_origin(spec, offset);

    return setting->key && origin[0] != '-' ? text_format("%s: %s=", origin, setting->key)
                                            : text_format("--%s", setting->option);
}

static int exclude(const ContainerSpec *spec, size_t one, size_t other, const char *why, Error *error)
{
    _cleanup_free_ char *first = name_setting(spec, one), *second = name_setting(spec, other);

    return first && second ? error_set(error, -EINVAL, "%s and %s exclude each other%s", first, second, why) : -ENOMEM;
}

/* Ids, SELinux categories and shared memory of a container are given to others when it has ended. Whoever has them, too,
 * must have ended by then, and the kernel sees to that only within one PID namespace. */
static int require_same_pid(const ContainerSpec *spec, size_t offset, const char *target, Error *error)
{
    if (!target || (spec->pid.mode == NAMESPACE_CONTAINER && strcmp(spec->pid.target, target) == 0))
        return 0;
    return error_hint(error,
                      error_set(error, -EINVAL, "%s: what belongs to '%s' can be had only by who ends with it",
                                spec_origin(spec, offset), target),
                      "--pid=container:%s sees to that", target);
}

static int validate_namespaces(const ContainerSpec *spec, Error *error)
{
    int r;

    if (spec->uts.mode != NAMESPACE_PRIVATE && spec_says(spec, offsetof(ContainerSpec, hostname)))
        return exclude(spec, offsetof(ContainerSpec, hostname), offsetof(ContainerSpec, uts),
                       ": the host name is that of others", error);
    if (spec->pid.mode != NAMESPACE_PRIVATE && spec->boot)
        return exclude(spec, offsetof(ContainerSpec, pid), offsetof(ContainerSpec, boot),
                       ": a system needs to be PID 1", error);
    if (spec->pid.mode != NAMESPACE_PRIVATE && spec->init)
        return exclude(spec, offsetof(ContainerSpec, pid), offsetof(ContainerSpec, init),
                       ": only PID 1 is given orphans to reap", error);
    if (spec->ipc.mode != NAMESPACE_PRIVATE && spec_says(spec, offsetof(ContainerSpec, shm_size_bytes)))
        return exclude(spec, offsetof(ContainerSpec, ipc), offsetof(ContainerSpec, shm_size_bytes),
                       ": /dev/shm is that of others", error);
    r = require_same_pid(spec, offsetof(ContainerSpec, ipc), spec->ipc.target, error);
    if (r == 0)
        r = require_same_pid(spec, offsetof(ContainerSpec, userns), spec->userns.target, error);
    if (r < 0)
        return r;
    STRV_FOREACH (offset, spec->time_offsets) {
        _cleanup_free_ char *line = NULL;

        r = time_offset_parse(*offset, &line, error);
        if (r < 0)
            return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, time_offsets)));
    }
    return 0;
}

static int validate_root_and_boot(const ContainerSpec *spec, Error *error)
{
    if (spec->restart.mode != RESTART_NO && spec->remove)
        return exclude(spec, offsetof(ContainerSpec, restart), offsetof(ContainerSpec, remove), "", error);
    if (spec->restart.mode != RESTART_NO && spec->log_driver == LOG_DRIVER_PASSTHROUGH)
        return exclude(spec, offsetof(ContainerSpec, restart), offsetof(ContainerSpec, log_driver),
                       ": the files of who started it are gone by then", error);
    if (!spec->boot && (spec->journal_link == JOURNAL_LINK_HOST || spec->journal_link == JOURNAL_LINK_GUEST))
        return error_set(error, -EINVAL, "%s: only a system that boots has a journal of its own",
                         spec_origin(spec, offsetof(ContainerSpec, journal_link)));
    if (spec->boot && spec->init)
        return exclude(spec, offsetof(ContainerSpec, boot), offsetof(ContainerSpec, init),
                       ": both decide what PID 1 is", error);
    if (spec->boot && spec->entrypoint && spec_says(spec, offsetof(ContainerSpec, entrypoint)) && !spec->image)
        return exclude(spec, offsetof(ContainerSpec, boot), offsetof(ContainerSpec, entrypoint), "", error);
    if (spec->reload_signal && spec->reload_command)
        return exclude(spec, offsetof(ContainerSpec, reload_signal), offsetof(ContainerSpec, reload_command), "",
                       error);
    if (spec->ephemeral && spec->volatile_mode != VOLATILE_NO)
        return exclude(spec, offsetof(ContainerSpec, ephemeral), offsetof(ContainerSpec, volatile_mode), "", error);
    if (spec->volatile_mode != VOLATILE_NO && spec->read_only)
        return exclude(spec, offsetof(ContainerSpec, volatile_mode), offsetof(ContainerSpec, read_only), "", error);
    return 0;
}

static int validate(ContainerSpec *spec, Error *error)
{
    static const char *const filters[] = {"default", "system", "nested", "unconfined"};
    bool known = !spec->seccomp_profile || spec->seccomp_profile[0] == '/';
    LogOptions log_options = {};
    int r;

    if (spec->image && spec->host_directory)
        return error_set(error, -EINVAL, "%s: a container runs an image or a directory, not both",
                         spec_origin(spec, offsetof(ContainerSpec, host_directory)));
    if (!spec->image && !spec->host_directory)
        return error_hint(error, error_set(error, -EINVAL, "nothing to run: neither an image nor --directory="),
                          "berthctl run IMAGE [COMMAND...], or berthctl run -D DIRECTORY [COMMAND...]");
    r = validate_root_and_boot(spec, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(filters) && !known; i++)
        known = strcmp(spec->seccomp_profile, filters[i]) == 0;
    if (!known)
        return error_set(
            error, -EOPNOTSUPP,
            "%s: '%s' is not a seccomp profile: default, system, nested, unconfined or the absolute path of a file",
            spec_origin(spec, offsetof(ContainerSpec, seccomp_profile)), spec->seccomp_profile);
    r = find_profile(spec, error);
    if (r == 0)
        r = validate_health(spec, error);
    if (r < 0)
        return r;
    if (spec->notify == NOTIFY_CONTAINER && spec->init)
        return error_set(error, -EINVAL,
                         "%s: with --init the program is not the container's first process, and only that "
                         "is believed",
                         spec_origin(spec, offsetof(ContainerSpec, notify)));
    if (spec->registration == REGISTER_YES && !spec_can_be_registered(spec))
        return error_set(error, -EINVAL, "%s: systemd-machined takes host names only, and '%s' is none",
                         spec_origin(spec, offsetof(ContainerSpec, registration)), spec->name);
    if (spec->slice && (!text_has_suffix(spec->slice, ".slice") || strchr(spec->slice, '/')))
        return error_set(error, -EINVAL, "%s: '%s' is not the name of a slice",
                         spec_origin(spec, offsetof(ContainerSpec, slice)), spec->slice);
    r = log_options_parse(spec->log_options, &log_options, error);
    if (r < 0)
        return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, log_options)));
    STRV_FOREACH (sysctl, spec->sysctls) {
        r = check_sysctl(spec, *sysctl, error);
        if (r < 0)
            return r;
    }
    r = validate_namespaces(spec, error);
    return r < 0 ? r : validate_userns(spec, error);
}

/* Defaults that depend on other settings. */
static int complete(ContainerSpec *spec)
{
    if (spec->stop_signal == 0)
        spec->stop_signal = spec->boot ? SIGRTMIN + 3 : SIGTERM;
    if (!spec_says(spec, offsetof(ContainerSpec, timeout_stop_usec)))
        spec->timeout_stop_usec = (spec->boot ? 90 : 10) * UINT64_C(1000000);
    if (spec->profile->needs_user_namespace && spec->userns.mode == USERNS_DEFAULT)
        spec->userns.mode = USERNS_AUTO;
    if (!spec_says(spec, offsetof(ContainerSpec, no_new_privileges)))
        spec->no_new_privileges = spec->profile->no_new_privileges;
    if (!spec->seccomp_profile) {
        spec->seccomp_profile = strdup(spec->profile->seccomp);
        if (!spec->seccomp_profile)
            return -ENOMEM;
    }
    if (!spec->hostname && spec->name && !spec->bundle) {
        spec->hostname = strdup(text_is_hostname(spec->name) ? spec->name : "container");
        if (!spec->hostname)
            return -ENOMEM;
    }
    return compute_capabilities(spec);
}

int spec_check_assignment(const SpecLayer *layer, const Assignment *assignment, Error *error)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = container_spec_new();

    return spec ? merge_assignment(spec, layer, assignment, error) : -ENOMEM;
}

int spec_layer_read_properties(const SpecLayer *layer, char ***ret, Error *error)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = container_spec_new();

    if (!spec)
        return -ENOMEM;
    for (size_t i = 0; i < layer->count; i++) {
        int r = layer->assignments[i].setting->offset == offsetof(ContainerSpec, properties)
                    ? merge_assignment(spec, layer, &layer->assignments[i], error)
                    : 0;

        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(spec->properties);
    return 0;
}

int spec_finish(SpecLayer *const *layers, size_t count, ContainerSpec **ret, Error *error)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = container_spec_new();
    int r;

    if (!spec)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < layers[i]->count; j++) {
            r = merge_assignment(spec, layers[i], &layers[i]->assignments[j], error);
            if (r < 0)
                return r;
        }
    drop_stale_command(spec, layers, count);
    r = validate(spec, error);
    if (r == 0)
        r = choose_network(spec, error);
    if (r == 0)
        r = complete(spec);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(spec);
    return 0;
}

int spec_format_setting(const ContainerSpec *spec, const Setting *setting, char ***ret)
{
    _cleanup_strv_ char **texts = NULL;
    int r;

    /* What is not said is not written: defaults may change between versions. Rows that share a member count as
     * said when any of them was. */
    if (setting->type != SETTING_MOUNT && setting->type != SETTING_PROPERTY &&
        !spec->origins[setting_number(setting)]) {
        *ret = NULL;
        return 0;
    }
    r = setting_format(spec, setting, &texts);
    if (r < 0)
        return r;
    /* Said to be empty: against what an image brings. */
    if (!texts &&
        (setting->type == SETTING_WORDS || setting->type == SETTING_LIST || setting->type == SETTING_PATH_LIST ||
         setting->type == SETTING_PORTS || setting->type == SETTING_ASSIGNMENTS ||
         setting->type == SETTING_ENVIRONMENT || setting->type == SETTING_CAPABILITIES ||
         setting->type == SETTING_ID_MAPS || setting->type == SETTING_HEALTH_COMMAND)) {
        texts = strv_new(NULL, NULL);
        if (!texts)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(texts);
    return 0;
}
