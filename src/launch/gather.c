/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plan needs to know of this host, as values and open fds. */

#include "launch/internal.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/properties.h"
#include "host/systemd.h"
#include "host/volume.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>

void fd_list_done(FdList *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->is_owned[i])
            safe_close(list->fds[i]);
    list->count = 0;
}

uint64_t fd_list_add(FdList *list, int fd, bool owned)
{
    if (list->count >= LAUNCH_FDS_MAX) {
        if (owned)
            safe_close(fd);
        return 0;
    }
    list->fds[list->count] = fd;
    list->is_owned[list->count] = owned;
    return ++list->count;
}

void launch_notice(const Launch *launch, const char *text)
{
    if (launch->request.notice)
        launch->request.notice(text, launch->request.userdata);
}

static int gather_root(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    struct stat st;
    int fd;

    launch->facts.data_fd = fd_list_add(&launch->fds, launch->request.roster->data_fd, false);
    if (launch->request.image) {
        static char *const no_layers[] = {NULL};
        char *const *layers = launch->request.image->layer_paths;

        launch->facts.layers = layers ? layers : no_layers;
        launch->facts.root_mode = 0755;
        if (launch->request.image->root.is_set) {
            launch->facts.root_mode = launch->request.image->root.mode;
            launch->facts.root_uid = launch->request.image->root.uid;
            launch->facts.root_gid = launch->request.image->root.gid;
        }
        /* The supervisor holds the image for as long as the container lives. */
        (void) fd_list_add(&launch->fds, launch->request.image->lock_fd, false);
        return 0;
    }
    fd = open(spec->host_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: cannot open '%s': %s",
                         spec_origin(spec, offsetof(ContainerSpec, host_directory)), spec->host_directory,
                         strerror(errno));
    launch->facts.directory_fd = fd_list_add(&launch->fds, fd, true);
    /* An ephemeral root is an overlay, whose root directory shows the attributes of its upper one. */
    if (fstat(fd, &st) < 0)
        return -errno;
    launch->facts.root_mode = st.st_mode & 07777;
    launch->facts.root_uid = st.st_uid;
    launch->facts.root_gid = st.st_gid;
    return 0;
}

static int gather_layers(Launch *launch, const MountSpec *mount, MountFacts *facts, Error *error)
{
    facts->layer_fds = calloc(strv_length(mount->host_layers), sizeof(uint64_t));
    if (!facts->layer_fds)
        return -ENOMEM;
    STRV_FOREACH (layer, mount->host_layers) {
        int fd = open(*layer, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 && !layer[1] && !mount->read_only) {
            int parent_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

            safe_close(fd);
            fd = parent_fd;
        }

        if (fd < 0)
            return error_set(error, -errno, "%s: cannot open the layer '%s': %s", mount->origin, *layer,
                             strerror(errno));
        facts->layer_fds[facts->layers_count++] = fd_list_add(&launch->fds, fd, true);
    }
    return 0;
}

/* Made when it is not there. Its lock goes with the plan: the supervisor holds it for as long as the container lives. */
static int gather_volume(Launch *launch, const MountSpec *mount, MountFacts *facts, Error *error)
{
    const Roster *roster = launch->request.roster;
    _cleanup_close_ int volumes_fd = -EBADF;
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    int r = volumes_open(roster->data_fd, !launch->is_probe, &volumes_fd);

    if (r == 0)
        r = volume_open(volumes_fd, mount->volume, launch->is_probe ? VOLUME_UNLOCKED : VOLUME_CREATE, &volume);
    if (r == -ENOENT && launch->is_probe) {
        /* It would be made; where it would be does as well to plan with. */
        facts->source_fd = fd_list_add(&launch->fds, roster->data_fd, false);
        return 0;
    }
    if (r < 0)
        return error_set(error, r, "%s: cannot open the volume '%s': %s", mount->origin, mount->volume, strerror(-r));
    facts->source_fd = fd_list_add(&launch->fds, TAKE_FD(volume.data_fd), true);
    if (!launch->is_probe)
        (void) fd_list_add(&launch->fds, TAKE_FD(volume.fd), true);
    return 0;
}

