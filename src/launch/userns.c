/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which ids a container has on the host, and which of its files can be seen through them. */

#include "launch/internal.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/idranges.h"
#include "kernel/idmap.h"
#include "spec/id-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SUBIDS_MAX_BYTES (1U << 20)
/* For one who says which ids: more would be no container's any more. */
#define SHARED_RANGES_MAX 64
#define TTY_GROUP         5

typedef struct Userns {
    Launch *launch;
    const char *origin;
    IdMapping uids, gids;
    IdRanges ranges;
    char *subuid, *subgid;
} Userns;

static void userns_done(Userns *userns)
{
    safe_close(userns->ranges.registry_fd);
    free(userns->subuid);
    free(userns->subgid);
}

static const char *origin_of(const ContainerSpec *spec)
{
    return spec_origin(spec, spec->uid_maps   ? offsetof(ContainerSpec, uid_maps)
                             : spec->gid_maps ? offsetof(ContainerSpec, gid_maps)
                                              : offsetof(ContainerSpec, userns));
}

/* The lock travels with the plan; the supervisor holds it as long as the container lives. */
static int keep_range(Userns *userns, uint32_t base, int lock_fd)
{
    UsernsFacts *facts = &userns->launch->facts.userns;
    IdRangeFacts *larger, *last = facts->ranges_count > 0 ? &facts->ranges[facts->ranges_count - 1] : NULL;
    /* Only the plan is asked for: nothing was taken. */
    uint64_t place = lock_fd < 0 ? 0 : fd_list_add(&userns->launch->fds, lock_fd, true);

    if (lock_fd >= 0 && place == 0)
        return -EMFILE;
    if (last && last->base + last->count * IDRANGES_SIZE == base &&
        (place == 0 || last->lock_fd + last->count == place)) {
        last->count++;
        return 0;
    }
    larger = reallocarray(facts->ranges, facts->ranges_count + 1, sizeof(IdRangeFacts));
    if (!larger)
        return -ENOMEM;
    facts->ranges = larger;
    facts->ranges[facts->ranges_count++] = (IdRangeFacts){.base = base, .lock_fd = place, .count = 1};
    return 0;
}

static int open_ranges(Userns *userns, Error *error)
{
    Launch *launch = userns->launch;
    int fd = -EBADF, r;

    /* Whoever has ids of /etc/subuid may be anybody: a user's own containers. */
    (void) file_read_at(AT_FDCWD, "/etc/subuid", SUBIDS_MAX_BYTES, &userns->subuid, NULL);
    (void) file_read_at(AT_FDCWD, "/etc/subgid", SUBIDS_MAX_BYTES, &userns->subgid, NULL);
    userns->ranges = (IdRanges){.locks_fd = -EBADF,
                                .registry_fd = idranges_open_registry(),
                                .run_fd = launch->request.roster->run_fd,
                                .subuid = userns->subuid,
                                .subgid = userns->subgid};
    if (launch->is_probe)
        return 0;
    r = idranges_open_locks(&fd);
    if (r < 0)
        return error_set(error, r, "cannot open the directory where ranges of ids are taken: %s", strerror(-r));
    userns->ranges.locks_fd = fd;
    launch->id_locks_fd = fd;
    launch->facts.userns.locks_fd = fd_list_add(&launch->fds, fd, true);
    return 0;
}

static int take_range(Userns *userns, uint32_t *ret_base, Error *error)
{
    Launch *launch = userns->launch;
    int fd = -EBADF, r;

    r = open_ranges(userns, error);
    if (r < 0)
        return r;
    r = idranges_take(&userns->ranges, launch->request.spec->name, ret_base, launch->is_probe ? NULL : &fd);
    if (r == -EBUSY)
        return error_hint(error, error_set(error, r, "%s: no range of 65536 ids is free", userns->origin),
                          "a line berth:FIRST:COUNT in /etc/subuid gives others");
    if (r < 0)
        return error_set(error, r, "cannot take a range of ids: %s", strerror(-r));
    return keep_range(userns, *ret_base, fd);
}

