/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines and images as objects of the bus. Nothing is kept: each look reads the record anew. */

#include "daemon/daemon.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/volume.h"
#include "machines/pause.h"

#include <errno.h>
#include <string.h>

char *object_path(BusObject object, const char *name)
{
    char *path = NULL;

    return sd_bus_path_encode(bus_interfaces[object].path, name, &path) < 0 ? NULL : path;
}

const char *object_machine_state(Roster *roster, const Machine *machine)
{
    if (machine->foreign)
        return "running";
    if (!roster_is_alive(roster, machine->name))
        return "unsupervised";
    return machine->leader == 0 ? "starting" : machine_is_paused(machine) ? "paused" : "running";
}

char *object_text(const char *text)
{
    return !text ? strdup("") : text_is_utf8(text, strlen(text)) ? strdup(text) : text_escape(text, SIZE_MAX);
}

int object_open_store(Daemon *daemon, bool create, Error *error)
{
    const char *path = secure_getenv("BERTH_DATA_DIR");

    return daemon->store
               ? 0
               : store_open(path ? path : STORE_DEFAULT_PATH, create ? STORE_OPEN_CREATE : 0, &daemon->store, error);
}

int object_load_image(Daemon *daemon, const char *name, StoreImage **ret, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    int r = object_open_store(daemon, false, error);

    if (r == 0)
        r = store_find_image(daemon->store, name, &image, error);
    if (r < 0)
        return r;
    /* To look at an image is no use of it: nobody is kept from removing it. */
    image->lock_fd = safe_close(image->lock_fd);
    *ret = TAKE_PTR(image);
    return 0;
}

static bool find_machine(Daemon *daemon, const char *name)
{
    machine_free(TAKE_PTR(daemon->machine));
    return roster_load(daemon->roster, name, &daemon->machine, NULL) == 0;
}

/* The path has the ID's digits alone. */
static bool find_image(Daemon *daemon, const char *hex)
{
    Digest digest;

    store_image_free(TAKE_PTR(daemon->image));
    return digest_parse_hex(hex, &digest) == 0 &&
           object_load_image(daemon, digest_format(&digest).text, &daemon->image, NULL) == 0;
}

bool object_has_volume(Daemon *daemon, const char *name)
{
    _cleanup_close_ int volumes_fd = -EBADF;
    _cleanup_volume_ Volume volume = VOLUME_NONE;

    return volumes_open(daemon->roster->data_fd, false, &volumes_fd) == 0 &&
           volume_open(volumes_fd, name, VOLUME_UNLOCKED, &volume) == 0;
}

static bool find_volume(Daemon *daemon, const char *name)
{
    free(daemon->volume);
    daemon->volume = strdup(name);
    return daemon->volume && object_has_volume(daemon, name);
}

static BusObject find_interface(const char *name)
{
    BusObject object = BUS_OBJECT_MANAGER;

    while (strcmp(bus_interfaces[object].name, name) != 0)
        object++;
    return object;
}

int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error)
{
    Daemon *daemon = userdata;
    BusObject object = find_interface(interface);
    _cleanup_free_ char *name = NULL;
    int r = sd_bus_path_decode(path, bus_interfaces[object].path, &name);

    (void) bus;
    (void) ret_error;
    if (r <= 0)
        return r;
    if (object == BUS_OBJECT_MACHINE ? !find_machine(daemon, name)
        : object == BUS_OBJECT_IMAGE ? !find_image(daemon, name)
                                     : !find_volume(daemon, name))
        return 0;
    *ret_found = daemon;
    return 1;
}

static int enumerate_images(Daemon *daemon, char ***paths)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    int r = object_open_store(daemon, false, NULL);

    if (r == 0)
        r = store_list_images(daemon->store, &list, NULL, NULL);
    for (size_t i = 0; r == 0 && i < list.count; i++) {
        char *path = object_path(BUS_OBJECT_IMAGE, list.images[i]->id.hex);

        if (path && strv_contains(*paths, path))
            free(path);
        else
            r = strv_push(paths, path);
    }
    return r == -ENOENT ? 0 : r;
}

static int enumerate_volumes(Daemon *daemon, char ***paths)
{
    _cleanup_strv_ char **names = NULL;
    _cleanup_close_ int volumes_fd = -EBADF;
    int r = volumes_open(daemon->roster->data_fd, false, &volumes_fd);

    if (r == 0)
        r = volumes_list(volumes_fd, &names);
    STRV_FOREACH (name, names)
        if (r == 0)
            r = strv_push(paths, object_path(BUS_OBJECT_VOLUME, *name));
    return r == -ENOENT ? 0 : r;
}

int object_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *ret_error)
{
    Daemon *daemon = userdata;
    _cleanup_strv_ char **paths = NULL;
    int r = 0;

    (void) bus;
    (void) ret_error;
    if (strcmp(prefix, bus_interfaces[BUS_OBJECT_IMAGE].path) == 0)
        r = enumerate_images(daemon, &paths);
    if (strcmp(prefix, bus_interfaces[BUS_OBJECT_VOLUME].path) == 0)
        r = enumerate_volumes(daemon, &paths);
    for (size_t i = 0;
         r == 0 && i < daemon->machines_count && strcmp(prefix, bus_interfaces[BUS_OBJECT_MACHINE].path) == 0; i++)
        r = strv_push(&paths, object_path(BUS_OBJECT_MACHINE, daemon->machines[i].name));
    if (r == 0)
        *ret = TAKE_PTR(paths);
    return r;
}

