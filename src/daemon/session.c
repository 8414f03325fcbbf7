/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs more rights than the daemon has is a berthctl of its own, in a transient unit that PID 1 makes: it has none of
 * the daemon's confinement, its streams are the client's own files, and it goes on when the daemon is killed. The daemon
 * waits for the unit's job, which for a Type=oneshot unit is until the command has ended. */

#include "daemon/daemon.h"

#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define SYSTEMD_NAME     "org.freedesktop.systemd1"
#define SYSTEMD_PATH     "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER  "org.freedesktop.systemd1.Manager"
#define OUTPUT_MAX_BYTES (64U << 10)
#define START_REPLY_USEC (60 * UINT64_C(1000000))

struct Session {
    Daemon *daemon;
    sd_bus_message *message;
    SessionReply reply;
    sd_bus_slot *call, *match;
    char *unit, *job;
    bool waits;               /* for the command's end, and for its exit status */
    int output_fd, errors_fd; /* memory files with what it wrote; -EBADF: the client has it */
    int terminal_fd, peer_fd; /* the client's and the command's side */
    uid_t uid;
    Session *next;
};

static void session_free(Session *session)
{
    if (!session)
        return;
    for (Session **at = &session->daemon->sessions; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    sd_bus_slot_unref(session->call);
    sd_bus_slot_unref(session->match);
    sd_bus_message_unref(session->message);
    free(session->unit);
    free(session->job);
    safe_close(session->output_fd);
    safe_close(session->errors_fd);
    safe_close(session->terminal_fd);
    safe_close(session->peer_fd);
    free(session);
}
DEFINE_CLEANUP(Session *, session_free)

void session_forget_all(Daemon *daemon)
{
    while (daemon->sessions)
        session_free(daemon->sessions);
}

size_t session_count(const Daemon *daemon, uid_t uid)
{
    size_t count = 0;

    for (const Session *session = daemon->sessions; session; session = session->next)
        count += session->uid == uid;
    return count;
}

static char *read_back(int fd)
{
    char *text = NULL;

    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, OUTPUT_MAX_BYTES, &text, NULL) < 0)
        return NULL;
    text[strcspn(text, "\n")] = 0;
    return text;
}

/* The first line of what berthctl complained about, without its name. */
static int reply_failed(Session *session)
{
    _cleanup_free_ char *text = read_back(session->errors_fd);
    const char *cause = text ? text_after_prefix(text, "berthctl: ") : NULL;

    return bus_reply_error(session->message, BUS_ERROR_FAILED, "%s",
                           cause                  ? cause
                           : text && text[0] != 0 ? text
                                                  : "The command failed");
}

static int reply_end(Session *session, int exit_status)
{
    _cleanup_free_ char *output = read_back(session->output_fd);

    if (exit_status != 0 && session->errors_fd >= 0)
        return reply_failed(session);
    if (session->reply)
        return session->reply(session->message, output ? output : "", exit_status, session->terminal_fd);
    return sd_bus_reply_method_return(session->message, NULL);
}

static void unref_unit(Session *session)
{
    (void) sd_bus_call_method_async(session->daemon->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                    "UnrefUnit", NULL, NULL, "s", session->unit);
}

/* ExecMainStatus; a signal as a shell has it. */
static int on_status(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_(session_freep) Session *session = userdata;
    const char *name = NULL;
    int32_t code = 0, status = -1;
    int r = sd_bus_message_is_method_error(reply, NULL) ? -EIO : sd_bus_message_enter_container(reply, 'a', "{sv}");

    (void) ret_error;
    unref_unit(session);
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0 && strcmp(name, "ExecMainStatus") == 0)
            r = sd_bus_message_read(reply, "v", "i", &status);
        else if (r >= 0 && strcmp(name, "ExecMainCode") == 0)
            r = sd_bus_message_read(reply, "v", "i", &code);
        else if (r >= 0)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    idle_touch(session->daemon);
    if (r < 0 || status < 0)
        return bus_reply_error(session->message, BUS_ERROR_FAILED, "It is not known how the command ended");
    return reply_end(session, code == 1 /* CLD_EXITED */ ? status : 128 + status);
}

static int ask_status(Session *session)
{
    _cleanup_free_ char *path = NULL;
    int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", session->unit, &path);

    return r < 0 ? r
                 : sd_bus_call_method_async(session->daemon->bus, &session->call, SYSTEMD_NAME, path,
                                            "org.freedesktop.DBus.Properties", "GetAll", on_status, session, "s",
                                            "org.freedesktop.systemd1.Service");
}

static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_(session_freep) Session *session = userdata;
    const char *job = NULL, *unit = NULL, *result = NULL;
    uint32_t id = 0;

    (void) ret_error;
    if (sd_bus_message_read(signal, "uoss", &id, &job, &unit, &result) < 0 || !session->job ||
        strcmp(job, session->job) != 0) {
        TAKE_PTR(session);
        return 0;
    }
    idle_touch(session->daemon);
    session->job[0] = 0;
    if (session->waits && (strcmp(result, "done") == 0 || strcmp(result, "failed") == 0) && ask_status(session) >= 0) {
        TAKE_PTR(session);
        return 0;
    }
    unref_unit(session);
    return strcmp(result, "done") == 0 ? reply_end(session, 0) : reply_failed(session);
}

