/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's side of the root file system, and the root itself. */

#include "plan/internal.h"

#include "base/strv.h"
#include "spec/id-mapping.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#define CONTAINERS "containers" /* below the data directory */

static bool is_image(const Planner *planner)
{
    return planner->facts->layers != NULL;
}

static bool has_overlay(const Planner *planner)
{
    return is_image(planner) || planner->spec->ephemeral || planner->spec->volatile_mode == VOLATILE_OVERLAY;
}

/* Whether what the container writes goes to a directory of its own below containers/. A read-only root needs none:
 * its mount points are made in a tmpfs upper directory. */
static bool has_upper(const Planner *planner)
{
    const ContainerSpec *spec = planner->spec;

    if (spec->volatile_mode != VOLATILE_NO || spec->read_only)
        return false;
    return is_image(planner) || spec->ephemeral;
}

void plan_host_resources(Planner *planner)
{
    const HostFacts *facts = planner->facts;
    const ContainerSpec *spec = planner->spec;
    bool owns_cgroup = spec->boot || spec->profile->owns_cgroup;
    Step *step;

    if (facts->has_cgroup) {
        step = step_list_add(planner->list, STEP_CGROUP, spec_origin(spec, offsetof(ContainerSpec, slice)));
        step->cgroup = (StepCgroup){
            .name = step_list_string(planner->list, facts->cgroup_name),
            .root_fd = facts->cgroup_root_fd,
            .files = step_list_strings(planner->list, facts->cgroup_files),
            /* A service manager or an engine inside makes groups of its own. */
            .owner_uid = owns_cgroup && planner_has_userns(planner) ? facts->userns.root_uid : 0,
            .owner_gid = owns_cgroup && planner_has_userns(planner) ? facts->userns.root_gid : 0,
        };
        plan_bundle_cgroup(planner, &step->cgroup);
    }
    if (has_upper(planner)) {
        char *children[] = {(char *) "upper", (char *) "work", NULL};

        step = step_list_add(planner->list, STEP_DIRECTORY, spec_origin(spec, offsetof(ContainerSpec, ephemeral)));
        step->directory = (StepDirectory){
            .parent_fd = facts->data_fd,
            .name = step_list_format(planner->list, CONTAINERS "/%s", spec->name),
            .mode = 0700,
            .remove = spec->remove || spec->ephemeral,
            .children = step_list_strings(planner->list, children),
            .child_mode = facts->root_mode,
            .child_uid = facts->root_uid,
            .child_gid = facts->root_gid,
        };
    }
}

static uint64_t add_clone(Planner *planner, const char *origin, uint64_t source_fd, const char *host_path,
                          bool recursive)
{
    Step *step = step_list_add(planner->list, STEP_CLONE_TREE, origin);

    step->clone_tree = (StepCloneTree){
        .source_fd = source_fd,
        .host_path = step_list_string(planner->list, host_path),
        .recursive = recursive,
    };
    return ++planner->trees;
}

/* The layers of a user's overlay; of the writable one the directory that it is in, which also takes the work directory
 * that overlayfs needs on the same file system. */
static void plan_overlay_trees(Planner *planner, size_t number)
{
    const MountSpec *mount = &planner->spec->mounts.items[number];
    const MountFacts *facts = &planner->facts->mounts[number];
    Step *step;

    for (size_t i = 0; mount->host_layers[i]; i++) {
        uint64_t tree = add_clone(planner, mount->origin, facts->layer_fds[i], mount->host_layers[i], false);

        if (i == 0)
            planner->mount_trees[number] = tree;
    }
    if (mount->read_only)
        return;
    step = step_list_add(planner->list, STEP_DIRECTORY, mount->origin);
    step->directory = (StepDirectory){
        .parent_fd = facts->layer_fds[strv_length(mount->host_layers) - 1],
        .name = plan_overlay_work_name(planner, number),
        .mode = 0700,
        .remove = true,
    };
}

