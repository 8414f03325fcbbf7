/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd-internal.h"

#include "base/dl.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define PRIVATE_SOCKET "unix:path=/run/systemd/private"

__typeof__(&sd_bus_open_system) sym_sd_bus_open_system;
__typeof__(&sd_bus_new) sym_sd_bus_new;
__typeof__(&sd_bus_set_address) sym_sd_bus_set_address;
__typeof__(&sd_bus_start) sym_sd_bus_start;
__typeof__(&sd_bus_close_unref) sym_sd_bus_close_unref;
__typeof__(&sd_bus_flush) sym_sd_bus_flush;
__typeof__(&sd_bus_process) sym_sd_bus_process;
__typeof__(&sd_bus_wait) sym_sd_bus_wait;
__typeof__(&sd_bus_call) sym_sd_bus_call;
__typeof__(&sd_bus_call_async) sym_sd_bus_call_async;
__typeof__(&sd_bus_match_signal_async) sym_sd_bus_match_signal_async;
__typeof__(&sd_bus_slot_unref) sym_sd_bus_slot_unref;
__typeof__(&sd_bus_path_encode) sym_sd_bus_path_encode;
__typeof__(&sd_bus_error_free) sym_sd_bus_error_free;
__typeof__(&sd_bus_error_get_errno) sym_sd_bus_error_get_errno;
__typeof__(&sd_bus_message_new_method_call) sym_sd_bus_message_new_method_call;
__typeof__(&sd_bus_message_unref) sym_sd_bus_message_unref;
__typeof__(&sd_bus_message_append) sym_sd_bus_message_append;
__typeof__(&sd_bus_message_append_array) sym_sd_bus_message_append_array;
__typeof__(&sd_bus_message_open_container) sym_sd_bus_message_open_container;
__typeof__(&sd_bus_message_close_container) sym_sd_bus_message_close_container;
__typeof__(&sd_bus_message_read) sym_sd_bus_message_read;
__typeof__(&sd_bus_message_read_basic) sym_sd_bus_message_read_basic;
__typeof__(&sd_bus_message_read_array) sym_sd_bus_message_read_array;
__typeof__(&sd_bus_message_peek_type) sym_sd_bus_message_peek_type;
__typeof__(&sd_bus_message_enter_container) sym_sd_bus_message_enter_container;
__typeof__(&sd_bus_message_exit_container) sym_sd_bus_message_exit_container;
__typeof__(&sd_bus_message_get_error) sym_sd_bus_message_get_error;

static const DlSymbol bus_symbols[] = {
    DL_SYMBOL(sd_bus_open_system),
    DL_SYMBOL(sd_bus_new),
    DL_SYMBOL(sd_bus_set_address),
    DL_SYMBOL(sd_bus_start),
    DL_SYMBOL(sd_bus_close_unref),
    DL_SYMBOL(sd_bus_flush),
    DL_SYMBOL(sd_bus_process),
    DL_SYMBOL(sd_bus_wait),
    DL_SYMBOL(sd_bus_call),
    DL_SYMBOL(sd_bus_call_async),
    DL_SYMBOL(sd_bus_match_signal_async),
    DL_SYMBOL(sd_bus_slot_unref),
    DL_SYMBOL(sd_bus_path_encode),
    DL_SYMBOL(sd_bus_error_free),
    DL_SYMBOL(sd_bus_error_get_errno),
    DL_SYMBOL(sd_bus_message_new_method_call),
    DL_SYMBOL(sd_bus_message_unref),
    DL_SYMBOL(sd_bus_message_append),
    DL_SYMBOL(sd_bus_message_append_array),
    DL_SYMBOL(sd_bus_message_open_container),
    DL_SYMBOL(sd_bus_message_close_container),
    DL_SYMBOL(sd_bus_message_read),
    DL_SYMBOL(sd_bus_message_read_basic),
    DL_SYMBOL(sd_bus_message_read_array),
    DL_SYMBOL(sd_bus_message_peek_type),
    DL_SYMBOL(sd_bus_message_enter_container),
    DL_SYMBOL(sd_bus_message_exit_container),
    DL_SYMBOL(sd_bus_message_get_error),
};

static DlLibrary bus_library = {
    .soname = "libsystemd.so.0",
    .package = "libsystemd0",
    .feature = "talking to systemd",
    .symbols = bus_symbols,
    .symbols_count = ELEMENTSOF(bus_symbols),
};

sd_bus_slot *systemd_slot_drop(sd_bus_slot *slot)
{
    return slot ? sym_sd_bus_slot_unref(slot) : NULL;
}

void systemd_job_done(SystemdJob *job)
{
    free(job->path);
    free(job->result);
    *job = (SystemdJob){0};
}

