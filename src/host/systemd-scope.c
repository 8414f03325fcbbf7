/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd-internal.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/properties.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SCOPE_TIMEOUT_USEC (60 * UINT64_C(1000000))
/* What systemd's own nspawn and machined give a container (systemd-nspawn@.service). */
#define TASKS_MAX_DEFAULT 16384

void systemd_scope_forget(Systemd *systemd)
{
    systemd->scope_call = systemd_slot_drop(systemd->scope_call);
    message_done(&systemd->scope_fallback);
    systemd->scope_fallback = NULL;
    free(systemd->scope);
    systemd->scope = NULL;
    error_done(&systemd->scope_error);
    systemd->scope_error = (Error){0};
    systemd_job_done(&systemd->job);
}

static bool error_is_unknown_property(const sd_bus_error *error)
{
    return error && error->name &&
           (strcmp(error->name, "org.freedesktop.DBus.Error.UnknownProperty") == 0 ||
            strcmp(error->name, "org.freedesktop.DBus.Error.PropertyReadOnly") == 0);
}

static int append_pids(sd_bus_message *m, const ScopeRequest *request, bool as_pidfds)
{
    int r = sym_sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sym_sd_bus_message_append(m, "s", as_pidfds ? "PIDFDs" : "PIDs");
    if (r >= 0)
        r = sym_sd_bus_message_open_container(m, 'v', as_pidfds ? "ah" : "au");
    if (r >= 0)
        r = sym_sd_bus_message_open_container(m, 'a', as_pidfds ? "h" : "u");
    for (size_t i = 0; r >= 0 && i < request->pids_count; i++)
        r = as_pidfds ? sym_sd_bus_message_append(m, "h", request->pidfds[i])
                      : sym_sd_bus_message_append(m, "u", (uint32_t) request->pids[i]);
    for (int level = 0; r >= 0 && level < 3; level++)
        r = sym_sd_bus_message_close_container(m);
    return r;
}

static bool list_sets(char *const *properties, const char *name)
{
    STRV_FOREACH (assignment, properties)
        if (property_is(*assignment, name))
            return true;
    return false;
}

static int append_scope_properties(sd_bus_message *m, const ScopeRequest *request, bool is_recent)
{
    int r = append_pids(m, request, is_recent && request->pidfds);

    if (r >= 0)
        r = sym_sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)", "Slice", "s", request->slice, "Delegate", "b", 1,
                                      "CollectMode", "s", "inactive-or-failed", "KillMode", "s", "control-group",
                                      "KillSignal", "i", SYSTEMD_SCOPE_STOP_SIGNAL);
    if (r >= 0 && request->description)
        r = sym_sd_bus_message_append(m, "(sv)", "Description", "s", request->description);
    if (r >= 0 && request->timeout_stop_usec > 0)
        r = sym_sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", request->timeout_stop_usec);
    if (r >= 0 && is_recent && !list_sets(request->properties, "OOMPolicy"))
        r = sym_sd_bus_message_append(m, "(sv)", "OOMPolicy", "s", "continue");
    if (r >= 0 && !list_sets(request->properties, "TasksMax"))
        r = sym_sd_bus_message_append(m, "(sv)", "TasksMax", "t", (uint64_t) TASKS_MAX_DEFAULT);
    return r;
}

static int new_scope_message(Systemd *systemd, const ScopeRequest *request, bool is_recent, sd_bus_message **ret,
                             Error *error)
{
    _cleanup_message_ sd_bus_message *m = NULL;
    int r = systemd_new_call(systemd, "StartTransientUnit", &m);

    if (r >= 0)
        r = sym_sd_bus_message_append(m, "ss", request->name, "fail");
    if (r >= 0)
        r = sym_sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = append_scope_properties(m, request, is_recent);
    if (r >= 0)
        r = systemd_append_properties(m, request->properties, error);
    if (r >= 0)
        r = sym_sd_bus_message_close_container(m);
    if (r >= 0)
        r = sym_sd_bus_message_append(m, "a(sa(sv))", 0);
    if (r < 0)
        return error_set(error, r, "cannot describe %s to systemd: %s", request->name, strerror(-r));
    *ret = TAKE_PTR(m);
    return 0;
}