void plan_host_trees(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;

    if (is_image(planner) || has_upper(planner))
        planner->data_tree = add_clone(planner, DEFAULT_ORIGIN, planner->facts->data_fd, "the image store", false);
    planner->root_is_recursive = !has_overlay(planner);
    if (!is_image(planner))
        planner->root_tree = add_clone(planner, spec_origin(spec, offsetof(ContainerSpec, host_directory)),
                                       planner->facts->directory_fd, spec->host_directory, planner->root_is_recursive);
    if (planner->facts->journal_fd)
        planner->journal_tree = add_clone(planner, spec_origin(spec, offsetof(ContainerSpec, journal_link)),
                                          planner->facts->journal_fd, "the journal", false);
    if (planner->facts->shm_fd) {
        Step *step = step_list_add(planner->list, STEP_CLONE_TREE, spec_origin(spec, offsetof(ContainerSpec, ipc)));

        step->clone_tree = (StepCloneTree){
            .source_fd = planner->facts->shm_fd, .host_path = "/dev/shm", .is_clone = planner->facts->is_shm_cloned};
        planner->shm_tree = ++planner->trees;
    }
    for (size_t i = 0; i < spec->mounts.count; i++) {
        const MountSpec *mount = &spec->mounts.items[i];

        if (mount->kind == MOUNT_KIND_BIND)
            planner->mount_trees[i] = add_clone(planner, mount->origin, planner->facts->mounts[i].source_fd,
                                                mount_source(mount), !mount->not_recursive);
        if (mount->kind == MOUNT_KIND_OVERLAY)
            plan_overlay_trees(planner, i);
    }
}

/* The lines of /proc/PID/timens_offsets. */
static const char **time_offsets(Planner *planner)
{
    _cleanup_strv_ char **lines = NULL;

    STRV_FOREACH (offset, planner->spec->time_offsets) {
        char *line = NULL;

        if (time_offset_parse(*offset, &line, NULL) < 0 || strv_push(&lines, line) < 0) {
            planner->list->failed = -ENOMEM;
            return NULL;
        }
    }
    return step_list_strings(planner->list, lines);
}

/* What is most likely to be the reason when the namespaces cannot be had. */
static const char *start_origin(const ContainerSpec *spec)
{
    return spec_origin(spec, spec->time_offsets ? offsetof(ContainerSpec, time_offsets)
                             : spec->pid.target ? offsetof(ContainerSpec, pid)
                             : spec->uts.target ? offsetof(ContainerSpec, uts)
                                                : offsetof(ContainerSpec, network));
}

/* Where the payload is moved into a cgroup, that namespace is made behind the move: its root is the group that one is in
 * (STEP_JOIN_CGROUP). */
uint64_t plan_new_namespaces(const Planner *planner)
{
    const ContainerSpec *spec = planner->spec;

    return CLONE_NEWNS | (spec->pid.mode == NAMESPACE_PRIVATE ? CLONE_NEWPID : 0) |
           (spec->ipc.mode == NAMESPACE_PRIVATE ? CLONE_NEWIPC : 0) |
           (spec->uts.mode == NAMESPACE_PRIVATE ? CLONE_NEWUTS : 0) | (spec_has_own_network(spec) ? CLONE_NEWNET : 0) |
           (planner->facts->has_cgroup ? 0 : CLONE_NEWCGROUP) |
           (planner_has_userns(planner) && !planner->facts->userns_fd ? CLONE_NEWUSER : 0);
}

void plan_start(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step = step_list_add(planner->list, STEP_START, start_origin(spec));

    /* Whoever joins a user namespace makes the others there: what is made before is the host's. */
    step->start.namespaces = planner->facts->userns_fd ? 0 : plan_new_namespaces(planner);
    step->start.pid_fd = planner->facts->pid_fd;
    step->start.ipc_fd = planner->facts->ipc_fd;
    step->start.network_fd = planner->facts->network_fd;
    step->start.uts_fd = planner->facts->uts_fd;
    step->start.time_offsets = time_offsets(planner);
}

/* Device nodes of a tree or an image are data: the devices of a container are those of its own /dev. */
static uint64_t root_attributes(const Planner *planner)
{
    return planner->spec->profile->has_all_devices ? 0 : (uint64_t) MOUNT_ATTR_NODEV;
}

/* The host's id of one inside; root's for one that is not mapped. */
static uint64_t on_host(char *const *texts, uint64_t id, uint32_t root_id)
{
    _cleanup_free_ IdMapping *map = texts ? calloc(1, sizeof(IdMapping)) : NULL;
    uint32_t host_id = ID_INVALID;

    if (!texts)
        return id;
    if (map && id_mapping_parse(texts, map, NULL) == 0)
        host_id = id_mapping_to_host(map, (uint32_t) id);
    return host_id == ID_INVALID ? root_id : host_id;
}