static int gather_mounts(Launch *launch, Error *error)
{
    const MountList *mounts = &launch->request.spec->mounts;

    launch->mounts = calloc(mounts->count + 1, sizeof(MountFacts));
    if (!launch->mounts)
        return -ENOMEM;
    launch->facts.mounts = launch->mounts;
    for (size_t i = 0; i < mounts->count; i++) {
        const MountSpec *mount = &mounts->items[i];
        struct stat st;
        int fd, r;

        if (mount->kind == MOUNT_KIND_OVERLAY) {
            r = gather_layers(launch, mount, &launch->mounts[i], error);
            if (r < 0)
                return r;
        }
        if (mount->kind != MOUNT_KIND_BIND)
            continue;
        if (mount->volume) {
            r = gather_volume(launch, mount, &launch->mounts[i], error);
            if (r < 0)
                return r;
            continue;
        }
        fd = open(mount->host_path, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            return error_set(error, -errno, "%s: cannot open '%s': %s", mount->origin, mount->host_path,
                             strerror(errno));
        launch->mounts[i].is_file = !S_ISDIR(st.st_mode);
        launch->mounts[i].source_fd = fd_list_add(&launch->fds, fd, true);
    }
    return 0;
}

/* The file of a property, or one line about what cannot be had on this host. */
static int gather_cgroup_file(Launch *launch, const char *property, bool can_limit, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    struct sysinfo info = {};
    PropertyHost host = {.tasks_max = 32768};
    PropertyCgroupFile file = {};
    _cleanup_free_ char *text = NULL;
    int r;

    if (sysinfo(&info) == 0)
        host.memory_bytes = (uint64_t) info.totalram * info.mem_unit;
    r = property_cgroup_file(property, spec->properties, &host, &file, error);
    if (r < 0)
        return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, properties)));
    if (r == 0 && can_limit)
        r = strv_append_format(&launch->cgroup_files, "%s=%s", file.file, file.value);
    else {
        text = text_format("%s is not applied: %s", property,
                           r > 0 ? "only systemd can apply it" : "this host's unified cgroups have no controllers");
        if (text)
            launch_notice(launch, text);
        r = 0;
    }
    property_cgroup_file_done(&file);
    return r;
}

/* Without systemd: a group of our own where the unified hierarchy can be written. */
static int gather_own_cgroup(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_close_ int root_fd = -EBADF;
    bool is_hybrid = true;
    int r = cgroup_open_root(&root_fd, &is_hybrid);

    if (r < 0 || faccessat(root_fd, "cgroup.procs", W_OK, 0) < 0) {
        launch_notice(launch, "no cgroup can be made on this host: no limits, no accounting");
        launch->cgroup = LAUNCH_CGROUP_NONE;
        return 0;
    }
    launch->cgroup_path = text_format("berth/%s", spec->name);
    if (!launch->cgroup_path)
        return -ENOMEM;
    STRV_FOREACH (property, spec->properties) {
        r = gather_cgroup_file(launch, *property, !is_hybrid, error);
        if (r < 0)
            return r;
    }
    launch->cgroup = LAUNCH_CGROUP_OWN;
    launch->facts.has_cgroup = true;
    launch->facts.cgroup_root_fd = fd_list_add(&launch->fds, TAKE_FD(root_fd), true);
    launch->facts.cgroup_name = launch->cgroup_path;
    launch->facts.cgroup_files = launch->cgroup_files;
    launch->facts.is_hybrid_cgroup = is_hybrid;
    return 0;
}

/* The unit that --keep-unit stays in; NULL when the cgroup does not tell. */
static char *find_own_unit(void)
{
    char path[PATH_MAX];
    const char *last;

    if (cgroup_path_of(getpid(), path, sizeof(path)) < 0)
        return NULL;
    if (text_has_suffix(path, "/supervisor"))
        path[strlen(path) - strlen("/supervisor")] = 0;
    last = path_last(path);
    return strchr(last, '.') ? strdup(last) : NULL;
}

static int gather_cgroup(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;

    STRV_FOREACH (property, spec->properties) {
        int r = property_check(*property, error);
        if (r < 0)
            return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, properties)));
    }
    if (!systemd_is_running())
        return gather_own_cgroup(launch, error);
    launch->cgroup = spec->keep_unit ? LAUNCH_CGROUP_UNIT : LAUNCH_CGROUP_SCOPE;
    launch->facts.has_cgroup = true;
    launch->unit = spec->keep_unit ? find_own_unit() : text_format("berth-%s.scope", spec->name);
    launch->facts.unit = launch->unit;
    return 0;
}

/* The end of a PID namespace is the end of all that runs in it. Without one of its own a container ends by its cgroup. */
static int check_end(const Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;

    if (spec->pid.mode == NAMESPACE_PRIVATE || launch->facts.has_cgroup)
        return 0;
    return error_set(error, -EOPNOTSUPP, "%s: without a cgroup its processes could not be ended",
                     spec_origin(spec, offsetof(ContainerSpec, pid)));
}