/* Ids that somebody named are kept from those who take what is free. Below the first 64 Ki they are the host's own. */
static int share_ranges(Userns *userns, const IdMapping *map, Error *error)
{
    for (size_t i = 0; i < map->count; i++) {
        uint32_t first = map->extents[i].host / IDRANGES_SIZE;
        uint32_t last = (map->extents[i].host + (map->extents[i].count - 1)) / IDRANGES_SIZE;

        if (last - first >= SHARED_RANGES_MAX)
            return error_set(error, -E2BIG, "%s: more than %u ids in one range", userns->origin,
                             SHARED_RANGES_MAX * IDRANGES_SIZE);
        for (uint32_t number = first == 0 ? 1 : first; number <= last; number++) {
            bool is_there = false;
            int fd = -EBADF, r;

            for (size_t j = 0; j < userns->launch->facts.userns.ranges_count; j++) {
                const IdRangeFacts *range = &userns->launch->facts.userns.ranges[j];

                is_there = is_there || (number >= range->base / IDRANGES_SIZE &&
                                        number < range->base / IDRANGES_SIZE + range->count);
            }
            if (is_there)
                continue;
            r = userns->launch->is_probe ? 0 : idranges_share(&userns->ranges, number * IDRANGES_SIZE, &fd);
            if (r == -EBUSY)
                return error_set(error, r, "%s: the ids from %u on belong to another container", userns->origin,
                                 number * IDRANGES_SIZE);
            if (r == 0)
                r = keep_range(userns, number * IDRANGES_SIZE, fd);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* The user on whose behalf root runs us. */
static int find_caller(const Userns *userns, uint32_t *ret_uid, uint32_t *ret_gid, Error *error)
{
    const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
    uint64_t uid = getuid(), gid = getgid();

    if (uid == 0 && (!uid_text || !gid_text || text_parse_u64(uid_text, ID_INVALID - 1, &uid) < 0 ||
                     text_parse_u64(gid_text, ID_INVALID - 1, &gid) < 0))
        uid = 0;
    if (uid == 0)
        return error_hint(
            error, error_set(error, -EINVAL, "%s: there is no user but root whose ids could be kept", userns->origin),
            "keep-id is for a caller through sudo; --uidmap= maps any id");
    *ret_uid = (uint32_t) uid;
    *ret_gid = (uint32_t) gid;
    return 0;
}

/* 64 Ki ids from base, but for `inside`, which is `host`. */
static int map_around(IdMapping *map, uint32_t base, uint32_t inside, uint32_t host, Error *error)
{
    const IdExtent extents[] = {
        {0, base, inside}, {inside, host, 1}, {inside + 1, base + inside + 1, ID_RANGE_SIZE - inside - 1}};
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(extents) && r == 0; i++)
        if (extents[i].count > 0)
            r = id_mapping_add(map, extents[i], error);
    return r;
}

static int make_keeping_map(Userns *userns, Error *error)
{
    const UsernsSpec *spec = &userns->launch->request.spec->userns;
    uint32_t base = 0, uid = 0, gid = 0, inside_uid, inside_gid;
    int r = find_caller(userns, &uid, &gid, error);

    if (r == 0)
        r = take_range(userns, &base, error);
    if (r < 0)
        return r;
    inside_uid = spec->keep_uid != ID_INVALID ? spec->keep_uid : uid;
    inside_gid = spec->keep_gid != ID_INVALID ? spec->keep_gid : gid;
    if (inside_uid >= ID_RANGE_SIZE || inside_gid >= ID_RANGE_SIZE)
        return error_hint(error,
                          error_set(error, -EINVAL, "%s: the ids %u and %u are not both below %u", userns->origin,
                                    inside_uid, inside_gid, ID_RANGE_SIZE),
                          "keep-id:uid=N,gid=N calls them otherwise inside");
    r = map_around(&userns->uids, base, inside_uid, uid, error);
    return r < 0 ? r : map_around(&userns->gids, base, inside_gid, gid, error);
}

/* Those of the container whose user namespace it joins. They stay that one's: its PID namespace is joined, too, so that none
 * of them is used when they are given to others. */
static int take_over_maps(Userns *userns, Error *error)
{
    const Machine *joined = userns->launch->joined;
    int r = id_mapping_parse(joined->uid_map, &userns->uids, error);

    return r < 0 ? r : id_mapping_parse(joined->gid_map, &userns->gids, error);
}

static int make_maps(Userns *userns, Error *error)
{
    const ContainerSpec *spec = userns->launch->request.spec;
    IdExtent extent = {.host = spec->userns.base, .count = spec->userns.count};
    int r;

    if (userns->launch->facts.userns_fd)
        return take_over_maps(userns, error);
    if (spec->uid_maps || spec->gid_maps) {
        r = id_mapping_parse(spec->uid_maps ? spec->uid_maps : spec->gid_maps, &userns->uids, error);
        if (r == 0)
            r = id_mapping_parse(spec->gid_maps ? spec->gid_maps : spec->uid_maps, &userns->gids, error);
    } else if (spec->userns.mode == USERNS_KEEP_ID)
        return make_keeping_map(userns, error);
    else if (spec->userns.mode == USERNS_RANGE)
        r = id_mapping_add(&userns->uids, extent, error);
    else {
        r = take_range(userns, &extent.host, error);
        extent.count = ID_RANGE_SIZE;
        if (r == 0)
            r = id_mapping_add(&userns->uids, extent, error);
        if (r == 0)
            userns->gids = userns->uids;
        return r;
    }
    if (r == 0 && !spec->uid_maps && !spec->gid_maps)
        userns->gids = userns->uids;
    if (r == 0)
        r = open_ranges(userns, error);
    if (r == 0)
        r = share_ranges(userns, &userns->uids, error);
    return r < 0 ? r : share_ranges(userns, &userns->gids, error);
}

static bool is_identity(const IdMapping *map)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->extents[i].inside != map->extents[i].host)
            return false;
    return true;
}

