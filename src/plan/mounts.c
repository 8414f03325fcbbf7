/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is mounted inside: the kernel's file systems, devices, files that make a network usable, the user's mounts. */

#include "plan/internal.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const char *origin_of(const Planner *planner, size_t offset)
{
    return spec_origin(planner->spec, offset);
}
#define ORIGIN(member) origin_of(planner, offsetof(ContainerSpec, member))

/* A mount whose target no image may redirect through a link. */
static void add_plain_mount(Planner *planner, const char *type, const char *target, uint64_t attributes,
                            char *const *options)
{
    plan_add_mount(planner, DEFAULT_ORIGIN, type, target, attributes, options);
    planner->list->steps[planner->list->count - 1].mount.plain = true;
}

void plan_api_mounts(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    char *dev_options[] = {(char *) "mode=0755", (char *) "size=64k", (char *) "nr_inodes=1m", NULL};
    char *boot_dev_options[] = {(char *) "mode=0755", (char *) "size=4m", (char *) "nr_inodes=1m", NULL};
    char *pts_options[] = {
        (char *) "newinstance", (char *) "ptmxmode=0666", (char *) "mode=0620",
        planner_has_userns(planner) && !planner->facts->userns.has_tty_group ? NULL : (char *) "gid=5", NULL};
    char *run_options[] = {(char *) "mode=0755", NULL};
    char *tmp_options[] = {(char *) "mode=1777", NULL};
    _cleanup_free_ char *shm_size = text_format("size=%llu", (unsigned long long) spec->shm_size_bytes);
    char *shm_options[] = {(char *) "mode=1777", shm_size, NULL};

    if (spec->bundle)
        return;
    add_plain_mount(planner, "proc", "/proc", ATTRIBUTES_STRICT, NULL);
    /* sysfs shows the network devices of the namespace that mounts it; with the host's network that is all of it, and
     * read-only either way. */
    add_plain_mount(planner, "sysfs", "/sys",
                    ATTRIBUTES_STRICT | (spec->profile->has_writable_sys ? 0 : (uint64_t) MOUNT_ATTR_RDONLY), NULL);
    if (planner->device_tree) {
        Step *step = step_list_add(planner->list, STEP_BIND, DEFAULT_ORIGIN);

        step->bind = (StepBind){.tree = planner->device_tree, .target = "/dev", .plain = true};
    } else
        add_plain_mount(planner, "tmpfs", "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                        spec->boot ? boot_dev_options : dev_options);
    add_plain_mount(planner, "devpts", "/dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts_options);
    if (planner->shm_tree) {
        Step *step = step_list_add(planner->list, STEP_BIND, ORIGIN(ipc));

        step->bind =
            (StepBind){.tree = planner->shm_tree, .target = "/dev/shm", .attributes = ATTRIBUTES_STRICT, .plain = true};
    } else
        add_plain_mount(planner, "tmpfs", "/dev/shm", ATTRIBUTES_STRICT, shm_options);
    add_plain_mount(planner, "mqueue", "/dev/mqueue", ATTRIBUTES_STRICT, NULL);
    /* The queues of an IPC namespace are there from its beginning: mounted with a label they would be others. */
    if (spec->ipc.mode == NAMESPACE_PRIVATE)
        planner->list->steps[planner->list->count - 1].mount.label =
            step_list_string(planner->list, planner->facts->file_label);
    if (spec->boot || spec->read_only || spec->volatile_mode != VOLATILE_NO)
        plan_add_mount(planner, spec->boot ? ORIGIN(boot) : ORIGIN(read_only), "tmpfs", "/run",
                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, run_options);
    if (spec->boot || spec->read_only)
        plan_add_mount(planner, spec->boot ? ORIGIN(boot) : ORIGIN(read_only), "tmpfs", "/tmp",
                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, tmp_options);
    if (spec->read_only && !spec->boot)
        plan_add_mount(planner, ORIGIN(read_only), "tmpfs", "/var/tmp", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                       tmp_options);
}

static void add_symlink(Planner *planner, const char *origin, const char *target, const char *content)
{
    Step *step = step_list_add(planner->list, STEP_SYMLINK, origin);

    step->symlink = (StepSymlink){.target = step_list_string(planner->list, target),
                                  .content = step_list_string(planner->list, content)};
}

/* /dev as a whole, made outside: nobody in a user namespace can make a device node. */
void plan_device_tree(Planner *planner)
{
    const UsernsFacts *userns = &planner->facts->userns;
    char *options[] = {(char *) "mode=0755", (char *) (planner->spec->boot ? "size=4m" : "size=64k"),
                       (char *) "nr_inodes=1m", NULL};
    _cleanup_strv_ char **nodes = NULL;
    Step *step;

    if (!planner_has_userns(planner))
        return;
    for (const ProfileDevice *device = profile_devices; device->path; device++)
        if (strv_append_format(&nodes, "%s=%u:%u", path_last(device->path), device->major, device->minor) < 0)
            planner->list->failed = -ENOMEM;
    step = step_list_add(planner->list, STEP_DEVICE_TREE, ORIGIN(userns));
    step->device_tree = (StepDeviceTree){
        .options = plan_labelled_options(planner, "tmpfs", options),
        .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
        .nodes = step_list_strings(planner->list, nodes),
        .uid = userns->root_uid,
        .gid = userns->root_gid,
    };
    planner->device_tree = ++planner->trees;
}

void plan_devices(Planner *planner)
{
    static const char *const links[][2] = {{"/dev/ptmx", "pts/ptmx"},          {"/dev/fd", "/proc/self/fd"},
                                           {"/dev/stdin", "/proc/self/fd/0"},  {"/dev/stdout", "/proc/self/fd/1"},
                                           {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/core", "/proc/kcore"}};

    if (planner->spec->bundle)
        return;
    for (const ProfileDevice *device = profile_devices; device->path && !planner->device_tree; device++) {
        Step *step = step_list_add(planner->list, STEP_DEVICE, DEFAULT_ORIGIN);

        step->device =
            (StepDevice){.target = device->path, .major = device->major, .minor = device->minor, .mode = 0666};
    }
    for (size_t i = 0; i < ELEMENTSOF(links); i++)
        add_symlink(planner, DEFAULT_ORIGIN, links[i][0], links[i][1]);
}

static void add_file(Planner *planner, const char *origin, const char *target, const char *content, uint64_t mode,
                     bool only_if_missing)
{
    Step *step = step_list_add(planner->list, STEP_FILE, origin);

    step->file = (StepFile){
        .target = step_list_string(planner->list, target),
        .content = step_list_string(planner->list, content),
        .mode = mode,
        .only_if_missing = only_if_missing,
    };
}

void plan_files(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    const HostFacts *facts = planner->facts;
    StepList *list = planner->list;

    /* A system that boots sets itself up. And into a layer of the container's own only: a directory tree of the host is not
     * ours to fill. */
    if (spec->boot || !facts->layers)
        return;
    if (spec->uts.mode == NAMESPACE_PRIVATE)
        add_file(planner, ORIGIN(hostname), "/etc/hostname", step_list_format(list, "%s\n", spec->hostname), 0644,
                 false);
    add_file(planner, ORIGIN(hostname), "/etc/hosts",
             step_list_format(list,
                              "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
                              "127.0.0.1 %s\n",
                              spec->hostname),
             0644, false);
    if (facts->host_resolv_conf)
        add_file(planner, ORIGIN(network), "/etc/resolv.conf", facts->host_resolv_conf, 0644, false);
}

static uint64_t attributes_of(const MountSpec *mount)
{
    return (mount->read_only ? (uint64_t) MOUNT_ATTR_RDONLY : 0) | (mount->no_exec ? (uint64_t) MOUNT_ATTR_NOEXEC : 0) |
           (mount->no_suid ? (uint64_t) MOUNT_ATTR_NOSUID : 0) | (mount->no_dev ? (uint64_t) MOUNT_ATTR_NODEV : 0) |
           mount->attributes;
}

const char *plan_overlay_work_name(Planner *planner, size_t number)
{
    return step_list_format(planner->list, ".#berth-work.%s.%zu", planner->spec->name, number);
}

static void plan_overlay_mount(Planner *planner, const MountSpec *mount, size_t number)
{
    Step *step = step_list_add(planner->list, STEP_OVERLAY, mount->origin);
    uint64_t first = planner->mount_trees[number], count = strv_length(mount->host_layers);

    step->is_outer = planner_has_userns(planner);
    if (!mount->read_only)
        count--;
    step->overlay = (StepOverlay){
        .lower_tree = first,
        .lower_count = count,
        .upper_tree = mount->read_only ? 0 : first + count,
        .upper = mount->read_only ? NULL : step_list_string(planner->list, path_last(mount->host_layers[count])),
        .work = mount->read_only ? NULL : plan_overlay_work_name(planner, number),
        .target = step_list_string(planner->list, mount->inside_path),
        .attributes = attributes_of(mount),
    };
}

static void plan_user_mount(Planner *planner, size_t number)
{
    const MountSpec *mount = &planner->spec->mounts.items[number];
    const MountFacts *facts = &planner->facts->mounts[number];
    Step *step;

    switch (mount->kind) {
    case MOUNT_KIND_BIND:
        step = step_list_add(planner->list, STEP_BIND, mount->origin);
        step->bind = (StepBind){
            .tree = planner->mount_trees[number],
            .target = step_list_string(planner->list, mount->inside_path),
            .attributes = attributes_of(mount),
            .is_file = facts->is_file,
        };
        break;
    case MOUNT_KIND_TMPFS:
        plan_add_mount(planner, mount->origin, "tmpfs", mount->inside_path, attributes_of(mount), mount->options);
        break;
    case MOUNT_KIND_OVERLAY:
        plan_overlay_mount(planner, mount, number);
        break;
    case MOUNT_KIND_FILE_SYSTEM:
        plan_file_system(planner, mount);
        break;
    case MOUNT_KIND_INACCESSIBLE: {
        char *paths[] = {mount->inside_path, NULL};

        step = step_list_add(planner->list, STEP_MASK, mount->origin);
        step->mask.paths = step_list_strings(planner->list, paths);
        break;
    }
    case MOUNT_KIND_ANONYMOUS:
        /* Where the root is writable, a volume is a directory of the container's own layer: what the image put there
         * is seen, its owner is kept, and it goes with the container. Where it is not, a tmpfs is what can be
         * written to. */
        if (planner->spec->read_only)
            plan_add_mount(planner, mount->origin, "tmpfs", mount->inside_path,
                           attributes_of(mount) | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, NULL);
        else {
            step = step_list_add(planner->list, STEP_MAKE_DIRECTORY, mount->origin);
            step->make_directory.path = step_list_string(planner->list, mount->inside_path);
        }
        break;
    default:
        planner->list->failed = -EINVAL;
    }
}

/* Where no link leads to: the tree may belong to anybody. */
void plan_journal(Planner *planner)
{
    Step *step;

    if (!planner->journal_tree)
        return;
    step = step_list_add(planner->list, STEP_BIND, ORIGIN(journal_link));
    step->bind = (StepBind){
        .tree = planner->journal_tree,
        .target = step_list_format(planner->list, "/var/log/journal/%.32s", planner->facts->machine_id),
        .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        .plain = true,
    };
}

void plan_user_mounts(Planner *planner)
{
    for (size_t i = 0; i < planner->spec->mounts.count; i++)
        plan_user_mount(planner, i);
}

void plan_terminal(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    Step *step;

    if (!spec->tty && !spec->boot)
        return;
    step = step_list_add(planner->list, STEP_TERMINAL, spec->tty ? "--tty" : ORIGIN(boot));
    step->terminal = (StepTerminal){
        .is_stdio = true,
        .rows = planner->facts->terminal_rows,
        .columns = planner->facts->terminal_columns,
    };
}

static int keep_path(const ContainerSpec *spec, const char *path, char ***kept)
{
    return strv_contains(spec->unmasked_paths, path) ? 0 : strv_append(kept, path);
}

/* `paths` without those that --unmask= names. A path with a '*' is there for every processor that has it. */
static char **without_unmasked(const Planner *planner, const char *const *paths, char *const *more)
{
    const ContainerSpec *spec = planner->spec;
    _cleanup_strv_ char **kept = NULL;
    int r = 0;

    for (size_t i = 0; paths[i] && r == 0 && !strv_contains(spec->unmasked_paths, "ALL"); i++) {
        const char *star = strchr(paths[i], '*');

        if (!star)
            r = keep_path(spec, paths[i], &kept);
        for (unsigned n = 0; star && r == 0 && n < planner->facts->throttled_processors; n++) {
            _cleanup_free_ char *path = text_format("%.*s%u%s", (int) (star - paths[i]), paths[i], n, star + 1);

            r = path ? keep_path(spec, path, &kept) : -ENOMEM;
        }
    }
    if (r < 0 || strv_extend(&kept, more) < 0 || (!kept && !(kept = calloc(1, sizeof(char *)))))
        return NULL;
    return TAKE_PTR(kept);
}

void plan_kernel_paths(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    _cleanup_strv_ char **hide = without_unmasked(planner, spec->profile->masked_paths, spec->masked_paths);
    _cleanup_strv_ char **protect = without_unmasked(planner, spec->profile->read_only_paths, spec->read_only_paths);
    Step *step;

    if (!hide || !protect) {
        planner->list->failed = -ENOMEM;
        return;
    }
    if (spec->network.mode == NAMESPACE_BRIDGE && !spec->boot) {
        /* What programs of images count on: ping, and ports below 1024 for any user, where nobody else's are. */
        static char *const usual[] = {(char *) "net.ipv4.ping_group_range=0 0",
                                      (char *) "net.ipv4.ip_unprivileged_port_start=0", NULL};
        static char *const usual_ipv6[] = {(char *) "net.ipv4.ping_group_range=0 0",
                                           (char *) "net.ipv4.ip_unprivileged_port_start=0",
                                           /* Nobody in these networks is a router but the host, which says so here. */
                                           (char *) "net.ipv6.conf.default.accept_ra=0", NULL};

        step = step_list_add(planner->list, STEP_SYSCTL, ORIGIN(network));
        step->sysctl.assignments =
            step_list_strings(planner->list, planner->facts->network.network6[0] ? usual_ipv6 : usual);
    }
    if (spec->sysctls) {
        step = step_list_add(planner->list, STEP_SYSCTL, ORIGIN(sysctls));
        step->sysctl.assignments = step_list_strings(planner->list, spec->sysctls);
    }
    if (protect[0]) {
        step = step_list_add(planner->list, STEP_READ_ONLY,
                             spec->bundle ? ORIGIN(read_only_paths) : ORIGIN(unmasked_paths));
        step->read_only.paths = step_list_strings(planner->list, protect);
    }
    if (hide[0]) {
        step = step_list_add(planner->list, STEP_MASK, ORIGIN(masked_paths));
        step->mask.paths = step_list_strings(planner->list, hide);
    }
}