uint64_t systemd_now_usec(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* The system bus answers sooner than systemd's private socket, on which PID 1 has to accept and authenticate
 * within its own loop; the socket remains for hosts without a bus daemon and for early boot. */
static int connect_bus(Systemd *systemd, Error *error)
{
    sd_bus *bus = NULL;
    int bus_errno = sym_sd_bus_open_system(&systemd->bus);
    int r = 0;

    if (bus_errno >= 0)
        return 0;
    r = sym_sd_bus_new(&bus);
    if (r < 0)
        return r;
    systemd->bus = bus;
    systemd->is_private = true;
    r = sym_sd_bus_set_address(bus, PRIVATE_SOCKET);
    if (r >= 0)
        r = sym_sd_bus_start(bus);
    if (r < 0)
        return error_set(error, r, "cannot reach systemd: the system bus: %s; its private socket: %s",
                         strerror(-bus_errno), strerror(-r));
    return 0;
}

bool systemd_library_has(const char *symbol)
{
    return dlsym(bus_library.handle, symbol) != NULL;
}

int systemd_load_library(Error *error)
{
    return dl_load(&bus_library, error);
}

int systemd_open(Systemd **ret, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r = 0;

    if (!systemd_is_running())
        return error_set(error, -EOPNOTSUPP, "this host was not booted with systemd");
    r = systemd_load_library(error);
    if (r < 0)
        return r;
    systemd = calloc(1, sizeof(*systemd));
    if (!systemd)
        return -ENOMEM;
    r = connect_bus(systemd, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(systemd);
    return 0;
}

void systemd_close(Systemd *systemd)
{
    if (!systemd)
        return;
    systemd_scope_forget(systemd);
    systemd_slot_drop(systemd->job_match);
    if (systemd->bus)
        sym_sd_bus_close_unref(systemd->bus);
    free(systemd);
}

/* The errors whose meaning callers act on; the rest is libsystemd's own table. */
static int errno_of(const sd_bus_error *error)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"org.freedesktop.systemd1.UnitExists", EEXIST},
        {"org.freedesktop.systemd1.NoSuchUnit", ENOENT},
        {"org.freedesktop.systemd1.NoUnitForPID", ENOENT},
        {"org.freedesktop.systemd1.NoSuchProcess", ESRCH},
        {"org.freedesktop.systemd1.UnitMasked", EPERM},
        {"org.freedesktop.systemd1.TransactionIsDestructive", ESHUTDOWN},
        {"org.freedesktop.systemd1.ShuttingDown", ESHUTDOWN},
        {"org.freedesktop.machine1.MachineExists", EEXIST},
        {"org.freedesktop.machine1.NoSuchMachine", ENOENT},
        {"org.freedesktop.DBus.Error.ServiceUnknown", EOPNOTSUPP},
        {"org.freedesktop.DBus.Error.AccessDenied", EACCES},
        {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EACCES},
        {"org.freedesktop.DBus.Error.PropertyReadOnly", EINVAL},
        {"org.freedesktop.DBus.Error.UnknownProperty", EINVAL},
        {"org.freedesktop.DBus.Error.UnknownInterface", EINVAL},
        {"org.freedesktop.DBus.Error.InvalidArgs", EINVAL},
        {"org.freedesktop.DBus.Error.NoReply", ETIMEDOUT},
        {"org.freedesktop.DBus.Error.Timeout", ETIMEDOUT},
        {"org.freedesktop.DBus.Error.TimedOut", ETIMEDOUT},
    };
    int number = 0;

    for (size_t i = 0; error->name && i < ELEMENTSOF(known); i++)
        if (strcmp(error->name, known[i].name) == 0)
            return -known[i].number;
    number = sym_sd_bus_error_get_errno(error);
    return number > 0 ? -number : -EIO;
}

int systemd_set_bus_error(Error *error, const sd_bus_error *bus_error, const char *what)
{
    int code = errno_of(bus_error);

    return error_set(error, code, "systemd did not %s: %s%s%s%s", what,
                     bus_error->message ? bus_error->message : strerror(-code), bus_error->name ? " (" : "",
                     bus_error->name ? bus_error->name : "", bus_error->name ? ")" : "");
}

int systemd_set_connection_error(Error *error, int code, const char *what)
{
    return error_set(error, code, "cannot ask systemd to %s: %s", what, strerror(-code));
}

int systemd_call(Systemd *systemd, sd_bus_message *message, uint64_t timeout_usec, const char *what,
                 sd_bus_message **ret_reply, Error *error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = sym_sd_bus_call(systemd->bus, message, timeout_usec, &bus_error, &reply);

    if (r < 0 && bus_error.name)
        return systemd_set_bus_error(error, &bus_error, what);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    *ret_reply = reply;
    return 0;
}

