/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create, start and run: the way of a bundle to a container. */

#include "runtime/runtime.h"

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/oci-runtime.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "launch/bundle.h"
#include "machines/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define CGROUP_DEFAULT "berth-runtime"

typedef struct Bundle {
    char *path, *text;
    json_t *json;
    ContainerSpec *spec;
    uint16_t rows, columns;
} Bundle;

static void bundle_done(Bundle *bundle)
{
    free(bundle->path);
    free(bundle->text);
    json_decref(bundle->json);
    container_spec_free(bundle->spec);
}

static int finish_spec(Runtime *runtime, Bundle *bundle, size_t size, const char *id, Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL, *own = spec_layer_new(TRUST_ADMIN);
    _cleanup_strv_ char **notices = NULL;
    int r = own ? oci_runtime_parse(bundle->text, size, bundle->path, &layer, &notices, error) : -ENOMEM;

    STRV_FOREACH (text, notices)
        runtime_notice(*text, runtime);
    if (r == 0)
        r = spec_layer_add(own, setting_of(offsetof(ContainerSpec, name)), id, "ID");
    return r < 0 ? r : spec_finish((SpecLayer *[]){own, layer}, 2, &bundle->spec, error);
}

/* What the spec has no place for. The text is known to be well-formed by now, but for numbers beyond 63 bits. */
static void read_console_size(Bundle *bundle)
{
    double height = 0, width = 0; /* as which the parser takes whatever is a number */

    if (json_unpack(bundle->json, "{s:{s:{s:F,s:F}}}", "process", "consoleSize", "height", &height, "width", &width) ==
            0 &&
        height >= 1 && height <= UINT16_MAX && width >= 1 && width <= UINT16_MAX) {
        bundle->rows = (uint16_t) height;
        bundle->columns = (uint16_t) width;
    }
}

static int load_bundle(Runtime *runtime, const char *id, Bundle *ret, Error *error)
{
    const char *where = runtime->bundle ? runtime->bundle : ".",
               *config = runtime->config ? runtime->config : CONFIG_NAME;
    _cleanup_close_ int fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = 0;
    int r;

    if (fd < 0)
        return error_set(error, -errno, "cannot open the bundle '%s': %s", where, strerror(errno));
    ret->path = realpath(where, NULL);
    if (!ret->path)
        return -errno;
    r = file_read_at(fd, config, OCI_RUNTIME_CONFIG_MAX_BYTES, &ret->text, &size);
    if (r < 0)
        return error_set(error, r, "cannot read '%s' of the bundle '%s': %s", config, where, strerror(-r));
    r = finish_spec(runtime, ret, size, id, error);
    if (r < 0)
        return r;
    ret->json = json_loadb(ret->text, size, JSON_DECODE_INT_AS_REAL, NULL);
    if (ret->json)
        read_console_size(ret);
    return 0;
}

/* Options that ask for what this runtime does not do are errors, as in the configuration. */
static int check_options(const Runtime *runtime, const Bundle *bundle, Error *error)
{
    if (runtime->preserve_fds && strcmp(runtime->preserve_fds, "0") != 0)
        return error_set(error, -EOPNOTSUPP, "--preserve-fds is not supported");
    if (runtime->no_pivot)
        return error_set(error, -EOPNOTSUPP, "--no-pivot is not supported: it would leave the host's root in reach");
    if (runtime->no_new_keyring)
        return error_set(error, -EOPNOTSUPP, "--no-new-keyring is not supported");
    if (bundle->spec->tty && !runtime->console_socket)
        return error_set(error, -EINVAL, "a container with a terminal needs --console-socket");
    if (!bundle->spec->tty && runtime->console_socket)
        return error_set(error, -EINVAL, "--console-socket is for a container with a terminal");
    return 0;
}

/* The path as the engine has it, below the root of the hierarchy; without one, a place of our own. */
static char *cgroup_of(const ContainerSpec *spec, const char *id)
{
    const char *path = spec->cgroup_path;

    if (!path)
        return text_format(CGROUP_DEFAULT "/%s", id);
    return strdup(path + strspn(path, "/"));
}

