/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entering the root and becoming the payload. */

#include "plan/internal.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN(member) spec_origin(planner->spec, offsetof(ContainerSpec, member))

void plan_enter(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step = step_list_add(planner->list, STEP_PIVOT, ORIGIN(read_only));

    step->pivot.read_only = spec->read_only;
    if (spec->boot) {
        /* A service manager expects shared propagation between its own units (systemd.exec(5)). */
        step = step_list_add(planner->list, STEP_PROPAGATION, ORIGIN(boot));
        step->propagation = (StepPropagation){.path = "/", .propagation = 1 << 20 /* MS_SHARED */};
    }
    if (planner->facts->has_cgroup) {
        step = step_list_add(planner->list, STEP_JOIN_CGROUP, DEFAULT_ORIGIN);
        step->join_cgroup =
            (StepJoinCgroup){.mount = true, .read_only = !spec->boot && !spec->profile->has_writable_cgroup};
        plan_bundle_join_cgroup(planner, &step->join_cgroup);
    }
    if ((spec->hostname || spec->domainname) && spec->uts.mode == NAMESPACE_PRIVATE) {
        step = step_list_add(planner->list, STEP_HOSTNAME, ORIGIN(hostname));
        step->hostname.name = step_list_string(planner->list, spec->hostname);
        step->hostname.domain = step_list_string(planner->list, spec->domainname);
    }
    if (spec->network.mode == NAMESPACE_PRIVATE || spec->network.mode == NAMESPACE_BRIDGE)
        step_list_add(planner->list, STEP_LOOPBACK, ORIGIN(network));
    if (spec->network.mode == NAMESPACE_BRIDGE) {
        step = step_list_add(planner->list, STEP_LINK, ORIGIN(network));
        step->link = (StepLink){
            .name = "eth0",
            .prefix = NETWORK_LINK_PREFIX,
            .alternative_name = step_list_format(planner->list, "berth-%s", spec->name),
            .bridge = planner->facts->network.bridge,
            .network = planner->facts->network.network,
            .prefix_length = planner->facts->network.prefix_length,
            .network6 = step_list_string(planner->list, planner->facts->network.network6),
        };
        if (planner->facts->network.ports) {
            step = step_list_add(planner->list, STEP_PUBLISH, spec->ports ? ORIGIN(ports) : ORIGIN(publish_all));
            step->publish = (StepPublish){
                .ports = step_list_strings(planner->list, planner->facts->network.ports),
                .owner = step_list_string(planner->list, spec->name),
            };
        }
    }
    if (planner->facts->process_label) {
        step = step_list_add(planner->list, STEP_LABEL, ORIGIN(label_process));
        step->label.process = step_list_string(planner->list, planner->facts->process_label);
    }
    step_list_add(planner->list, STEP_KEYRING, DEFAULT_ORIGIN);
}

static void plan_limits(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step;

    for (size_t i = 0; i < spec->limits.count; i++) {
        step = step_list_add(planner->list, STEP_RLIMIT, ORIGIN(limits));
        step->is_outer = planner_has_userns(planner);
        step->rlimit = (StepRlimit){.resource = (uint64_t) spec->limits.items[i].resource,
                                    .soft = spec->limits.items[i].soft,
                                    .hard = spec->limits.items[i].hard};
    }
    if (spec->oom_score_adjust.is_set) {
        step = step_list_add(planner->list, STEP_OOM_SCORE, ORIGIN(oom_score_adjust));
        step->is_outer = planner_has_userns(planner);
        step->oom_score.score_plus_1000 = (uint64_t) (spec->oom_score_adjust.value + 1000);
    }
}

static bool is_secret_variable(const Planner *planner, const char *assignment)
{
    for (size_t i = 0; i < planner->facts->credentials_count; i++) {
        const Credential *credential = &planner->facts->credentials[i];
        size_t length = strlen(credential->name);

        if (credential->place == CREDENTIAL_VARIABLE && strncmp(assignment, credential->name, length) == 0 &&
            assignment[length] == '=')
            return true;
    }
    return false;
}