int systemd_new_call(Systemd *systemd, const char *method, sd_bus_message **ret)
{
    return sym_sd_bus_message_new_method_call(systemd->bus, ret, SYSTEMD_DESTINATION, SYSTEMD_MANAGER_PATH,
                                              SYSTEMD_MANAGER_INTERFACE, method);
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Systemd *systemd = userdata;
    const char *path = NULL, *unit = NULL, *result = NULL;
    uint32_t id = 0;

    (void) ret_error;
    if (sym_sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
        return 0;
    if (systemd->job.path && !systemd->job.result && strcmp(systemd->job.path, path) == 0)
        systemd->job.result = strdup(result);
    return 0;
}

/* Must precede the call that queues the job; the bus and systemd keep the order of what one connection sends,
 * so it is not waited for. The reply with the job's path likewise comes before its JobRemoved. */
int systemd_watch_jobs(Systemd *systemd)
{
    if (systemd->job_match)
        return 0;
    return sym_sd_bus_match_signal_async(systemd->bus, &systemd->job_match,
                                         systemd->is_private ? NULL : SYSTEMD_DESTINATION, SYSTEMD_MANAGER_PATH,
                                         SYSTEMD_MANAGER_INTERFACE, "JobRemoved", on_job_removed, NULL, systemd);
}

int systemd_run_until(Systemd *systemd, char *const *done, const int *failed, uint64_t deadline_usec)
{
    while (!*done && !*failed) {
        uint64_t now = systemd_now_usec();
        int r = sym_sd_bus_process(systemd->bus, NULL);

        if (r < 0)
            return r;
        if (r > 0)
            continue;
        if (now >= deadline_usec)
            return -ETIMEDOUT;
        r = sym_sd_bus_wait(systemd->bus, deadline_usec == UINT64_MAX ? UINT64_MAX : deadline_usec - now);
        if (r < 0 && r != -EINTR)
            return r;
    }
    return *failed;
}

/* What org.freedesktop.systemd1(5) lists for JobRemoved. */
int systemd_check_job_result(const char *result, const char *what, const char *unit, Error *error)
{
    static const struct {
        const char *result;
        int code;
        const char *text;
    } results[] = {
        {"canceled", -ECANCELED, "the job was cancelled"},        {"timeout", -ETIMEDOUT, "the job timed out"},
        {"dependency", -EIO, "a unit that it depends on failed"}, {"failed", -EIO, "the job failed"},
        {"once", -EALREADY, "it may be started only once"},       {"frozen", -EBUSY, "the unit is frozen"},
    };

    if (strcmp(result, "done") == 0 || strcmp(result, "skipped") == 0)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(results); i++)
        if (strcmp(result, results[i].result) == 0)
            return error_hint(error, error_set(error, results[i].code, "systemd did not %s: %s", what, results[i].text),
                              "journalctl -n 20 -u %s", unit);
    return error_set(error, -EIO, "systemd did not %s: the job's result is '%s'", what, result);
}

static int wait_for_job(Systemd *systemd, const char *what, const char *unit, Error *error)
{
    static const int never = 0;
    int r = systemd_run_until(systemd, &systemd->job.result, &never, UINT64_MAX);

    r = r < 0 ? systemd_set_connection_error(error, r, what)
              : systemd_check_job_result(systemd->job.result, what, unit, error);
    systemd_job_done(&systemd->job);
    return r;
}

static int queue_job(Systemd *systemd, const char *method, const char *unit, const char *what, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    const char *path = NULL;
    int r = systemd_new_call(systemd, method, &message);

    if (r >= 0)
        r = sym_sd_bus_message_append(message, "ss", unit, "replace");
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    r = systemd_call(systemd, message, 0, what, &reply, error);
    if (r < 0)
        return r;
    r = sym_sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    systemd->job.path = strdup(path);
    return systemd->job.path ? 0 : -ENOMEM;
}

/* One job at a time; a scope request under way must be waited for first, for it uses the same slot. */
static int run_job(Systemd *systemd, const char *method, const char *verb, const char *unit, Error *error)
{
    _cleanup_free_ char *what = text_format("%s %s", verb, unit);
    int r = 0;

    if (!what)
        return -ENOMEM;
    if (systemd->scope)
        return error_set(error, -EBUSY, "a request for %s is under way", systemd->scope);
    r = systemd_watch_jobs(systemd);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    r = queue_job(systemd, method, unit, what, error);
    return r < 0 ? r : wait_for_job(systemd, what, unit, error);
}

int systemd_unit_start(Systemd *systemd, const char *unit, Error *error)
{
    return run_job(systemd, "StartUnit", "start", unit, error);
}

int systemd_unit_stop(Systemd *systemd, const char *unit, Error *error)
{
    return run_job(systemd, "StopUnit", "stop", unit, error);
}

int systemd_unit_restart(Systemd *systemd, const char *unit, Error *error)
{
    return run_job(systemd, "RestartUnit", "restart", unit, error);
}

int systemd_unit_stop_queue(Systemd *systemd, const char *unit, Error *error)
{
    _cleanup_free_ char *what = text_format("stop %s", unit);
    int r = 0;

    if (!what)
        return -ENOMEM;
    if (systemd->scope)
        return error_set(error, -EBUSY, "a request for %s is under way", systemd->scope);
    r = queue_job(systemd, "StopUnit", unit, what, error);
    systemd_job_done(&systemd->job);
    return r;
}