static char *now_text(void)
{
    struct timespec now;
    struct tm parts;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    if (!gmtime_r(&now.tv_sec, &parts) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return NULL;
    return text_format("%s.%09ldZ", text, now.tv_nsec);
}

static int describe(ContainerState *state, const Bundle *bundle, Error *error)
{
    const json_t *annotations = json_object_get(bundle->json, "annotations");

    state->bundle = strdup(bundle->path);
    state->rootfs = strdup(bundle->spec->host_directory);
    state->cgroup = cgroup_of(bundle->spec, state->id);
    state->created = now_text();
    state->has_pid_namespace = bundle->spec->pid.mode == NAMESPACE_PRIVATE;
    if (json_is_object(annotations))
        state->annotations = json_dumps(annotations, JSON_COMPACT);
    if (!state->bundle || !state->rootfs || !state->cgroup || !state->created)
        return -ENOMEM;
    if (path_has_dotdot(state->cgroup) || !*state->cgroup)
        return error_set(error, -EINVAL, "config.json#/linux/cgroupsPath: '%s' is not the path of a group of its own",
                         bundle->spec->cgroup_path);
    return 0;
}

/* The primary end of the terminal, for who listens there: the protocol of runc(8), one message with one fd. */
static int send_terminal(const char *path, int terminal_fd, Error *error)
{
    static const char name[] = "/dev/ptmx";
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int r;

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(error, -ENAMETOOLONG, "--console-socket: '%s' is too long", path);
    memcpy(address.sun_path, path, strlen(path));
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        return error_set(error, -errno, "--console-socket: cannot connect to '%s': %s", path, strerror(errno));
    r = socket_send(fd, name, sizeof(name) - 1, &terminal_fd, 1);
    return r < 0 ? error_set(error, r, "--console-socket: cannot send the terminal: %s", strerror(-r)) : 0;
}

static int write_pid_file(const char *path, uint64_t pid, Error *error)
{
    _cleanup_free_ char *text = text_format("%llu", (unsigned long long) pid), *parent = strdup(path);
    char *slash = parent ? strrchr(parent, '/') : NULL;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!text || !parent)
        return -ENOMEM;
    if (slash)
        *slash = 0;
    fd = open(!slash ? "." : *parent ? parent : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = fd < 0 ? -errno : file_write_atomic_at(fd, slash ? slash + 1 : path, text, strlen(text), 0644, 0);
    return r < 0 ? error_set(error, r, "--pid-file: cannot write '%s': %s", path, strerror(-r)) : 0;
}

/* An engine looks for these words to tell a program that is missing from other failures. */
static int explain(int r, int exit_status, Error *error)
{
    _cleanup_error_ Error plain = {};

    if (r >= 0 || exit_status < 126)
        return r;
    error_move(&plain, error);
    return error_set(error, r, "%s: %s", plain.text ? plain.text : "",
                     exit_status == 127 ? "executable file not found in $PATH: no such file or directory"
                                        : "permission denied");
}

static int publish(Runtime *runtime, ContainerState *state, BundleContainer *container, Error *error)
{
    int r = 0;

    state->pid = (uint64_t) container->pid;
    state->pid_started = container->started;
    if (container->terminal_fd >= 0)
        r = send_terminal(runtime->console_socket, container->terminal_fd, error);
    if (r == 0)
        r = container_state_save(state, error);
    if (r == 0 && runtime->pid_file)
        r = write_pid_file(runtime->pid_file, state->pid, error);
    return r < 0 ? r : bundle_announce(container, error);
}

static int make_container(Runtime *runtime, const Bundle *bundle, ContainerState *state, Error *error)
{
    _cleanup_(bundle_container_done) BundleContainer container = {.terminal_fd = -EBADF, .control_fd = -EBADF};
    _cleanup_close_ int listen_fd = container_listen(state), seccomp_fd = -EBADF;
    BundleRequest request = {.spec = bundle->spec,
                             .id = state->id,
                             .listen_fd = listen_fd,
                             .cgroup_path = state->cgroup,
                             .rows = bundle->rows,
                             .columns = bundle->columns,
                             .notice = runtime_notice,
                             .userdata = runtime};
    int exit_status = 0, r;

    if (listen_fd < 0)
        return error_set(error, listen_fd, "cannot make the socket of '%s': %s", state->id, strerror(-listen_fd));
    if (bundle->spec->seccomp_text &&
        file_open_directory_at(AT_FDCWD, "/run/berth/seccomp", true, 0700, &seccomp_fd) < 0)
        seccomp_fd = -EBADF;
    request.seccomp_fd = seccomp_fd;
    r = bundle_create(&request, &container, &exit_status, error);
    return r < 0 ? explain(r, exit_status, error) : publish(runtime, state, &container, error);
}

static int create(Runtime *runtime, ContainerState *ret, Error *error)
{
    _cleanup_(bundle_done) Bundle bundle = {};
    const char *id = runtime->words[0];
    int r = load_bundle(runtime, id, &bundle, error);

    if (r == 0)
        r = check_options(runtime, &bundle, error);
    if (r == 0)
        r = container_state_make(runtime, id, ret, error);
    if (r < 0)
        return r;
    r = describe(ret, &bundle, error);
    if (r == 0)
        r = make_container(runtime, &bundle, ret, error);
    if (r < 0)
        (void) container_destroy(runtime, ret, NULL);
    return r;
}

int verb_create(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};

    return create(runtime, &state, error);
}