static void plan_root_overlay(Planner *planner)
{
    const HostFacts *facts = planner->facts;
    const ContainerSpec *spec = planner->spec;
    Step *step = step_list_add(planner->list, STEP_ROOT_OVERLAY,
                               is_image(planner) ? spec_origin(spec, offsetof(ContainerSpec, image))
                                                 : spec_origin(spec, offsetof(ContainerSpec, host_directory)));
    size_t count = strv_length(facts->layers);
    char **highest_first = calloc(count + 1, sizeof(char *));

    if (!highest_first) {
        planner->list->failed = -ENOMEM;
        return;
    }
    step->is_outer = planner_has_userns(planner);
    for (size_t i = 0; i < count; i++)
        highest_first[i] = facts->layers[count - 1 - i];
    step->root_overlay = (StepRootOverlay){
        .lower = is_image(planner) ? step_list_strings(planner->list, highest_first) : NULL,
        .upper = has_upper(planner) ? step_list_format(planner->list, CONTAINERS "/%s", spec->name) : NULL,
        .data_tree = planner->data_tree,
        .tree = planner->root_tree,
        .attributes = root_attributes(planner),
        .root_mode = facts->root_mode,
        .root_uid = on_host(facts->userns.uid_map, facts->root_uid, facts->userns.root_uid),
        .root_gid = on_host(facts->userns.gid_map, facts->root_gid, facts->userns.root_gid),
        .label = step_list_string(planner->list, facts->file_label),
    };
    free(highest_first);
}

/* --volatile=yes: an empty root with the tree's /usr, as systemd-nspawn(1) has it: the system sets up the rest. */
static void plan_root_volatile(Planner *planner)
{
    static const char *const links[][2] = {
        {"/bin", "usr/bin"}, {"/sbin", "usr/sbin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}};
    Step *step = step_list_add(planner->list, STEP_ROOT_TREE,
                               spec_origin(planner->spec, offsetof(ContainerSpec, volatile_mode)));

    step->root_tree =
        (StepRootTree){.tree = planner->root_tree, .volatile_usr = true, .attributes = root_attributes(planner)};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        step = step_list_add(planner->list, STEP_SYMLINK,
                             spec_origin(planner->spec, offsetof(ContainerSpec, volatile_mode)));
        step->symlink = (StepSymlink){.target = step_list_string(planner->list, links[i][0]),
                                      .content = step_list_string(planner->list, links[i][1])};
    }
}

/* Nothing that is mounted from here on may travel back to the host; a system container gets its own shared tree below
 * (plan_enter()). */
static void plan_private_mounts(Planner *planner, bool is_outer)
{
    Step *step = step_list_add(planner->list, STEP_PROPAGATION, DEFAULT_ORIGIN);

    step->propagation = (StepPropagation){.path = "/", .propagation = 1 << 18 /* MS_PRIVATE */};
    step->is_outer = is_outer;
}

void plan_root(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step;

    /* Overlayfs acts with the rights of who mounted it: with those of a user namespace it could not read the attributes
     * that whiteouts are made of (trusted.overlay). */
    if (has_overlay(planner)) {
        plan_private_mounts(planner, planner_has_userns(planner));
        plan_root_overlay(planner);
        plan_become_root(planner);
    } else {
        plan_become_root(planner);
        plan_private_mounts(planner, false);
        if (spec->volatile_mode == VOLATILE_YES)
            plan_root_volatile(planner);
        else {
            step = step_list_add(planner->list, STEP_ROOT_TREE,
                                 spec_origin(spec, offsetof(ContainerSpec, host_directory)));
            step->root_tree = (StepRootTree){.tree = planner->root_tree,
                                             .attributes = root_attributes(planner),
                                             .read_only = spec->read_only && !spec->bundle};
        }
    }
    if (spec->volatile_mode == VOLATILE_STATE) {
        char *options[] = {(char *) "mode=0755", NULL};

        plan_add_mount(planner, spec_origin(spec, offsetof(ContainerSpec, volatile_mode)), "tmpfs", "/var",
                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
    }
}
