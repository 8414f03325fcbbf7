/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/bundle.h"

#include "base/strv.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/memfd.h"
#include "kernel/process.h"
#include "launch/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define START_MSEC 90000

static void notice(const Launch *launch, char *text)
{
    if (text)
        launch_notice(launch, text);
    free(text);
}

static int open_path(Launch *launch, const char *path, const char *origin, bool *ret_is_file, uint64_t *ret_place,
                     Error *error)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        int r = -errno;

        safe_close(fd);
        return error_set(error, r, "%s: cannot open '%s': %s", origin, path, strerror(-r));
    }
    *ret_is_file = !S_ISDIR(st.st_mode);
    *ret_place = fd_list_add(&launch->fds, fd, true);
    return *ret_place == 0 ? -EMFILE : 0;
}

static int gather_trees(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    const char *origin = spec_origin(spec, offsetof(ContainerSpec, host_directory));
    bool is_file = false;
    int r = open_path(launch, spec->host_directory, origin, &is_file, &launch->facts.directory_fd, error);

    if (r == 0 && is_file)
        r = error_set(error, -ENOTDIR, "%s: '%s' is not a directory", origin, spec->host_directory);
    launch->mounts = calloc(spec->mounts.count + 1, sizeof(MountFacts));
    if (!launch->mounts)
        return -ENOMEM;
    launch->facts.mounts = launch->mounts;
    for (size_t i = 0; i < spec->mounts.count && r == 0; i++) {
        const MountSpec *mount = &spec->mounts.items[i];

        if (mount->kind == MOUNT_KIND_BIND)
            r = open_path(launch, mount->host_path, mount->origin, &launch->mounts[i].is_file,
                          &launch->mounts[i].source_fd, error);
    }
    return r;
}

/* The group is made by the executor. On a host whose controllers are those of version 1 it holds the container's processes, and
 * no limit can be set. */
static int gather_cgroup(Launch *launch, const BundleRequest *request, Error *error)
{
    const ContainerSpec *spec = request->spec;
    _cleanup_close_ int root_fd = -EBADF;
    bool is_hybrid = false;
    int r = cgroup_open_root(&root_fd, &is_hybrid);

    if (r < 0)
        return error_set(error, r, "there is no unified cgroup hierarchy on this host: %s", strerror(-r));
    launch->cgroup_path = strdup(request->cgroup_path);
    if (!launch->cgroup_path)
        return -ENOMEM;
    if (!is_hybrid && spec->cgroup_files) {
        launch->cgroup_files = strv_copy(spec->cgroup_files);
        if (!launch->cgroup_files)
            return -ENOMEM;
    }
    STRV_FOREACH (file, spec->cgroup_files)
        if (is_hybrid)
            notice(launch, text_format("%s is not applied: this host's unified cgroups have no controllers", *file));
    launch->facts.has_cgroup = true;
    launch->facts.cgroup_root_fd = fd_list_add(&launch->fds, TAKE_FD(root_fd), true);
    launch->facts.cgroup_name = launch->cgroup_path;
    launch->facts.cgroup_files = launch->cgroup_files;
    launch->facts.is_hybrid_cgroup = is_hybrid;
    return 0;
}

/* The compiler of profiles reads files, and keeps what it made by their content. */
static int gather_seccomp(Launch *launch, const BundleRequest *request, Error *error)
{
    const ContainerSpec *spec = request->spec;
    _cleanup_close_ int text_fd = -EBADF;
    SeccompRequest seccomp = {.capabilities = spec->capabilities, .parse_capability = capability_parse};
    char path[64];
    int r;

    if (!spec->seccomp_text)
        return 0;
    text_fd = memfd_create_sealed("seccomp", spec->seccomp_text, strlen(spec->seccomp_text));
    if (text_fd < 0)
        return text_fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", text_fd);
    seccomp.profile = path;
    r = seccomp_prepare(&seccomp, request->seccomp_fd, &launch->seccomp, error);
    if (r < 0)
        return error_prefix(error, r, "config.json#/linux/seccomp");
    launch->facts.seccomp_program = launch->seccomp.bytes;
    launch->facts.seccomp_size = launch->seccomp.size_bytes;
    return 0;
}

static int gather_capabilities(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;
    uint64_t available = 0, asked = 0;
    int r = process_get_capabilities(&available);

    for (int i = 0; i < _CAPABILITY_SET_MAX; i++)
        asked |= spec->capability_sets[i];
    /* "config.md#linux-process": what cannot be granted is told and no error. */
    if (asked & ~available) {
        _cleanup_free_ char *names = capability_format_mask(asked & ~available);

        notice(launch, text_format("%s cannot be granted: the runtime itself does not have it", names ? names : "?"));
    }
    launch->facts.available_capabilities = available;
    launch->facts.last_capability = launch_last_capability();
    return r;
}

