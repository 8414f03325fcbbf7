/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/client.h"

#include "base/program.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/memfd.h"
#include "kernel/process.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM   "berth-puller"
#define KEPT_MAX  64U
#define SOCKET_FD 3

struct PullClient {
    int socket_fd;
    pid_t pid;
    unsigned last_id;
    WireReply kept[KEPT_MAX]; /* id 0: free */
};

void pull_client_free(PullClient *client)
{
    if (!client)
        return;
    safe_close(client->socket_fd);
    if (client->pid > 0) {
        (void) kill(client->pid, SIGKILL);
        while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    for (size_t i = 0; i < KEPT_MAX; i++)
        wire_reply_done(&client->kept[i]);
    free(client);
}

static int make_arguments(const PullOptions *options, char ***ret)
{
    _cleanup_strv_ char **argv = strv_new(PROGRAM, NULL);
    int r = argv ? 0 : -ENOMEM;

    if (r == 0 && options->tls_verify)
        r = strv_append_format(&argv, "--tls-verify=%s", options->tls_verify);
    if (r == 0 && options->auth_json)
        r = strv_append(&argv, "--auth-file=-");
    else if (r == 0 && options->auth_file)
        r = strv_append_format(&argv, "--auth-file=%s", options->auth_file);
    if (r == 0 && options->is_writing)
        r = strv_append(&argv, "--write");
    if (r == 0 && options->has_progress)
        r = strv_append(&argv, "--progress");
    if (r == 0)
        r = strv_append(&argv, "--");
    if (r == 0)
        r = strv_append(&argv, options->name);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(argv);
    return 0;
}

/* process_spawn() wants every fd out of the way of those that it makes. */
static int run_program(PullClient *client, char **argv, int input_fd, int peer_fd, Error *error)
{
    _cleanup_close_ int found_fd = program_open("puller", PROGRAM, error), program_fd = -EBADF, null_fd = -EBADF,
                        error_fd = -EBADF, high_fd = -EBADF, high_input_fd = -EBADF;
    int r;

    if (found_fd < 0)
        return found_fd;
    program_fd = fcntl(found_fd, F_DUPFD_CLOEXEC, 10);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (program_fd < 0 || null_fd < 0)
        return -errno;
    high_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, 10);
    safe_close(null_fd);
    null_fd = high_fd;
    high_fd = fcntl(peer_fd, F_DUPFD_CLOEXEC, 10);
    error_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    high_input_fd = fcntl(input_fd >= 0 ? input_fd : null_fd, F_DUPFD_CLOEXEC, 10);
    if (null_fd < 0 || high_fd < 0 || error_fd < 0 || high_input_fd < 0)
        return -errno;
    r = process_spawn(program_fd, argv, environ, (int[]){high_input_fd, null_fd, error_fd, high_fd}, SOCKET_FD + 1,
                      &client->pid);
    return r < 0 ? error_set(error, r, "cannot run " PROGRAM ": %s", strerror(-r)) : 0;
}

int pull_client_start(const PullOptions *options, PullClient **ret, Error *error)
{
    _cleanup_pull_client_ PullClient *client = calloc(1, sizeof(*client));
    _cleanup_strv_ char **argv = NULL;
    _cleanup_close_ int peer_fd = -EBADF, input_fd = -EBADF;
    int fds[2], r;

    if (!client)
        return -ENOMEM;
    client->socket_fd = -EBADF;
    r = make_arguments(options, &argv);
    if (r == 0 && options->auth_json) {
        input_fd = memfd_create_sealed("berth-password", options->auth_json, strlen(options->auth_json));
        r = MIN(input_fd, 0);
    }
    if (r == 0)
        r = socket_make_pair(fds);
    if (r < 0)
        return error_prefix(error, r, "starting " PROGRAM);
    client->socket_fd = fds[0];
    peer_fd = fds[1];
    r = run_program(client, argv, input_fd, peer_fd, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(client);
    return 0;
}

int pull_client_send(PullClient *client, const WireRequest *request, int fd, unsigned *ret_id, Error *error)
{
    WireRequest numbered = *request;
    _cleanup_free_ char *text = NULL;
    int r;

    numbered.id = client->last_id + 1;
    text = wire_request_format(&numbered);
    r = text ? socket_send(client->socket_fd, text, strlen(text), &fd, fd >= 0 ? 1 : 0) : -ENOMEM;
    if (r < 0)
        return error_prefix(error, r, "asking " PROGRAM);
    *ret_id = client->last_id = numbered.id;
    return 0;
}

static int receive(PullClient *client, WireReply *ret, Error *error)
{
    char message[WIRE_MESSAGE_MAX + 1];
    int fds[SOCKET_FDS_MAX];
    size_t fds_count = 0;
    ssize_t n = socket_receive(client->socket_fd, message, sizeof(message) - 1, fds, &fds_count);
    int r;

    for (size_t i = 0; n > 0 && i < fds_count; i++)
        safe_close(fds[i]);
    if (n < 0)
        return error_prefix(error, (int) n, "listening to " PROGRAM);
    if (n == 0)
        return error_set(error, -EIO, PROGRAM " ended before it was done");
    message[n] = 0;
    r = wire_reply_parse(message, (size_t) n, ret, error);
    return r < 0 ? error_prefix(error, -EPROTO, "an answer of " PROGRAM) : 0;
}

static int judge(WireReply *reply, WireReply *ret, Error *error)
{
    _cleanup_wire_reply_ WireReply own = *reply;
    int r = own.code;

    *reply = (WireReply){};
    if (r < 0) {
        error_set(error, r, "%s", own.text ? own.text : strerror(-r));
        return own.hint ? error_hint(error, r, "%s", own.hint) : r;
    }
    if (ret) {
        *ret = own;
        own = (WireReply){};
    }
    return 0;
}

int pull_client_wait(PullClient *client, unsigned id, WireReply *ret, Error *error)
{
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (client->kept[i].id == id)
            return judge(&client->kept[i], ret, error);
    for (;;) {
        _cleanup_wire_reply_ WireReply reply = {};
        size_t free_at = 0;
        int r = receive(client, &reply, error);

        if (r < 0)
            return r;
        if (reply.id == id)
            return judge(&reply, ret, error);
        while (free_at < KEPT_MAX && client->kept[free_at].id != 0)
            free_at++;
        if (free_at == KEPT_MAX || reply.id > client->last_id)
            return error_set(error, -EPROTO, PROGRAM " answers what nobody asked");
        client->kept[free_at] = reply;
        reply = (WireReply){};
    }
}
