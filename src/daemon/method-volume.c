/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named volumes: what there is, making one, removing one. */

#include "daemon/daemon.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/volume.h"

#include <errno.h>
#include <string.h>

static int reply_no_volume(Request *request)
{
    return bus_reply_error(request->message, BUS_ERROR_NO_SUCH_VOLUME, "There is no volume '%s'", request->name);
}

static int reply_volume(sd_bus_message *message, const char *name)
{
    _cleanup_free_ char *path = object_path(BUS_OBJECT_VOLUME, name);

    return path ? sd_bus_reply_method_return(message, "o", path) : -ENOMEM;
}

static int open_volume(Daemon *daemon, const char *name, Volume *ret)
{
    _cleanup_close_ int volumes_fd = -EBADF;
    int r = volumes_open(daemon->roster->data_fd, false, &volumes_fd);

    return r < 0 ? r : volume_open(volumes_fd, name, VOLUME_UNLOCKED, ret);
}

int method_get_volume(Request *request)
{
    return request->has_volume ? reply_volume(request->message, request->name) : reply_no_volume(request);
}

/* One that goes meanwhile is left out. */
static int append_volume(Daemon *daemon, sd_bus_message *reply, const char *name)
{
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    _cleanup_free_ char *path = object_path(BUS_OBJECT_VOLUME, name);

    if (!path)
        return -ENOMEM;
    if (open_volume(daemon, name, &volume) < 0)
        return 0;
    return sd_bus_message_append(reply, "(sbto)", name, (int) volume_is_used(&volume), volume_made_usec(&volume), path);
}

int method_list_volumes(Request *request)
{
    Daemon *daemon = request->daemon;
    _cleanup_close_ int volumes_fd = -EBADF;
    _cleanup_strv_ char **names = NULL;
    sd_bus_message *reply = NULL;
    int r = volumes_open(daemon->roster->data_fd, false, &volumes_fd);

    if (r == 0)
        r = volumes_list(volumes_fd, &names);
    if (r < 0 && r != -ENOENT)
        return bus_reply_failure(request->message, r, NULL);
    r = sd_bus_message_new_method_return(request->message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(sbto)");
    STRV_FOREACH (name, names)
        if (r >= 0)
            r = append_volume(daemon, reply, *name);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_send(daemon->bus, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

/* It may wait for somebody who is just removing one of that name. */
static int work_create(Request *request, json_t *result, Error *error)
{
    _cleanup_close_ int volumes_fd = -EBADF;
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    int r = volumes_open(request->daemon->roster->data_fd, true, &volumes_fd);

    if (r == 0)
        r = volume_open(volumes_fd, request->name, VOLUME_CREATE, &volume);
    if (r < 0)
        return error_set(error, r, "Cannot make the volume: %s", strerror(-r));
    return json_object_set_new(result, "name", json_safe_string(request->name)) < 0 ? -ENOMEM : 0;
}

static int reply_created(sd_bus_message *message, json_t *result)
{
    return reply_volume(message, json_string_value(json_object_get(result, "name")));
}

int method_create_volume(Request *request)
{
    if (!text_is_name(request->name))
        return bus_reply_error(request->message, SD_BUS_ERROR_INVALID_ARGS, "'%s' is not a name for a volume",
                               request->name);
    return job_start(request, work_create, reply_created);
}

/* What containers wrote takes more rights than the daemon has. */
int method_remove_volume(Request *request)
{
    _cleanup_strv_ char **argv = strv_new("berthctl", "volume", "--quiet", "--", "rm", request->name, NULL);

    return request->has_volume ? session_run_command(request, argv, "Removal of a volume", -EBADF, NULL)
                               : reply_no_volume(request);
}

static int append_path(Daemon *daemon, sd_bus_message *reply)
{
    const char *data_dir = secure_getenv("BERTH_DATA_DIR");
    _cleanup_caller_ Caller caller = {.uid = (uid_t) -1};
    bool is_visible = caller_identify(daemon, sd_bus_get_current_message(daemon->bus), &caller) == 0 &&
                      caller_is_privileged(daemon, &caller);
    _cleanup_free_ char *path =
        is_visible ? text_format("%s/volumes/%s/data", data_dir ? data_dir : STORE_DEFAULT_PATH, daemon->volume)
                   : strdup("");

    return path ? sd_bus_message_append(reply, "s", path) : -ENOMEM;
}

int volume_append_property(Daemon *daemon, sd_bus_message *reply, const BusProperty *property)
{
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    int r;

    if (strcmp(property->name, "Name") == 0)
        return sd_bus_message_append(reply, "s", daemon->volume);
    if (strcmp(property->name, "Path") == 0)
        return append_path(daemon, reply);
    r = open_volume(daemon, daemon->volume, &volume);
    if (r < 0)
        return r;
    return strcmp(property->name, "Used") == 0 ? sd_bus_message_append(reply, "b", (int) volume_is_used(&volume))
                                               : sd_bus_message_append(reply, "t", volume_made_usec(&volume));
}
