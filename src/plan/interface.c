/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a service manager, or a program that tells when it is ready, looks for below /run/host
 * (https://systemd.io/CONTAINER_INTERFACE). */

#include "plan/internal.h"

#include "base/text.h"

#define ORIGIN(member) spec_origin(planner->spec, offsetof(ContainerSpec, member))
#define DIRECTORY      "/run/host"
#define NOTIFY_NAME    "notify"

static void add_file(Planner *planner, const char *target, const char *content)
{
    Step *step = step_list_add(planner->list, STEP_FILE, ORIGIN(boot));

    step->file = (StepFile){
        .target = target,
        .content = step_list_string(planner->list, content),
        .mode = 0444,
    };
}

bool plan_has_notify_socket(const Planner *planner)
{
    return planner->spec->boot || planner->spec->notify == NOTIFY_CONTAINER;
}

bool plan_has_credentials(const Planner *planner, CredentialPlace place)
{
    for (size_t i = 0; i < planner->facts->credentials_count; i++)
        if (planner->facts->credentials[i].place == place)
            return true;
    return false;
}

/* On a file system that is never written to a disk (tmpfs may be swapped out, ramfs not). A system's first process is
 * root and hands them on; a program that runs as somebody else has to read them itself, and is alone in its container. */
static void plan_credentials(Planner *planner)
{
    bool is_shared = !planner->spec->boot && !text_is_empty(planner->spec->user);
    char *options[] = {(char *) (is_shared ? "mode=0755" : "mode=0700"), NULL};
    const char *origin = planner->spec->set_credentials ? ORIGIN(set_credentials) : ORIGIN(load_credentials);

    plan_add_mount(planner, origin, "ramfs", PLAN_CREDENTIALS, ATTRIBUTES_STRICT, options);
    for (size_t i = 0; i < planner->facts->credentials_count; i++) {
        const Credential *credential = &planner->facts->credentials[i];
        Step *step;

        if (credential->place != CREDENTIAL_DIRECTORY)
            continue;
        step = step_list_add(planner->list, STEP_CREDENTIAL, origin);
        step->credential = (StepCredential){
            .directory = PLAN_CREDENTIALS,
            .name = step_list_string(planner->list, credential->name),
            .mode = is_shared ? 0444 : 0400,
            .data = step_list_bytes(planner->list, credential->data, credential->size),
            .data_size = credential->size,
        };
    }
}

static void plan_boot_files(Planner *planner)
{
    _cleanup_free_ char *uuid = text_format("%.32s\n", planner->facts->machine_id);
    Step *step;

    add_file(planner, DIRECTORY "/container-manager", "berth\n");
    add_file(planner, DIRECTORY "/container-uuid", uuid);
    if (planner->facts->host_os_release)
        add_file(planner, DIRECTORY "/os-release", planner->facts->host_os_release);
    step = step_list_add(planner->list, STEP_INACCESSIBLE, ORIGIN(boot));
    step->inaccessible = (StepInaccessible){.directory = DIRECTORY "/inaccessible"};
}

/* Everything is in one small file system of its own, which is read-only once it is filled: before the user's mounts, so
 * that these may be below it. */
void plan_interface(Planner *planner)
{
    static char *const paths[] = {(char *) DIRECTORY, NULL};
    char *options[] = {(char *) "mode=0755", (char *) "size=4m", (char *) "nr_inodes=1k", NULL};
    const char *origin = planner->spec->boot               ? ORIGIN(boot)
                         : plan_has_notify_socket(planner) ? ORIGIN(notify)
                         : planner->spec->set_credentials  ? ORIGIN(set_credentials)
                                                           : ORIGIN(load_credentials);
    Step *step;

    if (!plan_has_notify_socket(planner) && !plan_has_credentials(planner, CREDENTIAL_DIRECTORY))
        return;
    plan_add_mount(planner, origin, "tmpfs", DIRECTORY, ATTRIBUTES_STRICT, options);
    if (plan_has_notify_socket(planner)) {
        step = step_list_add(planner->list, STEP_NOTIFY_SOCKET, origin);
        step->notify_socket = (StepNotifySocket){
            .directory = DIRECTORY,
            .name = NOTIFY_NAME,
            .label = step_list_string(planner->list, planner->facts->process_label),
        };
    }
    if (planner->spec->boot)
        plan_boot_files(planner);
    if (plan_has_credentials(planner, CREDENTIAL_DIRECTORY))
        plan_credentials(planner);
    step = step_list_add(planner->list, STEP_READ_ONLY, origin);
    step->read_only.paths = step_list_strings(planner->list, paths);
}
