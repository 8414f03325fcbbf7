/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/runtime.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STATE_NAME        "state.json"
#define SOCKET_NAME       "start"
#define STATE_MAX_BYTES   (8U << 20)
#define END_MSEC          10000
#define REMOVE_ATTEMPTS   500
#define REMOVE_PAUSE_MSEC 10

/* clang-format off */
static const JsonField state_fields[] = {
    JSON_FIELD(ContainerState, id, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, bundle, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, rootfs, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, cgroup, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, created, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, annotations, JSON_FIELD_STRING),
    JSON_FIELD(ContainerState, pid, JSON_FIELD_U64),
    JSON_FIELD(ContainerState, pid_started, JSON_FIELD_U64),
    JSON_FIELD(ContainerState, has_pid_namespace, JSON_FIELD_BOOL),
};
/* clang-format on */

void container_state_done(ContainerState *state)
{
    json_fields_done(state, state_fields, ELEMENTSOF(state_fields));
    state->directory_fd = safe_close(state->directory_fd);
}

static int open_root(Runtime *runtime, Error *error)
{
    int r;

    if (runtime->root_fd >= 0)
        return 0;
    r = file_open_directory_at(AT_FDCWD, runtime->root, true, 0700, &runtime->root_fd);
    return r < 0 ? error_set(error, r, "cannot open '%s': %s", runtime->root, strerror(-r)) : 0;
}

static int check_id(const char *id, Error *error)
{
    return text_is_name(id)
               ? 0
               : error_set(error, -EINVAL,
                           "'%s' is not a container id: letters, digits, '_', '+', '-' and '.' (not first), "
                           "at most %d characters",
                           id, TEXT_NAME_MAX);
}

