/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a person and a payload: terminal, pipes and signals, until one of them is done. */

#include "launch/internal.h"

#include "base/file.h"
#include "kernel/socket.h"
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Ctrl-P Ctrl-Q, as docker and podman have it. */
#define DETACH_FIRST  0x10
#define DETACH_SECOND 0x11

#define TERMINAL_PAUSE_MSEC 100

typedef struct RelayState {
    const Relay *relay;
    int signals_fd;
    bool is_raw, reads_stdin, saw_detach_first;
    bool is_open[3]; /* pipes */
    struct termios saved;
    sigset_t old_mask;
} RelayState;

static void resize(const RelayState *state)
{
    uint16_t rows = 0, columns = 0;

    tty_get_size(STDIN_FILENO, &rows, &columns);
    if (state->relay->terminal_fd >= 0 && rows > 0)
        (void) tty_set_size(state->relay->terminal_fd, rows, columns);
}

static int relay_begin(RelayState *state)
{
    sigset_t mask;

    sigemptyset(&mask);
    for (int i = 1; i < NSIG; i++)
        if (i == SIGWINCH || i == SIGTERM || i == SIGINT || i == SIGHUP || i == SIGQUIT || i == SIGUSR1 || i == SIGUSR2)
            sigaddset(&mask, i);
    if (sigprocmask(SIG_BLOCK, &mask, &state->old_mask) < 0)
        return -errno;
    state->signals_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (state->signals_fd < 0)
        return -errno;
    if (state->relay->terminal_fd >= 0 && isatty(STDIN_FILENO)) {
        state->is_raw = tty_set_raw(STDIN_FILENO, &state->saved) == 0;
        resize(state);
    }
    return 0;
}

static void relay_end(RelayState *state)
{
    if (state->is_raw)
        tty_restore(STDIN_FILENO, &state->saved);
    safe_close(state->signals_fd);
    (void) sigprocmask(SIG_SETMASK, &state->old_mask, NULL);
}

static void on_signals(RelayState *state)
{
    struct signalfd_siginfo info;

    while (read(state->signals_fd, &info, sizeof(info)) == sizeof(info)) {
        Message message = {.kind = MESSAGE_SIGNAL, .number = (int32_t) info.ssi_signo};

        if (info.ssi_signo == SIGWINCH)
            resize(state);
        else if (!state->relay->is_attached)
            (void) socket_send(state->relay->control_fd, &message, sizeof(message), NULL, 0);
    }
}

/* Copies what is there. False at the end of the source. */
static bool copy_some(int from, int to)
{
    char data[16384];
    ssize_t n = read(from, data, sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    return n > 0 && file_write_all(to, data, (size_t) n) == 0;
}

/* Input for the payload's terminal; -EREMOTE when the keys to detach were pressed. */
static int copy_keys(RelayState *state)
{
    char data[1024];
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        state->reads_stdin = false;
        return 0;
    }
    for (ssize_t i = 0; i < n && state->relay->is_attached; i++) {
        if (state->saw_detach_first && data[i] == DETACH_SECOND)
            return -EREMOTE;
        state->saw_detach_first = data[i] == DETACH_FIRST;
    }
    (void) file_write_all(state->relay->terminal_fd, data, (size_t) n);
    return 0;
}

static void take_end(const Message *message, MachineExit *ret)
{
    *ret = (MachineExit){
        .code = message->is_signaled ? 128 + message->number : message->number,
        .signal = message->is_signaled ? (uint64_t) message->number : 0,
        .oom_kills = message->oom_kills,
    };
}

/* From the supervisor: the end, or (attached) a piece of output behind a byte that names the stream. 1: go on. */
static int on_control(RelayState *state, MachineExit *ret, Error *error)
{
    union {
        Message message;
        char bytes[8192];
    } packet;
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    ssize_t n = socket_receive(state->relay->control_fd, &packet, sizeof(packet), fds, &count);

    /* Started again, with a terminal in place of the old one. */
    if (n == sizeof(Message) && packet.message.kind == MESSAGE_TERMINAL && count == 1 &&
        state->relay->terminal_fd >= 0 && dup3(fds[0], state->relay->terminal_fd, O_CLOEXEC) >= 0)
        resize(state);
    while (count > 0)
        safe_close(fds[--count]);
    if (n <= 0)
        return error_set(error, -ECONNRESET, "the container's supervisor is gone; how it ended is not known");
    if (n == sizeof(Message) && packet.message.kind == MESSAGE_EXITED) {
        take_end(&packet.message, ret);
        return 0;
    }
    if (n == sizeof(Message) && packet.message.kind == MESSAGE_TERMINAL)
        return 1;
    if (state->relay->is_attached && (packet.bytes[0] == 1 || packet.bytes[0] == 2))
        (void) file_write_all(packet.bytes[0], packet.bytes + 1, (size_t) n - 1);
    return 1;
}

