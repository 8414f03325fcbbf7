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

/* Everything is in one small file system of its own, which is read-only once it is filled: before the user's mounts, so
 * that these may be below it. */
void plan_interface(Planner *planner)
{
    static char *const paths[] = {(char *) DIRECTORY, NULL};
    char *options[] = {(char *) "mode=0755", (char *) "size=4m", (char *) "nr_inodes=1k", NULL};
    const char *origin = planner->spec->boot ? ORIGIN(boot) : ORIGIN(notify);
    _cleanup_free_ char *uuid = text_format("%.32s\n", planner->facts->machine_id);
    Step *step;

    if (!plan_has_notify_socket(planner))
        return;
    plan_add_mount(planner, origin, "tmpfs", DIRECTORY, ATTRIBUTES_STRICT, options);
    step = step_list_add(planner->list, STEP_NOTIFY_SOCKET, origin);
    step->notify_socket = (StepNotifySocket){.directory = DIRECTORY, .name = NOTIFY_NAME};
    if (planner->spec->boot) {
        add_file(planner, DIRECTORY "/container-manager", "berth\n");
        add_file(planner, DIRECTORY "/container-uuid", uuid);
        if (planner->facts->host_os_release)
            add_file(planner, DIRECTORY "/os-release", planner->facts->host_os_release);
        step = step_list_add(planner->list, STEP_INACCESSIBLE, origin);
        step->inaccessible = (StepInaccessible){.directory = DIRECTORY "/inaccessible"};
    }
    step = step_list_add(planner->list, STEP_READ_ONLY, origin);
    step->read_only.paths = step_list_strings(planner->list, paths);
}