static int cannot_map(const char *origin, const char *what, Error *error)
{
    return error_hint(error,
                      error_set(error, -EOPNOTSUPP,
                                "%s: the ids of '%s' cannot be mapped: its file system does not "
                                "support that on this kernel",
                                origin, what),
                      "--userns=host runs it without a user namespace of its own");
}

static int gather_mount_ids(Userns *userns, size_t number, Error *error)
{
    Launch *launch = userns->launch;
    const MountSpec *mount = &launch->request.spec->mounts.items[number];
    MountFacts *facts = &launch->mounts[number];
    _cleanup_free_ char *text = NULL;

    if (mount->kind == MOUNT_KIND_OVERLAY) {
        for (size_t i = 0; i < facts->layers_count; i++)
            if (!idmap_is_supported(launch->fds.fds[facts->layer_fds[i] - 1]))
                return cannot_map(mount->origin, mount->host_layers[i], error);
        facts->maps_ids = true;
    }
    if (mount->kind != MOUNT_KIND_BIND || mount->ids == MOUNT_IDS_KEEP)
        return 0;
    facts->maps_ids = idmap_is_supported(launch->fds.fds[facts->source_fd - 1]);
    if (facts->maps_ids)
        return 0;
    if (mount->ids == MOUNT_IDS_MAP)
        return cannot_map(mount->origin, mount_source(mount), error);
    text = text_format("%s: the file system of '%s' cannot map ids: inside, its files are nobody's", mount->origin,
                       mount_source(mount));
    if (text)
        launch_notice(launch, text);
    return 0;
}

/* Which trees are seen through the map, and whether they can be. */
static int gather_trees(Userns *userns, Error *error)
{
    Launch *launch = userns->launch;
    const ContainerSpec *spec = launch->request.spec;
    UsernsFacts *facts = &launch->facts.userns;
    bool has_overlay = launch->request.image || spec->ephemeral || spec->volatile_mode == VOLATILE_OVERLAY;
    int r = 0;

    if (is_identity(&userns->uids) && is_identity(&userns->gids))
        return 0;
    if (has_overlay && !idmap_takes_overlay())
        return cannot_map(userns->origin, "an overlay", error);
    facts->maps_store = has_overlay;
    if (has_overlay && !idmap_is_supported(launch->request.roster->data_fd))
        return cannot_map(userns->origin, "the image store", error);
    if (!launch->request.image) {
        /* A tree that was given to this range already ("chown" of systemd-nspawn) has its ids on disk. */
        facts->maps_root = launch->facts.root_uid != facts->root_uid;
        if (facts->maps_root && !idmap_is_supported(launch->fds.fds[launch->facts.directory_fd - 1]))
            return cannot_map(userns->origin, spec->host_directory, error);
    }
    for (size_t i = 0; i < spec->mounts.count && r == 0; i++)
        r = gather_mount_ids(userns, i, error);
    return r;
}