static void drain(RelayState *state)
{
    int sources[] = {state->relay->pipes ? state->relay->pipes[1] : -1,
                     state->relay->pipes ? state->relay->pipes[2] : -1,
                     state->relay->is_attached ? -1 : state->relay->terminal_fd};

    for (int i = 0; i < 3; i++) {
        struct pollfd poll_one = {sources[i], POLLIN, 0};

        while (sources[i] >= 0 && poll(&poll_one, 1, 0) > 0)
            if (!copy_some(sources[i], i == 1 ? STDERR_FILENO : STDOUT_FILENO))
                break;
    }
}

static int relay_loop(RelayState *state, MachineExit *ret, Error *error)
{
    const Relay *relay = state->relay;
    bool has_terminal = relay->terminal_fd >= 0, is_hung_up = false;

    for (;;) {
        int input = has_terminal ? relay->terminal_fd : relay->pipes && state->is_open[0] ? relay->pipes[0] : -1;
        struct pollfd polls[] = {
            {relay->control_fd, POLLIN, 0},
            {state->signals_fd, POLLIN, 0},
            {state->reads_stdin && input >= 0 ? STDIN_FILENO : -1, POLLIN, 0},
            {has_terminal && !relay->is_attached && !is_hung_up ? relay->terminal_fd : -1, POLLIN, 0},
            {relay->pipes && state->is_open[1] ? relay->pipes[1] : -1, POLLIN, 0},
            {relay->pipes && state->is_open[2] ? relay->pipes[2] : -1, POLLIN, 0},
        };
        int r;

        if (poll(polls, 6, is_hung_up ? TERMINAL_PAUSE_MSEC : -1) < 0 && errno != EINTR)
            return -errno;
        is_hung_up = false;
        if (polls[1].revents)
            on_signals(state);
        if (polls[2].revents) {
            r = has_terminal ? copy_keys(state) : 0;
            if (r < 0)
                return r;
            if (!has_terminal && !copy_some(STDIN_FILENO, relay->pipes[0])) {
                /* The payload is to see the end too. */
                relay->pipes[0] = safe_close(relay->pipes[0]);
                state->is_open[0] = false;
            }
        }
        /* EIO: no process has the terminal open just now (vhangup(2) of a getty, or the end, which comes over the
         * socket). It is looked at again after a pause. */
        if (polls[3].revents && !copy_some(relay->terminal_fd, STDOUT_FILENO) && !polls[0].revents)
            is_hung_up = true;
        for (int i = 1; i < 3; i++)
            if (polls[3 + i].revents && !copy_some(relay->pipes[i], i))
                state->is_open[i] = false;
        if (polls[0].revents) {
            r = on_control(state, ret, error);
            if (r <= 0)
                return r;
        }
    }
}

int relay_run(const Relay *relay, MachineExit *ret, Error *error)
{
    RelayState state = {.relay = relay, .signals_fd = -EBADF, .reads_stdin = true};
    int r;

    for (int i = 0; i < 3; i++)
        state.is_open[i] = relay->pipes && relay->pipes[i] >= 0;
    r = relay_begin(&state);
    if (r == 0)
        r = relay_loop(&state, ret, error);
    if (r == 0)
        drain(&state);
    relay_end(&state);
    return r;
}

int launch_attach(Roster *roster, const Machine *machine, MachineExit *ret, Error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), terminal_fd = -EBADF;
    Relay relay = {.is_attached = true};
    Message message;
    int n, r;

    n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", roster->attach_fd, machine->name);
    if (fd < 0 || n < 0 || (size_t) n >= sizeof(address.sun_path))
        return -errno;
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        return error_set(error, -errno, "cannot attach to '%s': %s", machine->name,
                         errno == ENOENT ? "its output is not kept (--log-driver=none or passthrough)"
                                         : strerror(errno));
    r = launch_read_message(fd, 10000, &message, &terminal_fd);
    if (r <= 0 || message.kind != MESSAGE_TERMINAL)
        return error_set(error, -ECONNREFUSED, "the supervisor of '%s' takes no more clients", machine->name);
    relay.control_fd = fd;
    relay.terminal_fd = terminal_fd;
    return relay_run(&relay, ret, error);
}
