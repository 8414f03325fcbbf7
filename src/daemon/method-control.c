/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ends, signals and holds machines, and removes images: the same functions that berthctl calls, in a child. */

#include "daemon/daemon.h"

#include "base/strv.h"
#include "base/text.h"
#include "definitions/services.h"
#include "machines/control.h"
#include "machines/pause.h"

#include <errno.h>
#include <signal.h>

int arguments_stop(Request *request)
{
    return sd_bus_message_read(request->message, "t", &request->timeout_usec);
}

int arguments_kill(Request *request)
{
    const char *whom = NULL;
    int r = sd_bus_message_read(request->message, "si", &whom, &request->signal_number);

    if (r < 0)
        return r;
    request->whom = kill_whom_from_string(whom);
    return request->whom == _KILL_WHOM_INVALID || request->signal_number < 1 || request->signal_number > SIGRTMAX
               ? -EINVAL
               : 0;
}

int arguments_force(Request *request)
{
    int force = 0, r = sd_bus_message_read(request->message, "b", &force);

    request->force = force;
    return r;
}

/* The child looks the machine up itself: what the daemon saw may have ended. */
static int load(Request *request, Machine **ret, Error *error)
{
    int r = roster_load(request->daemon->roster, request->name, ret, error);

    return r == -ENOENT ? error_set(error, -ENXIO, "No machine '%s' is running", request->name) : r;
}

/* As `berthctl stop`: a unit that was made of a definition is told first, or it would start the container again. */
static int work_stop(Request *request, json_t *result, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    bool is_orderly = request->timeout_usec == UINT64_MAX;
    int r = service_stop(request->name, is_orderly, error);

    (void) result;
    if (r < 0 || (r > 0 && is_orderly))
        return MIN(r, 0);
    r = load(request, &machine, error);
    return r < 0 ? r : machine_stop(request->daemon->roster, machine, request->timeout_usec, error);
}

static int work_terminate(Request *request, json_t *result, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = load(request, &machine, error);

    (void) result;
    return r < 0 ? r : machine_terminate(request->daemon->roster, machine, error);
}

static int work_kill(Request *request, json_t *result, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = load(request, &machine, error);

    (void) result;
    return r < 0 ? r : machine_signal(machine, request->whom, request->signal_number, error);
}

static int work_pause(Request *request, json_t *result, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = load(request, &machine, error);

    (void) result;
    return r < 0 ? r : machine_pause(machine, error);
}

static int work_resume(Request *request, json_t *result, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    int r = load(request, &machine, error);

    (void) result;
    return r < 0 ? r : machine_resume(machine, error);
}

static int start_on_machine(Request *request, JobWork work)
{
    return request->daemon->machine ? job_start(request, work, NULL) : request_reply_no_machine(request);
}

int method_stop(Request *request)
{
    return start_on_machine(request, work_stop);
}

int method_terminate(Request *request)
{
    return start_on_machine(request, work_terminate);
}

int method_kill(Request *request)
{
    return start_on_machine(request, work_kill);
}

int method_pause(Request *request)
{
    return start_on_machine(request, work_pause);
}

int method_resume(Request *request)
{
    return start_on_machine(request, work_resume);
}

static int add_list(json_t *result, const char *key, char *const *list)
{
    json_t *array = json_array();

    STRV_FOREACH (item, list)
        (void) json_array_append_new(array, json_safe_string(*item));
    return json_object_set_new(result, key, array) < 0 ? -ENOMEM : 0;
}

static int work_remove_image(Request *request, json_t *result, Error *error)
{
    _cleanup_store_removed_ StoreRemoved removed = {};
    int r = object_open_store(request->daemon, false, error);

    if (r == 0)
        r = store_remove_image(request->daemon->store, request->name, request->force ? STORE_REMOVE_FORCE : 0, &removed,
                               error);
    if (r == 0)
        r = add_list(result, "untagged", removed.untagged);
    return r < 0 ? r : add_list(result, "deleted", removed.deleted);
}

static int append_list(sd_bus_message *reply, json_t *result, const char *key)
{
    json_t *array = json_object_get(result, key), *item;
    size_t i;
    int r = sd_bus_message_open_container(reply, 'a', "s");

    json_array_foreach(array, i, item)
    {
        if (r >= 0)
            r = sd_bus_message_append(reply, "s", json_string_value(item));
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_removed(sd_bus_message *message, json_t *result)
{
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(message, &reply);

    if (r >= 0)
        r = append_list(reply, result, "untagged");
    if (r >= 0)
        r = append_list(reply, result, "deleted");
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

int method_remove_image(Request *request)
{
    return request->has_image
               ? job_start(request, work_remove_image, reply_removed)
               : bus_reply_error(request->message, BUS_ERROR_NO_SUCH_IMAGE, "There is no image '%s'", request->name);
}
