/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-puller: speaks to registries for whoever started it, and to nobody but them. Before the first byte from the network it
 * reads what it needs (configuration, passwords, certificates) and then gives up everything but its sockets. Requests come by
 * one socket with the fd that the answer's bytes go to. */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/confine.h"
#include "kernel/socket.h"
#include "puller/progress.h"
#include "puller/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_FD        3
#define TRANSFERS_MAX    32U
#define EXIT_USAGE       2
#define MEMORY_MAX_BYTES (UINT64_C(1) << 30)
#define WAIT_MSEC        1000
#define ENGAGED_MSEC     100

typedef struct Puller {
    Sites sites;
    CURLM *multi;
    Transfer *transfers[TRANSFERS_MAX];
    Progress progress;
    uint64_t done_bytes; /* of transfers that are over */
    bool is_finished;
} Puller;

static const char help_text[] =
    "berth-puller [OPTIONS] HOST/REPOSITORY\n"
    "\n"
    "Speaks to a registry for berth-importer and berthctl, which start it with a socket as fd 3. Not for people.\n"
    "\n"
    "      --tls-verify=BOOL  verify certificates and insist on TLS, or not; default: as registries.conf says\n"
    "      --auth-file=PATH   where passwords are; - for standard input\n"
    "      --write            the registry itself, no mirrors\n"
    "      --progress         a progress line on standard error\n"
    "  -h, --help             this help\n";

static void puller_done(Puller *puller)
{
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        if (puller->transfers[i]) {
            (void) curl_multi_remove_handle(puller->multi, puller->transfers[i]->easy);
            transfer_free(puller->transfers[i]);
        }
    curl_multi_cleanup(puller->multi);
    sites_done(&puller->sites);
}

/* --- answers --- */

static char *shorten(const char *text)
{
    return text ? strndup(text, 2000) : NULL;
}

static int reply(unsigned id, int code, const Error *error, const Transfer *transfer)
{
    _cleanup_wire_reply_ WireReply message = {.id = id, .code = code};
    _cleanup_free_ char *text = NULL;

    if (code < 0) {
        /* What servers say may be no UTF-8, and JSON has nothing else. */
        _cleanup_free_ char *safe = error->text ? text_escape(error->text, SIZE_MAX) : NULL;

        message.text = shorten(safe ? safe : strerror(-code));
        message.hint = shorten(error->hint);
    }
    if (transfer) {
        message.bytes = transfer->delivered;
        message.endpoint = shorten(transfer->sites->items[transfer->site].endpoint->host);
        if (transfer->answer.media_type &&
            text_is_utf8(transfer->answer.media_type, strlen(transfer->answer.media_type)))
            message.media_type = shorten(transfer->answer.media_type);
    }
    text = wire_reply_format(&message);
    return text ? socket_send(SOCKET_FD, text, strlen(text), NULL, 0) : -ENOMEM;
}

static int finish(Puller *puller, size_t i, int code)
{
    Transfer *transfer = TAKE_PTR(puller->transfers[i]);
    int r;

    puller->done_bytes += transfer->request.kind == WIRE_BLOB ? transfer->delivered : 0;
    /* First the end of the bytes, then the word about them. */
    transfer->fd = safe_close(transfer->fd);
    r = reply(transfer->request.id, code, &transfer->error, transfer);
    transfer_free(transfer);
    return r;
}

/* --- requests --- */

static int begin(Puller *puller, Transfer *transfer)
{
    int r = transfer_prepare(transfer);

    if (r == 0 && curl_multi_add_handle(puller->multi, transfer->easy) != CURLM_OK)
        r = -EIO;
    return r;
}

