/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What runs something: a start, a program or a shell inside, a load, a removal. Each is a command line of berthctl. */

#include "daemon/daemon.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/widening.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

/* Words and bytes of a command line that is taken. */
#define WORDS_MAX 1024
#define BYTES_MAX (256U << 10)

static int check_words(char *const *list)
{
    size_t count = 0, bytes = 0;

    for (; list && list[count]; count++)
        bytes += strlen(list[count]) + 1;
    return count > WORDS_MAX || bytes > BYTES_MAX ? -E2BIG : 0;
}

static bool is_assignment(const char *text)
{
    return text[0] != '=' && strchr(text, '=') != NULL;
}

static int check_environment(char *const *list)
{
    STRV_FOREACH (item, list)
        if (!is_assignment(*item))
            return -EINVAL;
    return check_words(list);
}

int arguments_exec(Request *request)
{
    sd_bus_message *m = request->message;
    int r = sd_bus_message_read(m, "ss", &request->user, &request->working_directory);

    if (r >= 0)
        r = sd_bus_message_read_strv(m, &request->argv);
    if (r >= 0)
        r = sd_bus_message_read_strv(m, &request->environment);
    if (r >= 0)
        r = sd_bus_message_read(m, "hhh", &request->fds[0], &request->fds[1], &request->fds[2]);
    if (r < 0)
        return r;
    if (!request->argv || text_is_empty(request->argv[0]) ||
        (request->working_directory[0] != 0 && request->working_directory[0] != '/'))
        return -EINVAL;
    r = check_words(request->argv);
    return r < 0 ? r : check_environment(request->environment);
}

int arguments_shell(Request *request)
{
    int r = sd_bus_message_read(request->message, "s", &request->user);

    if (r >= 0)
        r = sd_bus_message_read_strv(request->message, &request->argv);
    if (r >= 0)
        r = sd_bus_message_read_strv(request->message, &request->environment);
    if (r >= 0)
        r = check_words(request->argv);
    return r < 0 ? r : check_environment(request->environment);
}

int arguments_load(Request *request)
{
    int r = sd_bus_message_read(request->message, "hs", &request->fds[0], &request->reference);

    return r < 0 ? r : strlen(request->reference) > 4096 ? -EINVAL : 0;
}

/* berthctl VERB --user=… --env=… -- NAME WORD… */
static int build_entry(const Request *request, const char *verb, char *const *options, char ***ret)
{
    _cleanup_strv_ char **argv = strv_new("berthctl", verb, NULL);
    int r = argv ? strv_extend(&argv, options) : -ENOMEM;

    if (r == 0 && request->user[0] != 0)
        r = strv_append_format(&argv, "--user=%s", request->user);
    if (r == 0 && !text_is_empty(request->working_directory))
        r = strv_append_format(&argv, "--workdir=%s", request->working_directory);
    STRV_FOREACH (item, request->environment)
        if (r == 0)
            r = strv_append_format(&argv, "--env=%s", *item);
    if (r == 0)
        r = strv_append(&argv, "--");
    if (r == 0)
        r = strv_append(&argv, request->name);
    if (r == 0)
        r = strv_extend(&argv, request->argv);
    if (r == 0)
        *ret = TAKE_PTR(argv);
    return r;
}

static int reply_status(sd_bus_message *message, const char *output, int exit_status, int terminal_fd)
{
    (void) output;
    (void) terminal_fd;
    return sd_bus_reply_method_return(message, "i", exit_status);
}

int method_exec(Request *request)
{
    _cleanup_strv_ char **argv = NULL;
    char *const options[] = {(char *) "--interactive", NULL};
    SessionSpec spec = {
        .description = "Command in a container",
        .fds = {request->fds[0], request->fds[1], request->fds[2]},
        .terminal_fd = -EBADF,
        .peer_fd = -EBADF,
        .reply = reply_status,
    };
    int r;

    if (!request->daemon->machine)
        return request_reply_no_machine(request);
    r = build_entry(request, "exec", options, &argv);
    spec.argv = argv;
    return r < 0 ? r : session_start(request, &spec);
}

static int reply_terminal(sd_bus_message *message, const char *output, int exit_status, int terminal_fd)
{
    (void) output;
    (void) exit_status;
    return sd_bus_reply_method_return(message, "h", terminal_fd);
}