static int make_userns(Userns *userns, Error *error)
{
    UsernsFacts *facts = &userns->launch->facts.userns;
    int r = make_maps(userns, error);

    if (r < 0)
        return r;
    facts->root_uid = id_mapping_to_host(&userns->uids, 0);
    facts->root_gid = id_mapping_to_host(&userns->gids, 0);
    facts->has_tty_group = id_mapping_to_host(&userns->gids, TTY_GROUP) != ID_INVALID;
    r = gather_trees(userns, error);
    if (r == 0)
        r = id_mapping_format(&userns->uids, &facts->uid_map);
    return r < 0 ? r : id_mapping_format(&userns->gids, &facts->gid_map);
}

/* Whether this kernel lets anybody have one (sysctl user.max_user_namespaces). */
static bool has_user_namespaces(void)
{
    _cleanup_free_ char *text = NULL;

    return file_read_at(AT_FDCWD, "/proc/sys/user/max_user_namespaces", 32, &text, NULL) == 0 &&
           strcmp(text, "0\n") != 0;
}

static bool insists_on_mapping(const ContainerSpec *spec)
{
    for (size_t i = 0; i < spec->mounts.count; i++)
        if (spec->mounts.items[i].ids == MOUNT_IDS_MAP)
            return true;
    return false;
}

/* Nobody asked: what cannot be had (a file system that cannot map ids, a range that is free) is said, and the container
 * runs without. */
static int make_default_userns(Userns *userns, Error *error)
{
    Launch *launch = userns->launch;
    _cleanup_error_ Error reason = {};
    _cleanup_free_ char *text = NULL;
    int r = has_user_namespaces() ? make_userns(userns, &reason)
                                  : error_set(&reason, -EOPNOTSUPP,
                                              "this kernel has none, or sysctl "
                                              "user.max_user_namespaces forbids them");

    if ((r != -EOPNOTSUPP && r != -EBUSY) || insists_on_mapping(launch->request.spec)) {
        error_move(error, &reason);
        return r;
    }
    text = text_format("no user namespace, so root inside is the host's root: %s", reason.text ? reason.text : "?");
    if (text)
        launch_notice(launch, text);
    launch_forget_userns(launch);
    for (size_t i = 0; i < launch->request.spec->mounts.count; i++)
        launch->mounts[i].maps_ids = false;
    return 0;
}

int launch_gather_userns(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_(userns_done) Userns userns = {.launch = launch, .origin = origin_of(spec), .ranges.registry_fd = -EBADF};

    if (spec->uid_maps || spec->gid_maps || launch->facts.userns_fd)
        return make_userns(&userns, error);
    switch (spec->userns.mode) {
    case USERNS_HOST:
        return 0;
    case USERNS_DEFAULT:
        return make_default_userns(&userns, error);
    default:
        return make_userns(&userns, error);
    }
}

int launch_record_userns(Launch *launch)
{
    const UsernsFacts *facts = &launch->facts.userns;
    Machine *machine = launch->machine;
    int r = 0;

    if (!facts->uid_map)
        return 0;
    machine->uid_map = strv_copy(facts->uid_map);
    machine->gid_map = strv_copy(facts->gid_map);
    if (!machine->uid_map || !machine->gid_map)
        return -ENOMEM;
    for (size_t i = 0; i < facts->ranges_count; i++)
        for (uint64_t j = 0; j < facts->ranges[i].count && r == 0; j++)
            r = strv_append_format(&machine->id_ranges, "%llu",
                                   (unsigned long long) (facts->ranges[i].base + j * IDRANGES_SIZE));
    return r;
}

void launch_forget_userns(Launch *launch)
{
    UsernsFacts *facts = &launch->facts.userns;
    const IdRanges ranges = {.locks_fd = launch->id_locks_fd, .run_fd = -EBADF, .registry_fd = -EBADF};

    if (!launch->is_started && !launch->is_probe)
        for (size_t i = 0; i < facts->ranges_count; i++)
            for (uint64_t j = 0; j < facts->ranges[i].count; j++)
                idranges_forget(&ranges, facts->ranges[i].base + (uint32_t) j * IDRANGES_SIZE,
                                launch->fds.fds[facts->ranges[i].lock_fd + j - 1]);
    strv_free(facts->uid_map);
    strv_free(facts->gid_map);
    free(facts->ranges);
    *facts = (UsernsFacts){};
}