/* Where the caller's environment goes on top of what every payload gets, but for what is a secret. */
static const char **environment(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    _cleanup_strv_ char **list = NULL;
    const char *term = planner->facts->terminal_type;
    char watchdog[32] = "";
    bool tells = plan_has_notify_socket(planner);

    /* Whoever says that it is ready says that it is alive. */
    if (planner->facts->watchdog_usec > 0 && spec->notify == NOTIFY_CONTAINER && !spec->boot)
        snprintf(watchdog, sizeof(watchdog), "%llu", (unsigned long long) planner->facts->watchdog_usec);
    const char *const defaults[][2] = {
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"container", "berth"},
        {"TERM", spec->tty || spec->boot ? (term ? term : "xterm") : NULL},
        {"HOSTNAME", spec->boot || spec->uts.mode != NAMESPACE_PRIVATE ? NULL : spec->hostname},
        {"container_uuid", spec->boot ? planner->facts->machine_id : NULL},
        {"NOTIFY_SOCKET", tells ? "/run/host/notify" : NULL},
        {"CREDENTIALS_DIRECTORY", plan_has_credentials(planner, CREDENTIAL_DIRECTORY) ? PLAN_CREDENTIALS : NULL},
        {"WATCHDOG_USEC", watchdog[0] ? watchdog : NULL},
    };
    int r = 0;

    for (size_t i = 0; !spec->bundle && i < ELEMENTSOF(defaults) && r == 0; i++) {
        _cleanup_free_ char *prefix = text_format("%s=", defaults[i][0]);
        bool given = false;

        STRV_FOREACH (item, spec->environment)
            given = given || (prefix && text_after_prefix(*item, prefix));
        if (!given && defaults[i][1] && !is_secret_variable(planner, prefix ? prefix : ""))
            r = strv_append_format(&list, "%s=%s", defaults[i][0], defaults[i][1]);
    }
    if (r == 0 && spec->boot)
        r = strv_extend(&list, planner->facts->host_environment);
    STRV_FOREACH (item, spec->environment)
        if (r == 0 && !is_secret_variable(planner, *item))
            r = strv_append(&list, *item);
    if (r < 0)
        planner->list->failed = r;
    return step_list_strings(planner->list, list);
}

static void plan_exec(Planner *planner)
{
    /* The first that is there is booted, in the order that systemd's own tools try. */
    static char *const candidates[] = {(char *) "/usr/lib/systemd/systemd", (char *) "/lib/systemd/systemd",
                                       (char *) "/usr/sbin/init", (char *) "/sbin/init", NULL};
    const ContainerSpec *spec = planner->spec;
    _cleanup_strv_ char **argv = NULL;
    Step *step = step_list_add(planner->list, STEP_EXEC, spec->boot ? ORIGIN(boot) : ORIGIN(command));
    int r = 0;

    if (!spec->boot)
        r = strv_extend(&argv, spec->entrypoint);
    if (r == 0)
        r = strv_extend(&argv, spec->command);
    if (r < 0)
        planner->list->failed = r;
    step->exec = (StepExec){
        .argv = step_list_strings(planner->list, argv),
        .environment = environment(planner),
        .secrets = plan_secret_variables(planner),
        .init = spec->init,
        .init_fd = spec->init ? planner->facts->init_fd : 0,
        .umask_plus_one = spec->umask.is_set ? (uint64_t) spec->umask.value + 1 : 0,
        .candidates = spec->boot ? step_list_strings(planner->list, candidates) : NULL,
    };
}

static void plan_seccomp(Planner *planner)
{
    Step *step;

    if (planner->facts->seccomp_size == 0)
        return;
    step = step_list_add(planner->list, STEP_SECCOMP, ORIGIN(seccomp_profile));
    step->seccomp = (StepSeccomp){
        .profile = step_list_string(planner->list, planner->spec->seccomp_profile),
        .program = step_list_bytes(planner->list, planner->facts->seccomp_program, planner->facts->seccomp_size),
        .program_size = planner->facts->seccomp_size,
    };
}

static void plan_capabilities(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    uint64_t available = planner->facts->available_capabilities;
    Step *step = step_list_add(planner->list, STEP_CAPABILITIES,
                               spec->bundle ? ORIGIN(capability_names[0]) : ORIGIN(add_capabilities));

    step->capabilities =
        (StepCapabilities){.bounding = spec->capabilities & available, .last = planner->facts->last_capability};
    if (!spec->bundle)
        return;
    step->capabilities.is_exact = true;
    step->capabilities.effective = spec->capability_sets[CAPABILITY_SET_EFFECTIVE] & available;
    step->capabilities.permitted = spec->capability_sets[CAPABILITY_SET_PERMITTED] & available;
    step->capabilities.inheritable = spec->capability_sets[CAPABILITY_SET_INHERITABLE] & available;
    step->capabilities.ambient = spec->capability_sets[CAPABILITY_SET_AMBIENT] & available;
}

void plan_process(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step;

    plan_limits(planner);
    step = step_list_add(planner->list, STEP_WORKING_DIRECTORY, ORIGIN(working_directory));
    step->working_directory = (StepWorkingDirectory){
        .path = step_list_string(planner->list, spec->working_directory ? spec->working_directory : "/"),
        .create = planner->facts->layers != NULL,
    };
    /* seccomp(2): without no_new_privs a filter needs CAP_SYS_ADMIN, so it goes in before the capabilities go. */
    if (!spec->no_new_privileges)
        plan_seccomp(planner);
    step = step_list_add(planner->list, STEP_IDENTITY, ORIGIN(user));
    step->identity.user = step_list_string(planner->list, text_is_empty(spec->user) ? "0:0" : spec->user);
    step->identity.is_exact = spec->bundle;
    step->identity.groups = step_list_strings(planner->list, spec->additional_gids);
    plan_chown(planner);
    plan_capabilities(planner);
    if (spec->no_new_privileges) {
        step_list_add(planner->list, STEP_NO_NEW_PRIVILEGES, ORIGIN(no_new_privileges));
        plan_seccomp(planner);
    }
    plan_exec(planner);
}
