/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only looks. */

#include "daemon/daemon.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static int reply_path(Request *request, BusObject object, const char *name)
{
    _cleanup_free_ char *path = object_path(object, name);

    return path ? sd_bus_reply_method_return(request->message, "o", path) : -ENOMEM;
}

int request_reply_no_machine(Request *request)
{
    return bus_reply_error(request->message, BUS_ERROR_NO_SUCH_MACHINE, "No machine '%s' is running", request->name);
}

int method_get_machine(Request *request)
{
    return request->daemon->machine ? reply_path(request, BUS_OBJECT_MACHINE, request->name)
                                    : request_reply_no_machine(request);
}

int method_get_machine_by_pid(Request *request)
{
    const KnownMachine *known;
    uint32_t pid = 0;
    int r = sd_bus_message_read(request->message, "u", &pid);

    if (r < 0)
        return r;
    if (pid > INT32_MAX)
        return bus_reply_error(request->message, SD_BUS_ERROR_INVALID_ARGS, "%u is not a process ID", pid);
    if (pid == 0)
        pid = (uint32_t) request->caller->pid;
    known = caller_find_machine(request->daemon, (pid_t) pid);
    return known ? reply_path(request, BUS_OBJECT_MACHINE, known->name)
                 : bus_reply_error(request->message, BUS_ERROR_NOT_IN_MACHINE, "Process %u belongs to no machine", pid);
}

/* Of what is known: no record is read, so that a list of thousands takes no longer than to send it. */
static int append_machine(Request *request, sd_bus_message *reply, const KnownMachine *known)
{
    Daemon *daemon = request->daemon;
    _cleanup_free_ char *path = object_path(BUS_OBJECT_MACHINE, known->name);
    const Machine brief = {
        .name = known->name, .cgroup = known->cgroup, .leader = known->leader, .foreign = known->is_foreign};
    bool is_visible = caller_may_see(daemon, request->caller, known->owner);

    return path ? sd_bus_message_append(reply, "(ssssuo)", known->name, "container",
                                        object_machine_state(daemon->roster, &brief),
                                        known->image && is_visible ? known->image : "", (uint32_t) known->owner, path)
                : -ENOMEM;
}

int method_list_machines(Request *request)
{
    Daemon *daemon = request->daemon;
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(request->message, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(ssssuo)");
    for (size_t i = 0; r >= 0 && i < daemon->machines_count; i++)
        r = append_machine(request, reply, &daemon->machines[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_send(daemon->bus, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

int method_describe_machine(Request *request)
{
    const Machine *machine = request->daemon->machine;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;

    if (!machine)
        return request_reply_no_machine(request);
    json = json_fields_build(machine, machine_fields, machine_fields_count);
    if (!json)
        return -ENOMEM;
    if (machine->unknown)
        (void) json_object_update_missing(json, machine->unknown);
    (void) json_object_set_new(json, "state", json_string(object_machine_state(request->daemon->roster, machine)));
    text = json_dumps(json, JSON_COMPACT);
    return text ? sd_bus_reply_method_return(request->message, "s", text) : -ENOMEM;
}

int method_get_image(Request *request)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = object_load_image(request->daemon, request->name, &image, NULL);

    if (r == -ENOMEM)
        return r;
    return r < 0 ? bus_reply_error(request->message, BUS_ERROR_NO_SUCH_IMAGE, "There is no image '%s'", request->name)
                 : reply_path(request, BUS_OBJECT_IMAGE, image->id.hex);
}

static int append_image(sd_bus_message *reply, const StoreImage *image)
{
    _cleanup_free_ char *path = object_path(BUS_OBJECT_IMAGE, image->id.hex);
    uint64_t size_bytes = 0;

    for (size_t i = 0; i < image->layers_count; i++)
        size_bytes += image->layers[i].unpacked_bytes;
    return path ? sd_bus_message_append(reply, "(ssstto)", image->reference ? image->reference : "",
                                        digest_format(&image->id).text, digest_format(&image->manifest).text,
                                        image->loaded_usec, size_bytes, path)
                : -ENOMEM;
}

int method_list_images(Request *request)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_error_ Error error = {};
    sd_bus_message *reply = NULL;
    int r = object_open_store(request->daemon, false, &error);

    if (r == 0)
        r = store_list_images(request->daemon->store, &list, NULL, &error);
    if (r < 0 && r != -ENOENT)
        return bus_reply_failure(request->message, r, &error);
    r = sd_bus_message_new_method_return(request->message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(ssstto)");
    for (size_t i = 0; r >= 0 && i < list.count; i++)
        r = append_image(reply, list.images[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_send(request->daemon->bus, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

int method_subscribe(Request *request)
{
    Daemon *daemon = request->daemon;
    int r = watch_images(daemon);

    if (r < 0)
        log_warning("changes of images cannot be told: %s", strerror(-r));
    r = watch_volumes(daemon);
    if (r < 0)
        log_warning("changes of volumes cannot be told: %s", strerror(-r));
    r = sd_bus_track_add_name(daemon->subscribers, request->caller->sender);
    return r < 0 ? r : sd_bus_reply_method_return(request->message, NULL);
}

int method_unsubscribe(Request *request)
{
    int r = sd_bus_track_remove_name(request->daemon->subscribers, request->caller->sender);

    if (r == 0)
        return bus_reply_error(request->message, BUS_ERROR_FAILED, "The caller had not subscribed");
    return r < 0 ? r : sd_bus_reply_method_return(request->message, NULL);
}