static int add(Puller *puller, WireRequest *request, int fd)
{
    _cleanup_error_ Error error = {};
    Transfer *transfer = NULL;
    unsigned id = request->id;
    uint64_t size_bytes = request->kind == WIRE_BLOB ? request->size_bytes : 0;
    size_t i = 0;
    int r;

    while (i < TRANSFERS_MAX && puller->transfers[i])
        i++;
    if (i == TRANSFERS_MAX) {
        safe_close(fd);
        return reply(id, -EBUSY, &error, NULL);
    }
    if (fd >= 0)
        (void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    r = transfer_new(&puller->sites, request, fd, &transfer, &error);
    if (r < 0)
        return reply(id, r, &error, NULL);
    puller->progress.total_bytes += size_bytes;
    puller->transfers[i] = transfer;
    r = begin(puller, transfer);
    return r < 0 ? finish(puller, i, r) : 0;
}

static int take_request(Puller *puller, Error *error)
{
    char message[WIRE_MESSAGE_MAX + 1];
    int fds[SOCKET_FDS_MAX];
    size_t fds_count = 0;
    _cleanup_wire_request_ WireRequest request = {};
    ssize_t n = socket_receive(SOCKET_FD, message, sizeof(message) - 1, fds, &fds_count);
    int r;

    if (n <= 0) {
        puller->is_finished = true;
        return (int) n;
    }
    message[n] = 0;
    for (size_t i = 1; i < fds_count; i++)
        safe_close(fds[i]);
    r = wire_request_parse(message, (size_t) n, &request, error);
    if (r < 0) {
        if (fds_count > 0)
            safe_close(fds[0]);
        return r;
    }
    return add(puller, &request, fds_count > 0 ? fds[0] : -EBADF);
}

/* --- the loop --- */

static int judge_ended(Puller *puller)
{
    CURLMsg *message;
    int left = 0, r = 0;

    while (r >= 0 && (message = curl_multi_info_read(puller->multi, &left))) {
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        size_t i = 0;

        if (message->msg != CURLMSG_DONE)
            continue;
        while (i < TRANSFERS_MAX && !(puller->transfers[i] && puller->transfers[i]->easy == easy))
            i++;
        (void) curl_multi_remove_handle(puller->multi, easy);
        if (i == TRANSFERS_MAX)
            continue;
        r = transfer_judge(puller->transfers[i], code);
        if (r == 1 && puller->transfers[i]->start_usec == 0)
            r = begin(puller, puller->transfers[i]) < 0 ? -EIO : 1;
        if (r != 1)
            r = finish(puller, i, r);
    }
    return MIN(r, 0);
}

static int begin_waiting(Puller *puller, int *timeout_msec)
{
    uint64_t now_usec = transfer_now_usec();

    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        Transfer *transfer = puller->transfers[i];
        int r = 0;

        if (!transfer || transfer->start_usec == 0)
            continue;
        if (transfer->start_usec > now_usec) {
            *timeout_msec = (int) MIN((uint64_t) *timeout_msec, (transfer->start_usec - now_usec) / 1000U + 1);
            continue;
        }
        r = begin(puller, transfer);
        if (r < 0)
            r = finish(puller, i, r);
        if (r < 0)
            return r;
        *timeout_msec = 0;
    }
    return 0;
}

static size_t list_files(const Puller *puller, struct curl_waitfd *files, int *timeout_msec)
{
    size_t count = 0;
    bool is_idle = true;

    files[count++] = (struct curl_waitfd){.fd = SOCKET_FD, .events = CURL_WAIT_POLLIN};
    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        is_idle &= !puller->transfers[i];
        if (puller->transfers[i] && puller->transfers[i]->is_paused)
            files[count++] = (struct curl_waitfd){.fd = puller->transfers[i]->fd, .events = CURL_WAIT_POLLOUT};
    }
    if (!is_idle && puller->progress.is_on)
        *timeout_msec = MIN(*timeout_msec, ENGAGED_MSEC);
    return count;
}

/* Who waits for his reader goes on when that has room, and when it is gone, so that it notices. */
static void resume_paused(Puller *puller)
{
    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        Transfer *transfer = puller->transfers[i];
        struct pollfd file = {.events = POLLOUT};

        if (!transfer || !transfer->is_paused)
            continue;
        file.fd = transfer->fd;
        if (poll(&file, 1, 0) > 0) {
            transfer->is_paused = false;
            (void) curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
        }
    }
}

static void show_progress(Puller *puller)
{
    uint64_t done_bytes = puller->done_bytes;
    bool is_idle = true;

    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        if (puller->transfers[i] && puller->transfers[i]->request.kind == WIRE_BLOB) {
            done_bytes += puller->transfers[i]->delivered;
            is_idle = false;
        }
    if (is_idle)
        progress_clear(&puller->progress);
    else
        progress_show(&puller->progress, done_bytes, transfer_now_usec());
}

static bool has_request(void)
{
    struct pollfd file = {.fd = SOCKET_FD, .events = POLLIN};

    return poll(&file, 1, 0) > 0;
}

static int serve(Puller *puller, Error *error)
{
    while (!puller->is_finished) {
        struct curl_waitfd files[TRANSFERS_MAX + 1];
        int timeout_msec = WAIT_MSEC, running = 0, r;
        size_t count;

        if (curl_multi_perform(puller->multi, &running) != CURLM_OK)
            return error_set(error, -EIO, "libcurl does not go on");
        r = judge_ended(puller);
        if (r == 0)
            r = begin_waiting(puller, &timeout_msec);
        if (r < 0)
            return r;
        show_progress(puller);
        count = list_files(puller, files, &timeout_msec);
        if (curl_multi_poll(puller->multi, files, (unsigned) count, timeout_msec, NULL) != CURLM_OK)
            return error_set(error, -EIO, "libcurl does not wait");
        resume_paused(puller);
        if (has_request()) {
            r = take_request(puller, error);
            if (r < 0)
                return r;
        }
    }
    progress_clear(&puller->progress);
    return 0;
}