int container_state_make(Runtime *runtime, const char *id, ContainerState *ret, Error *error)
{
    int r = check_id(id, error);

    *ret = (ContainerState){.directory_fd = -EBADF};
    if (r == 0)
        r = open_root(runtime, error);
    if (r < 0)
        return r;
    if (mkdirat(runtime->root_fd, id, 0700) < 0)
        return errno == EEXIST ? error_set(error, -EEXIST, "container '%s' exists already", id)
                               : error_set(error, -errno, "cannot make the directory of '%s': %s", id, strerror(errno));
    ret->directory_fd = openat(runtime->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ret->id = strdup(id);
    return ret->directory_fd < 0 ? -errno : ret->id ? 0 : -ENOMEM;
}

int container_state_save(const ContainerState *state, Error *error)
{
    _cleanup_json_ json_t *json = json_fields_build(state, state_fields, ELEMENTSOF(state_fields));
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int r = text ? file_write_atomic_at(state->directory_fd, STATE_NAME, text, strlen(text), 0600, 0) : -ENOMEM;

    return r < 0 ? error_set(error, r, "cannot write the state of '%s': %s", state->id, strerror(-r)) : 0;
}

int container_state_load(Runtime *runtime, const char *id, ContainerState *ret, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = check_id(id, error);

    if (r == 0)
        r = open_root(runtime, error);
    if (r < 0)
        return r;
    state.directory_fd = openat(runtime->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (state.directory_fd < 0)
        return errno == ENOENT ? error_set(error, -ENOENT, "container '%s' does not exist", id)
                               : error_set(error, -errno, "cannot open the state of '%s': %s", id, strerror(errno));
    r = file_read_at(state.directory_fd, STATE_NAME, STATE_MAX_BYTES, &text, &size);
    /* Being created, or its creation was killed. */
    if (r == -ENOENT) {
        state.id = strdup(id);
        r = state.id ? 0 : -ENOMEM;
    } else if (r == 0) {
        r = json_parse_object(text, size, &json, error);
        if (r == 0)
            r = json_fields_read(json, state_fields, ELEMENTSOF(state_fields), &state, NULL, error);
    }
    if (r < 0)
        return error_prefix(error, r, "the state of '%s'", id);
    *ret = state;
    state = (ContainerState){.directory_fd = -EBADF};
    return 0;
}

void container_state_forget(Runtime *runtime, const char *id)
{
    if (runtime->root_fd >= 0)
        (void) file_remove_tree_at(runtime->root_fd, id);
}

/* By pid and start time, behind an open pidfd; one that has ended, reaped or not, is gone. */
int container_open_process(const ContainerState *state)
{
    _cleanup_close_ int pidfd = state->pid > 0 ? process_open((pid_t) state->pid) : -ESRCH;
    struct pollfd poll_one = {pidfd, POLLIN, 0};
    uint64_t started = 0;

    if (pidfd < 0)
        return -ESRCH;
    if (process_start_time((pid_t) state->pid, &started) < 0 || started != state->pid_started ||
        poll(&poll_one, 1, 0) > 0)
        return -ESRCH;
    return TAKE_FD(pidfd);
}

int container_open_cgroup(const ContainerState *state, int *ret_fd)
{
    _cleanup_close_ int root_fd = -EBADF;
    bool is_hybrid = false;
    int r = state->cgroup ? cgroup_open_root(&root_fd, &is_hybrid) : -ENOENT;

    return r < 0 ? r : cgroup_open(root_fd, state->cgroup, false, ret_fd);
}

ContainerStatus container_status(const ContainerState *state)
{
    _cleanup_close_ int pidfd = container_open_process(state), group_fd = -EBADF;
    bool is_frozen = false;

    if (state->pid == 0)
        return STATUS_CREATING;
    if (pidfd < 0)
        return STATUS_STOPPED;
    if (faccessat(state->directory_fd, SOCKET_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return STATUS_CREATED;
    if (container_open_cgroup(state, &group_fd) == 0 && cgroup_is_frozen(group_fd, &is_frozen) == 0 && is_frozen)
        return STATUS_PAUSED;
    return STATUS_RUNNING;
}

const char *container_status_to_string(ContainerStatus status)
{
    static const char *const names[_STATUS_MAX] = {"creating", "created", "running", "paused", "stopped"};

    return names[status];
}

/* By way of the directory's fd, so that any path fits. */
static int socket_address(const ContainerState *state, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    return snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" SOCKET_NAME, state->directory_fd) > 0
               ? 0
               : -EINVAL;
}

int container_listen(const ContainerState *state)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    if (fd < 0 || socket_address(state, &address) < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
        listen(fd, 1) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int container_connect(const ContainerState *state)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    if (fd < 0 || socket_address(state, &address) < 0)
        return -errno;
    /* Whoever takes the name away first is the one who starts it. */
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        return -errno;
    return unlinkat(state->directory_fd, SOCKET_NAME, 0) < 0 ? -errno : TAKE_FD(fd);
}

static void end_process(const ContainerState *state)
{
    _cleanup_close_ int pidfd = container_open_process(state);
    struct pollfd poll_one = {pidfd, POLLIN, 0};

    if (pidfd < 0)
        return;
    (void) process_send_signal(pidfd, SIGKILL);
    (void) poll(&poll_one, 1, END_MSEC);
}

static int remove_cgroup(const ContainerState *state)
{
    _cleanup_close_ int root_fd = -EBADF, group_fd = -EBADF;
    bool is_hybrid = false;
    int r = state->cgroup ? cgroup_open_root(&root_fd, &is_hybrid) : -ENOENT;

    if (r == 0)
        r = cgroup_open(root_fd, state->cgroup, false, &group_fd);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    /* A frozen one is killed as well, in version 2; what is left of a container without a pid namespace of its own. */
    (void) cgroup_kill(group_fd);
    for (unsigned i = 0; i < REMOVE_ATTEMPTS && (r = cgroup_remove(root_fd, state->cgroup)) == -EBUSY; i++)
        (void) poll(NULL, 0, REMOVE_PAUSE_MSEC);
    return r == -ENOENT ? 0 : r;
}

int container_destroy(Runtime *runtime, ContainerState *state, Error *error)
{
    int r;

    end_process(state);
    r = remove_cgroup(state);
    if (r < 0)
        return error_set(error, r, "cannot remove the cgroup '%s': %s", state->cgroup, strerror(-r));
    container_state_forget(runtime, state->id);
    return 0;
}