/* PIDFDs= and a scope's OOMPolicy= both came with 253. A library of that version says nothing certain about
 * the running manager, but a library before it makes a manager after it unlikely and saves a refused round
 * trip. */
static bool library_is_recent(void)
{
    return systemd_library_has("sd_bus_emit_signal_to");
}

static int on_scope_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

static int send_scope(Systemd *systemd, sd_bus_message *message)
{
    systemd->scope_call = systemd_slot_drop(systemd->scope_call);
    return sym_sd_bus_call_async(systemd->bus, &systemd->scope_call, message, on_scope_reply, systemd, 0);
}

static int on_scope_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Systemd *systemd = userdata;
    const sd_bus_error *bus_error = sym_sd_bus_message_get_error(reply);
    _cleanup_free_ char *what = text_format("start %s", systemd->scope);
    const char *path = NULL;
    int r = 0;

    (void) ret_error;
    if (bus_error && systemd->scope_fallback && error_is_unknown_property(bus_error)) {
        _cleanup_message_ sd_bus_message *message = TAKE_PTR(systemd->scope_fallback);

        r = send_scope(systemd, message);
        if (r < 0)
            systemd->scope_error.code = systemd_set_connection_error(&systemd->scope_error, r, what ? what : "start");
        return 0;
    }
    if (bus_error) {
        systemd->scope_error.code = systemd_set_bus_error(&systemd->scope_error, bus_error, what ? what : "start");
        return 0;
    }
    r = sym_sd_bus_message_read(reply, "o", &path);
    if (r >= 0)
        systemd->job.path = strdup(path);
    if (r < 0 || !systemd->job.path)
        systemd->scope_error.code = r < 0 ? r : -ENOMEM;
    return 0;
}

int systemd_scope_start(Systemd *systemd, const ScopeRequest *request, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL;
    bool is_recent = library_is_recent();
    int r = 0;

    if (systemd->scope)
        return error_set(error, -EBUSY, "a request for %s is under way", systemd->scope);
    r = new_scope_message(systemd, request, is_recent, &message, error);
    if (r >= 0 && is_recent)
        r = new_scope_message(systemd, request, false, &systemd->scope_fallback, error);
    if (r < 0) {
        systemd_scope_forget(systemd);
        return r;
    }
    systemd->scope = strdup(request->name);
    if (!systemd->scope) {
        systemd_scope_forget(systemd);
        return -ENOMEM;
    }
    systemd->scope_deadline_usec = systemd_now_usec() + SCOPE_TIMEOUT_USEC;
    r = systemd_watch_jobs(systemd);
    if (r >= 0)
        r = send_scope(systemd, message);
    if (r >= 0)
        r = sym_sd_bus_flush(systemd->bus);
    if (r < 0) {
        r = error_set(error, r, "cannot ask systemd to start %s: %s", request->name, strerror(-r));
        systemd_scope_forget(systemd);
        return r;
    }
    return 0;
}

bool systemd_scope_is_pending(const Systemd *systemd)
{
    return systemd->scope != NULL;
}

int systemd_scope_wait(Systemd *systemd, Error *error)
{
    _cleanup_free_ char *what = NULL;
    int r = 0;

    if (!systemd->scope)
        return error_set(error, -EINVAL, "no scope was requested");
    what = text_format("start %s", systemd->scope);
    if (!what)
        return -ENOMEM;
    r = systemd_run_until(systemd, &systemd->job.result, &systemd->scope_error.code, systemd->scope_deadline_usec);
    if (systemd->scope_error.code < 0)
        error_move(error, &systemd->scope_error);
    else if (r == -ETIMEDOUT)
        r = error_set(error, r, "systemd did not %s within %" PRIu64 " s", what, SCOPE_TIMEOUT_USEC / 1000000);
    else if (r < 0)
        r = systemd_set_connection_error(error, r, what);
    else
        r = systemd_check_job_result(systemd->job.result, what, systemd->scope, error);
    systemd_scope_forget(systemd);
    return r;
}
