/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include "base/strv.h"
#include "plan/internal.h"

#include <errno.h>
#include <string.h>

/* The order of a start. A contributor may only lean on what stands above it. */
static void (*const contributors[])(Planner *) = {
    /* host */
    plan_id_ranges,      /* the ids that it has to itself */
    plan_host_resources, /* the cgroup, the container's own directory */
    plan_host_trees,     /* detached clones of what will be mounted inside */
    plan_device_tree,    /* device nodes, where none can be made inside */
    plan_start,          /* the new namespaces */
    plan_supervise,
    /* outside, while the first process waits: its ids, and mounts that show files as theirs */
    plan_ids,
    /* inside, still able to see the host's mounts */
    plan_root,                                  /* an overlay outside too: it is of the host's user namespace */
    plan_api_mounts,                            /* /proc, /sys, /dev and what belongs to them */
    plan_devices, plan_journal, plan_interface, /* and /run/host */
    plan_files, plan_user_mounts,               /* may cover any of the above, as asked */
    plan_bundle_devices,                        /* where the user's mounts are all there is */
    plan_secrets,                               /* and nothing covers these */
    plan_terminal,
    plan_kernel_paths, /* sysctls, then masks and read-only paths: after user mounts, which must not uncover */
    /* inside, the host out of sight */
    plan_enter,   /* the root, the cgroup, host name, loopback */
    plan_await,   /* its start, where that is said separately */
    plan_process, /* limits, identity, privileges given up, the program */
};

const char **plan_labelled_options(Planner *planner, const char *type, char *const *options)
{
    bool is_labelled = planner->facts->file_label &&
                       (strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0 || strcmp(type, "devpts") == 0);
    _cleanup_strv_ char **all = NULL;

    if (strv_extend(&all, options) < 0 ||
        (is_labelled && strv_append_format(&all, "context=%s", planner->facts->file_label) < 0)) {
        planner->list->failed = -ENOMEM;
        return NULL;
    }
    return step_list_strings(planner->list, all);
}

void plan_add_mount(Planner *planner, const char *origin, const char *type, const char *target, uint64_t attributes,
                    char *const *options)
{
    Step *step = step_list_add(planner->list, STEP_MOUNT, origin);

    step->mount = (StepMount){
        .type = step_list_string(planner->list, type),
        .target = step_list_string(planner->list, target),
        .options = plan_labelled_options(planner, type, options),
        .attributes = attributes,
    };
}

static int check_slots(const StepList *plan, size_t number, bool *written, Error *error)
{
    const StepKindRow *row = &step_kinds[plan->steps[number].kind];

    for (size_t i = 0; i < ELEMENTSOF(row->reads) && row->reads[i] != SLOT_NONE; i++)
        if (!written[row->reads[i]])
            return error_set(error, -EBADMSG, "step %zu (%s) reads the slot '%s' before anything wrote it", number,
                             row->name, step_slot_name(row->reads[i]));
    for (size_t i = 0; i < ELEMENTSOF(row->writes) && row->writes[i] != SLOT_NONE; i++) {
        if (written[row->writes[i]])
            return error_set(error, -EBADMSG, "step %zu (%s) writes the slot '%s' a second time", number, row->name,
                             step_slot_name(row->writes[i]));
        written[row->writes[i]] = true;
    }
    return 0;
}

int plan_check(const StepList *plan, Error *error)
{
    bool written[_SLOT_MAX] = {};
    unsigned counts[_STEP_KIND_MAX] = {};
    bool inner = false;

    for (size_t i = 0; i < plan->count; i++) {
        StepKind kind = plan->steps[i].kind;
        int r = check_slots(plan, i, written, error);

        if (r < 0)
            return r;
        counts[kind]++;
        if (plan->steps[i].is_outer && !step_kinds[kind].may_be_outer)
            return error_set(error, -EBADMSG, "step %zu (%s) cannot be done from outside", i, step_kinds[kind].name);
        if (step_where(&plan->steps[i]) == STEP_OUTER && kind != STEP_ID_MAP && kind != STEP_LINK &&
            kind != STEP_PUBLISH && !written[SLOT_IDS])
            return error_set(error, -EBADMSG, "step %zu (%s) is done from outside before there are ids", i,
                             step_kinds[kind].name);
        if (inner && step_kinds[kind].where == STEP_HOST)
            return error_set(error, -EBADMSG, "step %zu (%s) runs on the host but stands behind an inner step", i,
                             step_kinds[kind].name);
        inner = inner || step_where(&plan->steps[i]) != STEP_HOST;
    }
    if (counts[STEP_START] + counts[STEP_JOIN_START] != 1 || counts[STEP_EXEC] != 1 || counts[STEP_SUPERVISE] != 1)
        return error_set(error, -EBADMSG, "a plan needs one start, one supervise and one exec step");
    if (plan->steps[plan->count - 1].kind != STEP_EXEC)
        return error_set(error, -EBADMSG, "the last step must be exec");
    return 0;
}

int plan_make(const ContainerSpec *spec, const HostFacts *facts, StepList *ret, Error *error)
{
    _cleanup_free_ uint64_t *mount_trees = calloc(spec->mounts.count + 1, sizeof(uint64_t));
    StepList list = {};
    Planner planner = {.spec = spec, .facts = facts, .list = &list, .mount_trees = mount_trees};
    int r;

    if (!mount_trees)
        return -ENOMEM;
    if (!facts->directory_fd == !facts->layers)
        return error_set(error, -EINVAL, "a root is either a directory or an image's layers");
    for (size_t i = 0; i < ELEMENTSOF(contributors); i++)
        contributors[i](&planner);
    r = list.failed ? list.failed : plan_check(&list, error);
    if (r < 0) {
        step_list_done(&list);
        return r;
    }
    *ret = list;
    return 0;
}