/* A new terminal of the host's: the client has one side, berthctl the other, and between it and the payload is a terminal
 * of the container's. */
static int open_terminal(SessionSpec *spec, char *path, size_t size)
{
    _cleanup_close_ int terminal_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (terminal_fd < 0 || grantpt(terminal_fd) < 0 || unlockpt(terminal_fd) < 0)
        return -errno;
    if (ptsname_r(terminal_fd, path, size) != 0)
        return -errno;
    spec->peer_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (spec->peer_fd < 0)
        return -errno;
    spec->terminal_fd = TAKE_FD(terminal_fd);
    spec->terminal_path = path;
    return 0;
}

/* berthctl with these words, on a new terminal whose other side is the answer. */
static int run_on_terminal(Request *request, char *const *argv, const char *description)
{
    SessionSpec spec = {
        .argv = argv,
        .description = description,
        .fds = {-EBADF, -EBADF, -EBADF},
        .terminal_fd = -EBADF,
        .peer_fd = -EBADF,
        .reply = reply_terminal,
    };
    char path[64];
    int r = open_terminal(&spec, path, sizeof(path));

    if (r < 0) {
        safe_close(spec.peer_fd);
        safe_close(spec.terminal_fd);
        return r;
    }
    return session_start(request, &spec);
}

int method_open_shell(Request *request)
{
    _cleanup_strv_ char **argv = NULL;
    int r;

    if (!request->daemon->machine)
        return request_reply_no_machine(request);
    r = build_entry(request, "shell", NULL, &argv);
    return r < 0 ? r : run_on_terminal(request, argv, "Shell in a container");
}

int method_open_login(Request *request)
{
    _cleanup_strv_ char **argv = strv_new("berthctl", "login", "--", request->name, NULL);

    if (!argv)
        return -ENOMEM;
    if (!request->daemon->machine)
        return request_reply_no_machine(request);
    if (!request->daemon->machine->boot)
        return bus_reply_error(request->message, SD_BUS_ERROR_NOT_SUPPORTED,
                               "'%s' does not boot a system that could log anybody in", request->name);
    return run_on_terminal(request, argv, "Login to a container");
}

int session_run_command(Request *request, char *const *argv, const char *description, int input_fd, SessionReply reply)
{
    SessionSpec spec = {
        .argv = argv,
        .description = description,
        .fds = {input_fd, -EBADF, -EBADF},
        .terminal_fd = -EBADF,
        .peer_fd = -EBADF,
        .reply = reply,
    };

    return argv ? session_start(request, &spec) : -ENOMEM;
}

int method_start(Request *request)
{
    _cleanup_strv_ char **argv = strv_new("berthctl", "start", "--", request->name, NULL);

    if (!request->definition)
        return bus_reply_error(request->message, BUS_ERROR_NO_SUCH_DEFINITION, "%s",
                               request->problem.text ? request->problem.text : "There is no definition of that name");
    return session_run_command(request, argv, "Start of a container", -EBADF, NULL);
}

int method_remove_container(Request *request)
{
    _cleanup_strv_ char **argv = request->force ? strv_new("berthctl", "rm", "--force", "--", request->name, NULL)
                                                : strv_new("berthctl", "rm", "--", request->name, NULL);

    return session_run_command(request, argv, "Removal of a container", -EBADF, NULL);
}

int method_load_image(Request *request)
{
    _cleanup_strv_ char **argv = strv_new("berthctl", "load", "--quiet", NULL);
    int r = argv ? 0 : -ENOMEM;

    if (r == 0 && request->reference[0] != 0)
        r = strv_append_format(&argv, "--name=%s", request->reference);
    if (r == 0)
        r = strv_append(&argv, "-");
    return r < 0 ? r : session_run_command(request, argv, "Load of an image", request->fds[0], NULL);
}

int definition_look_up(Request *request)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL, *defaults = spec_layer_new(TRUST_ADMIN);
    SpecLayer *layers[2];
    int r = defaults ? definition_load(request->name, &layer, NULL, &request->problem) : -ENOMEM;

    if (r == 0)
        r = spec_layer_add(defaults, setting_of(offsetof(ContainerSpec, name)), request->name, "default");
    if (r < 0)
        return r;
    layers[0] = defaults;
    layers[1] = layer;
    return spec_finish(layers, 2, &request->definition, &request->problem);
}