static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_(session_freep) Session *session = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    const char *job = NULL;

    (void) ret_error;
    if (error)
        return bus_reply_error(session->message, BUS_ERROR_FAILED, "The service manager: %s",
                               error->message ? error->message : error->name);
    if (sd_bus_message_read(reply, "o", &job) < 0)
        return bus_reply_error(session->message, BUS_ERROR_FAILED, "The service manager's answer is not understood");
    session->job = strdup(job);
    if (session->job)
        TAKE_PTR(session);
    return 0;
}

static int append_command(sd_bus_message *call, char *const *argv)
{
    int r = sd_bus_message_open_container(call, 'r', "sv");

    if (r >= 0) /* of the two that which takes flags: no word is a variable of systemd's */
        r = sd_bus_message_append(call, "s", "ExecStartEx");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'v', "a(sasas)");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "(sasas)");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'r', "sasas");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", BERTH_BIN_DIR "/berthctl");
    if (r >= 0)
        r = sd_bus_message_append_strv(call, (char **) (uintptr_t) argv);
    if (r >= 0)
        r = sd_bus_message_append(call, "as", 1, "no-env-expand");
    for (int i = 0; r >= 0 && i < 4; i++)
        r = sd_bus_message_close_container(call);
    return r;
}

static int append_streams(sd_bus_message *call, const SessionSpec *spec, const Session *session)
{
    int output_fd = session->output_fd >= 0 ? session->output_fd : spec->fds[1];
    int errors_fd = session->errors_fd >= 0 ? session->errors_fd : spec->fds[2];
    int r;

    if (session->peer_fd >= 0)
        return sd_bus_message_append(call, "(sv)(sv)(sv)(sv)", "StandardInput", "s", "tty", "StandardOutput", "s",
                                     "tty", "StandardError", "s", "tty", "TTYPath", "s", spec->terminal_path);
    r = spec->fds[0] < 0 ? sd_bus_message_append(call, "(sv)", "StandardInput", "s", "null")
                         : sd_bus_message_append(call, "(sv)", "StandardInputFileDescriptor", "h", spec->fds[0]);
    return r < 0 ? r
                 : sd_bus_message_append(call, "(sv)(sv)", "StandardOutputFileDescriptor", "h", output_fd,
                                         "StandardErrorFileDescriptor", "h", errors_fd);
}

static int append_properties(sd_bus_message *call, const SessionSpec *spec, const Session *session)
{
    int r = sd_bus_message_open_container(call, 'a', "(sv)");

    if (r >= 0)
        r = sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)", "Description", "s", spec->description, "Type", "s",
                                  session->waits ? "oneshot" : "exec", "CollectMode", "s", "inactive-or-failed",
                                  "AddRef", "b", 1, "SyslogIdentifier", "s", "berthctl");
    if (r >= 0)
        r = append_command(call, spec->argv);
    if (r >= 0)
        r = append_streams(call, spec, session);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static int call_manager(Session *session, const SessionSpec *spec)
{
    sd_bus *bus = session->daemon->bus;
    sd_bus_message *call = NULL;
    /* First, so that a job that is done at once is not missed. */
    int r = sd_bus_match_signal_async(bus, &session->match, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved",
                                      on_job_removed, NULL, session);

    if (r >= 0)
        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "StartTransientUnit");
    if (r >= 0)
        r = sd_bus_message_append(call, "ss", session->unit, "fail");
    if (r >= 0)
        r = append_properties(call, spec, session);
    if (r >= 0)
        r = sd_bus_message_append(call, "a(sa(sv))", 0);
    if (r >= 0)
        r = sd_bus_call_async(bus, &session->call, call, on_started, session, START_REPLY_USEC);
    sd_bus_message_unref(call);
    return r;
}

int session_start(Request *request, const SessionSpec *spec)
{
    Daemon *daemon = request->daemon;
    _cleanup_(session_freep) Session *session = calloc(1, sizeof(*session));
    uint64_t number = 0;
    int r;

    if (!session)
        return -ENOMEM;
    session->daemon = daemon;
    session->uid = request->caller->uid;
    session->reply = spec->reply;
    session->waits = spec->terminal_fd < 0;
    session->output_fd = session->errors_fd = -EBADF;
    /* Taken over, whatever comes. */
    session->terminal_fd = spec->terminal_fd;
    session->peer_fd = spec->peer_fd;
    if (daemon->is_user || !systemd_is_running())
        return bus_reply_error(request->message, SD_BUS_ERROR_NOT_SUPPORTED,
                               "This needs systemd; use berthctl where it is not");
    if (!job_has_room(daemon, session->uid))
        return bus_reply_error(request->message, BUS_ERROR_TOO_MANY, "Too many requests are under way");
    if (session->waits && spec->fds[1] < 0)
        session->output_fd = memfd_create("berthd-output", MFD_CLOEXEC);
    if (session->waits && spec->fds[2] < 0)
        session->errors_fd = memfd_create("berthd-errors", MFD_CLOEXEC);
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        return -EIO;
    session->unit = text_format("berth-session-%016llx.service", (unsigned long long) number);
    if (!session->unit)
        return -ENOMEM;
    r = call_manager(session, spec);
    if (r < 0)
        return r;
    session->message = sd_bus_message_ref(request->message);
    session->next = daemon->sessions;
    daemon->sessions = TAKE_PTR(session);
    return 0;
}