static int gather_log(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    bool has_journal = access("/run/systemd/journal/socket", W_OK) == 0;
    LogDriver driver = spec->log_driver;
    int fd;

    if (driver == LOG_DRIVER_AUTO)
        driver = !spec->detach ? LOG_DRIVER_PASSTHROUGH : has_journal ? LOG_DRIVER_JOURNALD : LOG_DRIVER_FILE;
    if (driver == LOG_DRIVER_JOURNALD && !has_journal)
        return error_hint(error,
                          error_set(error, -EOPNOTSUPP, "%s: there is no journal on this host",
                                    spec_origin(spec, offsetof(ContainerSpec, log_driver))),
                          "use --log-driver=file");
    if (driver == LOG_DRIVER_PASSTHROUGH && spec->detach && spec->tty)
        driver = LOG_DRIVER_NONE;
    /* What is not kept is still shown to who waits for it. */
    launch->facts.log = driver == LOG_DRIVER_JOURNALD               ? STEP_LOG_JOURNAL
                        : driver == LOG_DRIVER_FILE                 ? STEP_LOG_FILE
                        : driver == LOG_DRIVER_NONE && spec->detach ? STEP_LOG_NONE
                                                                    : STEP_LOG_PASSTHROUGH;
    free(launch->machine->log);
    launch->machine->log = strdup(log_driver_to_string(driver));
    if (launch->is_probe)
        return launch->machine->log ? 0 : -ENOMEM;
    /* A new file: whoever still reads the old one reads it to its end, and `logs` never shows one of another driver. */
    roster_forget_log(launch->request.roster, spec->name);
    if (launch->facts.log != STEP_LOG_FILE)
        return launch->machine->log ? 0 : -ENOMEM;
    fd = openat(launch->request.roster->logs_fd, spec->name,
                O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, -errno, "cannot open the log file: %s", strerror(errno));
    launch->facts.log_fd = fd_list_add(&launch->fds, fd, true);
    return 0;
}

static int gather_seccomp(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    SeccompRequest request = {
        .profile = spec->seccomp_profile, .capabilities = spec->capabilities, .parse_capability = capability_parse};
    int r = seccomp_prepare(&request, launch->request.roster->seccomp_fd, &launch->seccomp, error);

    if (r < 0)
        return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, seccomp_profile)));
    launch->facts.seccomp_program = launch->seccomp.bytes;
    launch->facts.seccomp_size = launch->seccomp.size_bytes;
    return 0;
}

unsigned launch_last_capability(void)
{
    _cleanup_free_ char *text = NULL;
    uint64_t last = CAPABILITY_LAST;

    if (file_read_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 64, &text, NULL) < 0)
        return CAPABILITY_LAST;
    text[strcspn(text, "\n")] = 0;
    (void) text_parse_u64(text, 63, &last);
    return (unsigned) last;
}

/* One look where there is none, as in virtual machines: each masked directory costs a mount. */
static unsigned throttled_processors(void)
{
    long count = access("/sys/devices/system/cpu/cpu0/thermal_throttle", F_OK) == 0 ? sysconf(_SC_NPROCESSORS_CONF) : 0;

    return count > 0 ? (unsigned) count : 0;
}

/* A host that has itself given up a capability cannot grant it; only one that was asked for by name is worth a line. */
static void gather_capabilities(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;
    uint64_t available = CAPABILITY_ALL, mask = 0;

    /* In a user namespace of its own the container has them all, over nothing but that. */
    if (!launch->facts.userns.uid_map)
        (void) process_get_capabilities(&available);
    launch->facts.available_capabilities = available;
    STRV_FOREACH (name, spec->add_capabilities)
        if (capability_parse(*name, &mask, NULL) == 0 && mask != CAPABILITY_ALL && (mask & ~available)) {
            _cleanup_free_ char *text = text_format("%s cannot be granted: berthctl itself does not have it", *name);

            if (text)
                launch_notice(launch, text);
        }
}

static int make_id(char id[65])
{
    unsigned char bytes[32];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    id[64] = 0;
    return 0;
}

static void gather_misc(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;

    if (spec->tty || spec->boot)
        tty_get_size(STDIN_FILENO, &launch->facts.terminal_rows, &launch->facts.terminal_columns);
    launch->facts.terminal_type = getenv("TERM");
    launch->facts.last_capability = launch_last_capability();
    launch->facts.throttled_processors = throttled_processors();
    gather_capabilities(launch);
    launch->facts.id = launch->id;
    launch->facts.run_fd = fd_list_add(&launch->fds, launch->request.roster->run_fd, false);
    launch->facts.keeps_exit = launch->request.has_definition || spec->detach;
}

int launch_gather(Launch *launch, Error *error)
{
    int r = make_id(launch->id);

    if (r == 0)
        r = gather_root(launch, error);
    if (r == 0)
        r = gather_mounts(launch, error);
    if (r == 0)
        r = launch_gather_namespaces(launch, error);
    if (r == 0)
        r = launch_gather_label(launch, error);
    if (r == 0)
        r = launch_gather_userns(launch, error);
    if (r == 0)
        r = gather_cgroup(launch, error);
    if (r == 0)
        r = check_end(launch, error);
    if (r == 0)
        r = gather_log(launch, error);
    if (r == 0)
        r = gather_seccomp(launch, error);
    if (r == 0)
        r = launch_gather_registrar(launch, error);
    if (r == 0)
        r = launch_gather_network(launch, error);
    if (r == 0)
        r = launch_gather_interface(launch, error);
    if (r == 0)
        r = launch_gather_journal(launch, error);
    if (r == 0)
        r = launch_gather_credentials(launch, error);
    if (r == 0)
        gather_misc(launch);
    return r;
}
