/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces of others that a container is to have. */

#include "launch/internal.h"

#include "base/strv.h"
#include "base/text.h"
#include "kernel/join.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "kernel/process.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>

typedef struct Kind {
    const char *file, *name, *option; /* in /proc/PID/ns; for people */
    int flag;
    size_t member; /* of ContainerSpec */
} Kind;

static int has_ended(const char *origin, const char *name, Error *error)
{
    return error_set(error, -ESRCH, "%s: the container '%s' has ended", origin, name);
}

/* The container that a namespace is to be of, with a hold on its first process. The last one is kept: all of one name are
 * then of one and the same, though a second one may have got the name meanwhile. */
typedef struct Owner {
    Machine *machine;
    int leader_fd;
} Owner;

static void owner_done(Owner *owner)
{
    machine_free(TAKE_PTR(owner->machine));
    owner->leader_fd = safe_close(owner->leader_fd);
}

static int find_owner(const Launch *launch, const char *origin, const char *name, Owner *owner, Error *error)
{
    int r;

    if (owner->machine && strcmp(owner->machine->name, name) == 0)
        return 0;
    owner_done(owner);
    r = roster_load(launch->request.roster, name, &owner->machine, error);
    if (r == -ENOENT)
        return error_hint(error, error_set(error, r, "%s: no container '%s' is running", origin, name),
                          "berthctl list shows those that are");
    if (r < 0)
        return r;
    owner->leader_fd = machine_open_leader(owner->machine);
    return owner->leader_fd < 0 ? has_ended(origin, name, error) : 0;
}

/* Through /proc by pid, and then the pidfd tells whether that was still the process that the machine's record means: while
 * it is not reaped, its pid is nobody else's. */
static int open_of_machine(const Launch *launch, const Kind *kind, const char *name, Owner *owner, int *ret_fd,
                           Error *error)
{
    const char *origin = spec_origin(launch->request.spec, kind->member);
    _cleanup_close_ int fd = -EBADF;
    int r = find_owner(launch, origin, name, owner, error);

    if (r < 0)
        return r;
    fd = namespace_open((pid_t) owner->machine->leader, kind->file);
    /* A dead process that nobody has waited for yet has no namespaces any more. */
    if (process_send_signal(owner->leader_fd, 0) < 0 || fd == -ENOENT)
        return has_ended(origin, name, error);
    if (fd < 0)
        return error_set(error, fd, "%s: cannot open the %s namespace of '%s': %s", origin, kind->name, name,
                         strerror(-fd));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_of_path(const Launch *launch, const Kind *kind, const char *path, int *ret_fd, Error *error)
{
    const char *origin = spec_origin(launch->request.spec, kind->member);
    int fd = namespace_open_path(path, kind->flag);

    if (fd == -EINVAL)
        return error_set(error, fd, "%s: '%s' is not a %s namespace", origin, path, kind->name);
    if (fd < 0)
        return error_set(error, fd, "%s: cannot open '%s': %s", origin, path, strerror(-fd));
    *ret_fd = fd;
    return 0;
}

static int gather_one(Launch *launch, const Kind *kind, const NamespaceSpec *spec, Owner *owner, uint64_t *ret_place,
                      Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!spec->target)
        return 0;
    r = spec->mode == NAMESPACE_CONTAINER ? open_of_machine(launch, kind, spec->target, owner, &fd, error)
                                          : open_of_path(launch, kind, spec->target, &fd, error);
    if (r < 0)
        return r;
    r = namespace_is_own(fd, kind->file);
    if (r < 0)
        return error_set(error, r, "cannot tell %s namespaces apart: %s", kind->name, strerror(-r));
    /* What gives away the host is to be said by that name: checks and warnings look for it. */
    if (r > 0)
        return error_hint(error,
                          error_set(error, -EINVAL, "%s: the %s namespace of '%s' is the host's",
                                    spec_origin(launch->request.spec, kind->member), kind->name, spec->target),
                          "the word for that is --%s=host", kind->option);
    *ret_place = fd_list_add(&launch->fds, TAKE_FD(fd), true);
    return *ret_place == 0 ? -EMFILE : 0;
}

/* In the mount namespace of the container, which may be hostile: what is found is its own at most. */
static int clone_shm(int host_fds_fd, const void *argument, void *reply, int *ret_fd)
{
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), dir_fd = -EBADF;
    int fd;

    (void) host_fds_fd;
    (void) argument;
    (void) reply;
    dir_fd = root_fd < 0 ? -errno : resolve_open(root_fd, "/dev/shm", O_PATH | O_DIRECTORY);
    fd = dir_fd < 0 ? dir_fd : mount_clone(dir_fd, "", false);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

/* POSIX shared memory is files, which belong to the IPC namespace by custom only. */
static int gather_shm(Launch *launch, const Owner *owner, Error *error)
{
    const char *origin = spec_origin(launch->request.spec, offsetof(ContainerSpec, ipc));
    NamespaceMode mode = launch->request.spec->ipc.mode;
    int fd = -EBADF;

    if (mode == NAMESPACE_PRIVATE)
        return 0;
    if (mode == NAMESPACE_CONTAINER) {
        int r = join_mounts(owner->leader_fd, clone_shm, NULL, NULL, 0, &fd);

        if (r < 0)
            return error_set(error, r, "%s: cannot take the /dev/shm of '%s': %s", origin,
                             launch->request.spec->ipc.target, strerror(-r));
        launch->facts.is_shm_cloned = true;
    } else
        fd = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: cannot open /dev/shm: %s", origin, strerror(errno));
    launch->facts.shm_fd = fd_list_add(&launch->fds, fd, true);
    return launch->facts.shm_fd == 0 ? -EMFILE : 0;
}

int launch_gather_namespaces(Launch *launch, Error *error)
{
    static const Kind network = {"net", "network", "network", CLONE_NEWNET, offsetof(ContainerSpec, network)};
    static const Kind uts = {"uts", "UTS", "uts", CLONE_NEWUTS, offsetof(ContainerSpec, uts)};
    static const Kind pid = {"pid", "PID", "pid", CLONE_NEWPID, offsetof(ContainerSpec, pid)};
    static const Kind ipc = {"ipc", "IPC", "ipc", CLONE_NEWIPC, offsetof(ContainerSpec, ipc)};
    static const Kind user = {"user", "user", "userns", CLONE_NEWUSER, offsetof(ContainerSpec, pid)};
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_(owner_done) Owner owner = {.leader_fd = -EBADF};
    int r = gather_one(launch, &network, &spec->network, &owner, &launch->facts.network_fd, error);

    if (r == 0)
        r = gather_one(launch, &uts, &spec->uts, &owner, &launch->facts.uts_fd, error);
    if (r == 0)
        r = gather_one(launch, &pid, &spec->pid, &owner, &launch->facts.pid_fd, error);
    if (r == 0)
        r = gather_one(launch, &ipc, &spec->ipc, &owner, &launch->facts.ipc_fd, error);
    if (r == 0 && spec_joins_userns(spec))
        r = gather_one(launch, &user, &spec->pid, &owner, &launch->facts.userns_fd, error);
    if (r == 0)
        r = gather_shm(launch, &owner, error);
    if (r == 0 && spec->pid.mode == NAMESPACE_CONTAINER)
        launch->joined = TAKE_PTR(owner.machine);
    if (r < 0 || !spec->time_offsets)
        return r;
    launch->machine->time_offsets = strv_copy(spec->time_offsets);
    return launch->machine->time_offsets ? 0 : -ENOMEM;
}