static int start(ContainerState *state, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int exit_status = 0, r;

    if (container_status(state) != STATUS_CREATED)
        return error_set(error, -EINVAL, "cannot start '%s': it is %s, not created", state->id,
                         container_status_to_string(container_status(state)));
    fd = container_connect(state);
    if (fd < 0)
        return error_set(error, fd, "cannot start '%s': %s", state->id, strerror(-fd));
    r = bundle_start(fd, state->id, &exit_status, error);
    return explain(r, exit_status, error);
}

int verb_start(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    int r = container_state_load(runtime, runtime->words[0], &state, error);

    return r < 0 ? r : start(&state, error);
}

/* Passes on what is sent to us, until the container's first process, which is our child by adoption, has ended. */
static int follow(const ContainerState *state, int signals_fd)
{
    _cleanup_close_ int pidfd = process_open((pid_t) state->pid);
    struct pollfd polls[] = {{pidfd, POLLIN, 0}, {signals_fd, POLLIN, 0}};
    struct signalfd_siginfo info;
    bool is_signaled = false;
    int code = 0, r;

    while (pidfd >= 0 && !polls[0].revents) {
        if (poll(polls, ELEMENTSOF(polls), -1) < 0 && errno != EINTR)
            return -errno;
        if (polls[1].revents && read(signals_fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD)
            (void) process_send_signal(pidfd, (int) info.ssi_signo);
    }
    r = pidfd < 0 ? pidfd : process_wait(pidfd, &code, &is_signaled);
    return r < 0 ? r : is_signaled ? 128 + code : code;
}

static int block_signals(void)
{
    sigset_t all;
    int fd;

    sigfillset(&all);
    /* Those that are about ourselves. */
    sigdelset(&all, SIGTSTP);
    sigdelset(&all, SIGTTIN);
    sigdelset(&all, SIGTTOU);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGABRT);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &all, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int verb_run(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    _cleanup_close_ int signals_fd = runtime->detach ? -EBADF : block_signals();
    int r;

    if (!runtime->detach && (signals_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0))
        return error_set(error, -errno, "cannot prepare to wait: %s", strerror(errno));
    r = create(runtime, &state, error);
    if (r < 0)
        return r;
    r = start(&state, error);
    if (r < 0) {
        (void) container_destroy(runtime, &state, NULL);
        return r;
    }
    if (runtime->detach)
        return 0;
    r = follow(&state, signals_fd);
    if (r >= 0)
        runtime->exit_status = r;
    if (!runtime->keep) {
        int destroyed = container_destroy(runtime, &state, error);

        r = r < 0 ? r : destroyed;
    }
    return r < 0 ? r : 0;
}