static Launch *launch_new(const BundleRequest *request)
{
    Launch *launch = calloc(1, sizeof(Launch));

    if (!launch)
        return NULL;
    launch->request = (LaunchRequest){.spec = request->spec, .notice = request->notice, .userdata = request->userdata};
    launch->lock_fd = launch->id_locks_fd = launch->control_fd = launch->terminal_fd = -EBADF;
    launch->label.categories_fd = -EBADF;
    for (int i = 0; i < 3; i++)
        launch->relay_fds[i] = launch->child_fds[i] = -EBADF;
    launch->machine = calloc(1, sizeof(Machine));
    if (launch->machine)
        return launch;
    launch_free(launch);
    return NULL;
}

static int make_plan(Launch *launch, const BundleRequest *request, Error *error)
{
    int r = gather_trees(launch, error);

    if (r == 0)
        r = launch_gather_namespaces(launch, error);
    if (r == 0)
        r = gather_cgroup(launch, request, error);
    if (r == 0)
        r = gather_seccomp(launch, request, error);
    if (r == 0)
        r = gather_capabilities(launch);
    if (r < 0)
        return r;
    launch->facts.await_fd = fd_list_add(&launch->fds, request->listen_fd, false);
    launch->facts.log = STEP_LOG_PASSTHROUGH;
    launch->facts.process_label = request->spec->label_process;
    launch->facts.file_label = request->spec->label_file;
    launch->facts.terminal_rows = request->rows;
    launch->facts.terminal_columns = request->columns;
    return plan_make(request->spec, &launch->facts, &launch->plan, error);
}

/* The engine's own streams, whatever they are: it has made them for the container. */
static void take_streams(Launch *launch)
{
    for (int i = 0; i < 3; i++)
        launch->child_fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
}

static int wait_created(Launch *launch, BundleContainer *container, const char *id, int *ret_exit_status, Error *error)
{
    Message message;
    int fd = -EBADF, r = launch_read_message(container->control_fd, START_MSEC, &message, &fd);

    safe_close(fd);
    if (r <= 0)
        return error_set(error, r < 0 ? r : -ECONNRESET, "the executor died while it made '%s'", id);
    if (message.kind == MESSAGE_FAILED)
        return launch_explain_failure(&launch->plan, &message, id, ret_exit_status, error);
    if (message.kind != MESSAGE_STARTED)
        return error_set(error, -EBADMSG, "unexpected message %u from the executor", message.kind);
    container->pid = message.number;
    (void) process_start_time(container->pid, &container->started);
    if (!launch->request.spec->tty)
        return 0;
    r = launch_read_message(container->control_fd, START_MSEC, &message, &container->terminal_fd);
    if (r <= 0 || message.kind != MESSAGE_TERMINAL || container->terminal_fd < 0)
        return error_set(error, -EBADMSG, "the executor did not hand over the terminal");
    return 0;
}

static void wait_executor(BundleContainer *container)
{
    container->control_fd = safe_close(container->control_fd);
    while (container->executor_pid > 0 && waitpid(container->executor_pid, NULL, 0) < 0 && errno == EINTR)
        ;
    container->executor_pid = 0;
}

void bundle_container_done(BundleContainer *container)
{
    container->terminal_fd = safe_close(container->terminal_fd);
    if (container->executor_pid > 0)
        wait_executor(container);
}

int bundle_create(const BundleRequest *request, BundleContainer *ret, int *ret_exit_status, Error *error)
{
    _cleanup_(launch_freep) Launch *launch = launch_new(request);
    BundleContainer container = {.terminal_fd = -EBADF, .control_fd = -EBADF};
    int r = launch ? make_plan(launch, request, error) : -ENOMEM;

    *ret_exit_status = LAUNCH_EXIT_FAILURE;
    if (r < 0)
        return r;
    take_streams(launch);
    r = launch_spawn_executor(&launch->plan, &launch->fds, launch->child_fds, 0, &container.control_fd,
                              &container.executor_pid, error);
    if (r == 0)
        r = wait_created(launch, &container, request->id, ret_exit_status, error);
    if (r < 0) {
        bundle_container_done(&container);
        return r;
    }
    *ret = container;
    return 0;
}

int bundle_announce(BundleContainer *container, Error *error)
{
    int r = launch_announce(container->control_fd, false);

    if (r < 0)
        return error_set(error, r, "the executor is gone");
    /* It goes when the first process does without it. */
    wait_executor(container);
    return 0;
}

int bundle_start(int socket_fd, const char *id, int *ret_exit_status, Error *error)
{
    Message message;
    int fd = -EBADF, r = launch_read_message(socket_fd, START_MSEC, &message, &fd);

    safe_close(fd);
    *ret_exit_status = LAUNCH_EXIT_FAILURE;
    if (r == 0)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot hear from '%s': %s", id, strerror(-r));
    if (message.kind != MESSAGE_FAILED)
        return error_set(error, -EBADMSG, "unexpected message %u from '%s'", message.kind, id);
    *ret_exit_status =
        message.exit_status >= 125 && message.exit_status <= 127 ? (int) message.exit_status : LAUNCH_EXIT_FAILURE;
    return error_set(error, message.number < 0 ? message.number : -EIO, "cannot start '%s': %s", id, message.text);
}