/* --- the program --- */

typedef struct Arguments {
    SiteOptions site;
    bool has_progress, is_help;
} Arguments;

static int parse_option(int option, const char *value, Arguments *arguments, Error *error)
{
    switch (option) {
    case 't':
        arguments->site.has_tls_verify = true;
        if (text_parse_bool(value, &arguments->site.tls_verify) < 0)
            return error_set(error, -EINVAL, "--tls-verify=%s: use yes or no", value);
        return 0;
    case 'a':
        arguments->site.auth_file = value;
        return 0;
    case 'w':
        arguments->site.is_writing = true;
        return 0;
    case 'p':
        arguments->has_progress = true;
        return 0;
    case 'h':
        arguments->is_help = true;
        return 0;
    default:
        return -EINVAL; /* getopt_long(3) has said why */
    }
}

static int parse_arguments(int argc, char **argv, Arguments *arguments, Error *error)
{
    static const struct option options[] = {
        {"tls-verify", required_argument, NULL, 't'},
        {"auth-file", required_argument, NULL, 'a'},
        {"write", no_argument, NULL, 'w'},
        {"progress", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {},
    };
    struct stat st;
    int option, r = 0;

    while (r == 0 && (option = getopt_long(argc, argv, "h", options, NULL)) >= 0)
        r = parse_option(option, optarg, arguments, error);
    if (r < 0 || arguments->is_help)
        return r;
    if (argc - optind != 1)
        return error_set(error, -EINVAL, "one name is needed");
    arguments->site.name = argv[optind];
    if (fstat(SOCKET_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
        return error_set(error, -EBADF, "fd 3 is no socket; berthctl pull is for people");
    return 0;
}

/* Beside programs and configuration: what the name of a host is looked up with. */
static int confine(Error *error)
{
    static const char *const readable[] = {"/etc",
                                           "/usr",
                                           "/lib",
                                           "/lib64",
                                           "/run/systemd/resolve",
                                           "/run/resolvconf",
                                           "/run/NetworkManager",
                                           "/run/nscd",
                                           "/dev/null",
                                           "/dev/urandom",
                                           NULL};
    const char *step = "";
    int r = confine_network(readable, MEMORY_MAX_BYTES, &step);

    if (r == CONFINE_WITHOUT_LANDLOCK)
        log_warning("this kernel has no Landlock: what talks to the registry can still read what every user can");
    return r < 0 ? error_hint(error, error_set(error, r, "confining this process, while %s: %s", step, strerror(-r)),
                              "this needs root's privileges")
                 : 0;
}

static int run(Arguments *arguments, Error *error)
{
    _cleanup_(puller_done) Puller puller = {.progress.is_on = arguments->has_progress};
    int r = sites_load(&arguments->site, &puller.sites, error);

    if (r == 0 && (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(puller.multi = curl_multi_init())))
        r = error_set(error, -EIO, "libcurl does not start");
    if (r == 0)
        r = confine(error);
    return r < 0 ? r : serve(&puller, error);
}

/* Whoever asks first gets what went wrong before anything could be asked. */
static void tell_failure(const Error *error, int code)
{
    char message[WIRE_MESSAGE_MAX + 1];
    int fds[SOCKET_FDS_MAX];
    size_t fds_count = 0;
    _cleanup_wire_request_ WireRequest request = {};
    ssize_t n = socket_receive(SOCKET_FD, message, sizeof(message) - 1, fds, &fds_count);

    for (size_t i = 0; n > 0 && i < fds_count; i++)
        safe_close(fds[i]);
    if (n <= 0)
        return;
    message[n] = 0;
    if (wire_request_parse(message, (size_t) n, &request, NULL) == 0)
        (void) reply(request.id, code, error, NULL);
}

int main(int argc, char **argv)
{
    _cleanup_error_ Error error = {};
    Arguments arguments = {};
    int r;

    log_set_program("berth-puller");
    (void) signal(SIGCHLD, SIG_DFL);
    (void) signal(SIGPIPE, SIG_IGN);
    r = parse_arguments(argc, argv, &arguments, &error);
    if (r < 0) {
        if (error.text)
            error_report(&error, r);
        return EXIT_USAGE;
    }
    if (arguments.is_help) {
        fputs(help_text, stdout);
        return EXIT_SUCCESS;
    }
    (void) fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
    r = run(&arguments, &error);
    if (r < 0)
        tell_failure(&error, r);
    /* Not exit(): a leak checker cannot look into a confined process. */
    _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
