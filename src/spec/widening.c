/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/widening.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define AT(member) offsetof(ContainerSpec, member)

/* Describes the payload, takes something away, or is about the container's own namespaces and unit. */
static const size_t harmless[] = {
    AT(name),
    AT(image),
    AT(hostname),
    AT(labels),
    AT(exposed_ports),
    AT(boot),
    AT(init),
    AT(detach),
    AT(interactive),
    AT(tty),
    AT(remove),
    AT(keep_unit),
    AT(log_driver),
    AT(registration),
    AT(timeout_start_usec),
    AT(timeout_stop_usec),
    AT(stop_signal),
    AT(reload_signal),
    AT(reload_command),
    AT(entrypoint),
    AT(command),
    AT(environment),
    AT(working_directory),
    AT(user),
    AT(limits),
    AT(read_only),
    AT(ephemeral),
    AT(volatile_mode),
    AT(masked_paths),
    AT(shm_size_bytes),
    AT(drop_capabilities),
    AT(sysctls),
    AT(time_offsets),
    AT(slice),
    AT(notify),
    AT(health_command),
    AT(no_health_check),
    AT(health_interval_usec),
    AT(health_timeout_usec),
    AT(health_start_period_usec),
    AT(health_start_interval_usec),
    AT(health_retries),
    AT(health_on_failure),
    AT(restart),
    AT(uuid),
    AT(set_credentials),
};

/* Depends on the value; value_widens() says how. */
static const size_t by_value[] = {AT(journal_link),
                                  AT(mounts),
                                  AT(network),
                                  AT(no_new_privileges),
                                  AT(seccomp_profile),
                                  AT(properties),
                                  AT(oom_score_adjust),
                                  AT(userns),
                                  AT(profile_name),
                                  AT(uts),
                                  AT(pid),
                                  AT(ipc)};

/* Widens whenever it is said. */
static const size_t widening[] = {
    AT(uid_maps),
    AT(gid_maps),
    AT(load_credentials),
    AT(secrets),
    AT(host_directory),
    AT(environment_files),
    AT(unmasked_paths),
    AT(add_capabilities),
    AT(privileged),
    AT(label_disabled),
    AT(label_file),
    AT(label_file_type),
    AT(label_level),
    AT(label_process),
    AT(label_role),
    AT(label_type),
    AT(label_user),
    AT(log_options),
    AT(ports),
    AT(publish_all),
    /* of bundles, which only root can hand in */
    AT(bundle),
    AT(capability_names[CAPABILITY_SET_BOUNDING]),
    AT(capability_names[CAPABILITY_SET_EFFECTIVE]),
    AT(capability_names[CAPABILITY_SET_INHERITABLE]),
    AT(capability_names[CAPABILITY_SET_PERMITTED]),
    AT(capability_names[CAPABILITY_SET_AMBIENT]),
    AT(additional_gids),
    AT(umask),
    AT(read_only_paths),
    AT(devices),
    AT(device_rules),
    AT(cgroup_files),
    AT(cgroup_path),
    AT(domainname),
    AT(seccomp_text),
    AT(shares_cgroup_namespace),
};

static bool is_among(const size_t *offsets, size_t count, size_t offset)
{
    for (size_t i = 0; i < count; i++)
        if (offsets[i] == offset)
            return true;
    return false;
}

bool setting_is_classified(const Setting *setting)
{
    return setting->type == SETTING_SECURITY /* becomes other settings */
           || is_among(harmless, ELEMENTSOF(harmless), setting->offset) ||
           is_among(by_value, ELEMENTSOF(by_value), setting->offset) ||
           is_among(widening, ELEMENTSOF(widening), setting->offset);
}

/* Limits and weights. Devices, files and programs can be said by the others. */
static bool property_is_limit(const char *assignment)
{
    static const char *const prefixes[] = {
        "Memory", "CPU", "IO", "Tasks", "AllowedCPUs=", "AllowedMemoryNodes=", "Description=", "OOMPolicy="};

    for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
        if (text_after_prefix(assignment, prefixes[i]))
            return true;
    return false;
}

static bool value_widens(const ContainerSpec *spec, size_t offset)
{
    if (offset == AT(mounts)) {
        for (size_t i = 0; i < spec->mounts.count; i++)
            if (spec->mounts.items[i].kind == MOUNT_KIND_BIND || spec->mounts.items[i].kind == MOUNT_KIND_OVERLAY)
                return true;
        return false;
    }
    /* Something of the container appears on the host. */
    if (offset == AT(journal_link))
        return spec->journal_link != JOURNAL_LINK_AUTO && spec->journal_link != JOURNAL_LINK_NO;
    if (offset == AT(network))
        return !spec_has_own_network(spec);
    if (offset == AT(uts))
        return spec->uts.mode != NAMESPACE_PRIVATE;
    if (offset == AT(pid))
        return spec->pid.mode != NAMESPACE_PRIVATE;
    if (offset == AT(ipc))
        return spec->ipc.mode != NAMESPACE_PRIVATE;
    /* Ids that somebody names are somebody's. */
    if (offset == AT(userns))
        return spec->userns.mode != USERNS_AUTO;
    if (offset == AT(no_new_privileges))
        return !spec->no_new_privileges && !spec->boot;
    if (offset == AT(seccomp_profile))
        return spec->seccomp_profile && strcmp(spec->seccomp_profile, "default") != 0 &&
               strcmp(spec->seccomp_profile, "system") != 0;
    if (offset == AT(profile_name))
        return strcmp(spec->profile->name, "application") != 0 && strcmp(spec->profile->name, "system") != 0;
    if (offset == AT(oom_score_adjust))
        return spec->oom_score_adjust.is_set && spec->oom_score_adjust.value < 0;
    STRV_FOREACH (property, spec->properties)
        if (!property_is_limit(*property))
            return true;
    return false;
}

/* Without one, root inside has the host's ids, and is held by capabilities and filters only. The default is one where the
 * host can, so it does not count: only who asks for one gets it or an error. */
static bool has_user_namespace(const ContainerSpec *spec)
{
    return spec->userns.mode == USERNS_AUTO;
}

int spec_list_widening(const ContainerSpec *spec, char ***ret)
{
    _cleanup_strv_ char **reasons = NULL;
    int r = has_user_namespace(spec) ? 0 : strv_append(&reasons, "no user namespace");

    for (size_t i = 0; r == 0 && i < settings_count; i++) {
        const Setting *setting = &settings[i];

        if (!spec->origins[i] || is_among(harmless, ELEMENTSOF(harmless), setting->offset))
            continue;
        if (is_among(by_value, ELEMENTSOF(by_value), setting->offset) && !value_widens(spec, setting->offset))
            continue;
        r = strv_append_format(&reasons, "%s= (%s)", setting->key ? setting->key : setting->option, spec->origins[i]);
    }
    if (r == 0)
        *ret = TAKE_PTR(reasons);
    return r;
}
