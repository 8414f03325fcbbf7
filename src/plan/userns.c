/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user namespace adds to a start. */

#include "plan/internal.h"

#include "base/strv.h"

static const char *userns_origin(const Planner *planner)
{
    const ContainerSpec *spec = planner->spec;

    return spec_origin(spec, spec->uid_maps   ? offsetof(ContainerSpec, uid_maps)
                             : spec->gid_maps ? offsetof(ContainerSpec, gid_maps)
                                              : offsetof(ContainerSpec, userns));
}

void plan_id_ranges(Planner *planner)
{
    const UsernsFacts *userns = &planner->facts->userns;

    for (size_t i = 0; i < userns->ranges_count; i++) {
        Step *step = step_list_add(planner->list, STEP_ID_RANGE, userns_origin(planner));

        step->id_range = (StepIdRange){
            .name = step_list_string(planner->list, planner->spec->name),
            .base = userns->ranges[i].base,
            .lock_fd = userns->ranges[i].lock_fd,
            .count = userns->ranges[i].count,
            .locks_fd = userns->locks_fd,
            .run_fd = planner->facts->run_fd,
        };
    }
}

static void add_map_tree(Planner *planner, const char *origin, uint64_t tree, uint64_t count, const char *host_path,
                         bool recursive)
{
    Step *step = step_list_add(planner->list, STEP_MAP_TREE, origin);

    step->map_tree = (StepMapTree){
        .tree = tree,
        .count = count,
        .host_path = step_list_string(planner->list, host_path),
        .recursive = recursive,
    };
}

static void plan_mount_ids(Planner *planner, size_t number)
{
    const MountSpec *mount = &planner->spec->mounts.items[number];

    if (!planner->facts->mounts[number].maps_ids)
        return;
    if (mount->kind == MOUNT_KIND_BIND)
        add_map_tree(planner, mount->origin, planner->mount_trees[number], 1, mount_source(mount),
                     !mount->not_recursive);
    if (mount->kind == MOUNT_KIND_OVERLAY)
        add_map_tree(planner, mount->origin, planner->mount_trees[number], strv_length(mount->host_layers),
                     mount->inside_path, false);
}

void plan_ids(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    const UsernsFacts *userns = &planner->facts->userns;
    Step *step;

    if (!planner_has_userns(planner))
        return;
    if (planner->facts->userns_fd) {
        step = step_list_add(planner->list, STEP_JOIN_USER, spec_origin(spec, offsetof(ContainerSpec, pid)));
        step->join_user =
            (StepJoinUser){.user_fd = planner->facts->userns_fd, .namespaces = plan_new_namespaces(planner)};
    }
    step = step_list_add(planner->list, STEP_ID_MAP, userns_origin(planner));
    step->id_map = (StepIdMap){
        .uid_map = step_list_strings(planner->list, userns->uid_map),
        .gid_map = step_list_strings(planner->list, userns->gid_map),
        .is_there = planner->facts->userns_fd != 0,
        .uid = userns->root_uid,
        .gid = userns->root_gid,
    };
    if (planner->data_tree && userns->maps_store)
        add_map_tree(planner, DEFAULT_ORIGIN, planner->data_tree, 1, "the image store", false);
    if (planner->root_tree && userns->maps_root)
        add_map_tree(planner, spec_origin(spec, offsetof(ContainerSpec, host_directory)), planner->root_tree, 1,
                     spec->host_directory, planner->root_is_recursive);
    for (size_t i = 0; i < spec->mounts.count; i++)
        plan_mount_ids(planner, i);
}

void plan_become_root(Planner *planner)
{
    if (planner_has_userns(planner))
        step_list_add(planner->list, STEP_BECOME_ROOT, userns_origin(planner));
}

/* "U" of a volume: with the rights of root inside, so that it changes only files of ids that are the container's. */
void plan_chown(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;

    for (size_t i = 0; i < spec->mounts.count; i++) {
        const MountSpec *mount = &spec->mounts.items[i];
        Step *step;

        if (!mount->chown)
            continue;
        step = step_list_add(planner->list, STEP_CHOWN_TREE, mount->origin);
        step->chown_tree = (StepChownTree){
            .tree = planner->mount_trees[i],
            .target = step_list_string(planner->list, mount->inside_path),
        };
    }
}
