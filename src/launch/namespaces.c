/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces of others that a container is to have. */

#include "launch/internal.h"

#include "base/strv.h"
#include "base/text.h"
#include "kernel/namespace.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>

typedef struct Kind {
    const char *file, *name; /* in /proc/PID/ns; for people */
    int flag;
    size_t member; /* of ContainerSpec */
} Kind;

static int has_ended(const char *origin, const char *name, Error *error)
{
    return error_set(error, -ESRCH, "%s: the container '%s' has ended", origin, name);
}

/* Through /proc by pid, and then the pidfd tells whether that was still the process that the machine's record means: while
 * it is not reaped, its pid is nobody else's. */
static int open_of_machine(Launch *launch, const Kind *kind, const char *name, int *ret_fd, Error *error)
{
    const char *origin = spec_origin(launch->request.spec, kind->member);
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int leader_fd = -EBADF, fd = -EBADF;
    int r = roster_load(launch->request.roster, name, &machine, error);

    if (r == -ENOENT)
        return error_hint(error, error_set(error, r, "%s: no container '%s' is running", origin, name),
                          "berthctl list shows those that are");
    if (r < 0)
        return r;
    leader_fd = machine_open_leader(machine);
    if (leader_fd < 0)
        return has_ended(origin, name, error);
    fd = namespace_open((pid_t) machine->leader, kind->file);
    /* A dead process that nobody has waited for yet has no namespaces any more. */
    if (process_send_signal(leader_fd, 0) < 0 || fd == -ENOENT)
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

static int gather_one(Launch *launch, const Kind *kind, const NamespaceSpec *spec, uint64_t *ret_place, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!spec->target)
        return 0;
    r = spec->mode == NAMESPACE_CONTAINER ? open_of_machine(launch, kind, spec->target, &fd, error)
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
                          "the word for that is host");
    *ret_place = fd_list_add(&launch->fds, TAKE_FD(fd), true);
    return *ret_place == 0 ? -EMFILE : 0;
}

/* POSIX shared memory is files, which belong to the IPC namespace by custom only. */
static int gather_shm(Launch *launch, Error *error)
{
    int fd;

    if (launch->request.spec->ipc.mode != NAMESPACE_HOST)
        return 0;
    fd = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: cannot open /dev/shm: %s",
                         spec_origin(launch->request.spec, offsetof(ContainerSpec, ipc)), strerror(errno));
    launch->facts.shm_fd = fd_list_add(&launch->fds, fd, true);
    return launch->facts.shm_fd == 0 ? -EMFILE : 0;
}

int launch_gather_namespaces(Launch *launch, Error *error)
{
    static const Kind network = {"net", "network", CLONE_NEWNET, offsetof(ContainerSpec, network)};
    static const Kind uts = {"uts", "UTS", CLONE_NEWUTS, offsetof(ContainerSpec, uts)};
    const ContainerSpec *spec = launch->request.spec;
    int r = gather_one(launch, &network, &spec->network, &launch->facts.network_fd, error);

    if (r == 0)
        r = gather_one(launch, &uts, &spec->uts, &launch->facts.uts_fd, error);
    if (r == 0)
        r = gather_shm(launch, error);
    if (r < 0 || !spec->time_offsets)
        return r;
    launch->machine->time_offsets = strv_copy(spec->time_offsets);
    return launch->machine->time_offsets ? 0 : -ENOMEM;
}