static int append_strings(sd_bus_message *reply, char *const *list)
{
    return sd_bus_message_append_strv(reply, (char **) (uintptr_t) list);
}

static int append_text(sd_bus_message *reply, const char *text)
{
    _cleanup_free_ char *safe = object_text(text);

    return safe ? sd_bus_message_append_basic(reply, 's', safe) : -ENOMEM;
}

/* A member of the record by its field, or nothing of its type for who may not see it. */
static int append_field(sd_bus_message *reply, const BusProperty *property, const Machine *machine)
{
    const void *member = NULL;

    for (size_t i = 0; machine && i < machine_fields_count; i++)
        if (strcmp(machine_fields[i].name, property->field) == 0)
            member = (const char *) machine + machine_fields[i].offset;
    switch (property->signature[0]) {
    case 's':
        return append_text(reply, member ? *(char *const *) member : NULL);
    case 'a':
        return append_strings(reply, member ? *(char **const *) member : NULL);
    case 'b':
        return sd_bus_message_append(reply, "b", member ? (int) *(const bool *) member : 0);
    case 'u':
        return sd_bus_message_append(reply, "u", member ? (uint32_t) * (const uint64_t *) member : 0);
    default:
        return sd_bus_message_append(reply, "t", member ? *(const uint64_t *) member : UINT64_C(0));
    }
}

static int append_machine(Daemon *daemon, sd_bus_message *reply, const BusProperty *property)
{
    const Machine *machine = daemon->machine;
    _cleanup_caller_ Caller caller = {.uid = (uid_t) -1};
    bool is_visible = property->flags & BUS_PROPERTY_PUBLIC;

    if (strcmp(property->name, "Class") == 0)
        return append_text(reply, machine->machine_class ? machine->machine_class : "container");
    if (strcmp(property->name, "State") == 0)
        return append_text(reply, object_machine_state(daemon->roster, machine));
    if (strcmp(property->name, "Owner") == 0)
        return sd_bus_message_append(reply, "u", (uint32_t) machine->owner);
    if (!is_visible)
        is_visible = caller_identify(daemon, sd_bus_get_current_message(daemon->bus), &caller) == 0 &&
                     caller_may_see(daemon, &caller, (uid_t) machine->owner);
    if (is_visible && machine->foreign && strcmp(property->name, "RootDirectory") == 0)
        return append_text(reply, machine->foreign_root);
    return append_field(reply, property, is_visible ? machine : NULL);
}

static int append_references(Daemon *daemon, sd_bus_message *reply)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    int r = store_list_images(daemon->store, &list, NULL, NULL);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    for (size_t i = 0; r >= 0 && i < list.count; i++)
        if (list.images[i]->reference && digest_equal(&list.images[i]->id, &daemon->image->id))
            r = append_text(reply, list.images[i]->reference);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_layers(const StoreImage *image, sd_bus_message *reply)
{
    int r = sd_bus_message_open_container(reply, 'a', "s");

    for (size_t i = 0; r >= 0 && i < image->layers_count; i++)
        r = append_text(reply, digest_format(&image->layers[i].diff_id).text);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_image(Daemon *daemon, sd_bus_message *reply, const BusProperty *property)
{
    const StoreImage *image = daemon->image;
    uint64_t size_bytes = 0;

    if (strcmp(property->name, "References") == 0)
        return append_references(daemon, reply);
    if (strcmp(property->name, "Id") == 0)
        return append_text(reply, digest_format(&image->id).text);
    if (strcmp(property->name, "Manifest") == 0)
        return append_text(reply, digest_format(&image->manifest).text);
    if (strcmp(property->name, "Layers") == 0)
        return append_layers(image, reply);
    if (strcmp(property->name, "LoadedTimestamp") == 0)
        return sd_bus_message_append(reply, "t", image->loaded_usec);
    for (size_t i = 0; i < image->layers_count; i++)
        size_bytes += image->layers[i].unpacked_bytes;
    return sd_bus_message_append(reply, "t", size_bytes);
}

int object_get_property(sd_bus *bus, const char *path, const char *interface, const char *name, sd_bus_message *reply,
                        void *userdata, sd_bus_error *ret_error)
{
    Daemon *daemon = userdata;
    BusObject object = find_interface(interface);
    const BusProperty *property;

    (void) bus;
    (void) path;
    (void) ret_error;
    property = bus_property_find(object, name);
    idle_touch(daemon);
    if (object == BUS_OBJECT_MACHINE)
        return append_machine(daemon, reply, property);
    if (object == BUS_OBJECT_IMAGE)
        return append_image(daemon, reply, property);
    if (object == BUS_OBJECT_VOLUME)
        return volume_append_property(daemon, reply, property);
    return strcmp(name, "Version") == 0 ? append_text(reply, BERTH_VERSION)
                                        : sd_bus_message_append(reply, "u", (uint32_t) daemon->machines_count);
}
