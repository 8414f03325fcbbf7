/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/container.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/definitions.h"
#include "machines/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

void container_free(Container *container)
{
    if (!container)
        return;
    free(container->name);
    machine_free(container->machine);
    machine_health_done(&container->health);
    free(container->definition);
    free(container->image);
    free(container->directory);
    free(container);
}

const char *container_state_to_string(ContainerState state)
{
    static const char *const names[_CONTAINER_STATE_MAX] = {
        [CONTAINER_STARTING] = "starting", [CONTAINER_RUNNING] = "running",
        [CONTAINER_PAUSED] = "paused",     [CONTAINER_UNSUPERVISED] = "unsupervised",
        [CONTAINER_EXITED] = "exited",     [CONTAINER_OOM_KILLED] = "oom-killed",
        [CONTAINER_STOPPED] = "stopped",
    };

    return names[state];
}

char *container_format_state(const Container *container)
{
    const char *name = container_state_to_string(container->state);

    if (container->state == CONTAINER_RUNNING && container->health.health_status)
        return text_format("%s (%s)", name, container->health.health_status);
    return container->state == CONTAINER_EXITED || container->state == CONTAINER_OOM_KILLED
               ? text_format("%s (%lld)", name, (long long) container->exit.code)
               : strdup(name);
}

static const char *find_value(const SpecLayer *layer, size_t offset)
{
    const Setting *setting = setting_of(offset);

    for (size_t i = layer->count; i > 0; i--)
        if (layer->assignments[i - 1].setting == setting && layer->assignments[i - 1].values)
            return layer->assignments[i - 1].values[0];
    return NULL;
}

static int copy_string(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -ENOMEM : 0;
}

/* A definition that cannot be read does not hide the container: `start` says what is wrong with it. */
static int read_definition(Container *container)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    int r;

    if (!definition_exists(container->name, &container->definition) ||
        definition_load(container->name, &layer, NULL, NULL) < 0)
        return 0;
    r = copy_string(&container->image, find_value(layer, offsetof(ContainerSpec, image)));
    if (r == 0)
        r = copy_string(&container->directory, find_value(layer, offsetof(ContainerSpec, host_directory)));
    return r;
}

static int read_machine(Ctl *ctl, Container *container)
{
    const Machine *machine = container->machine;
    int r = copy_string(&container->image, machine->image);

    if (r == 0)
        r = copy_string(&container->directory, machine->directory);
    container->state = machine->foreign                                 ? CONTAINER_RUNNING
                       : !roster_is_alive(ctl->roster, container->name) ? CONTAINER_UNSUPERVISED
                       : machine->leader == 0                           ? CONTAINER_STARTING
                       : machine_is_paused(machine)                     ? CONTAINER_PAUSED
                                                                        : CONTAINER_RUNNING;
    (void) definition_exists(container->name, &container->definition);
    (void) roster_load_health(ctl->roster, container->name, &container->health);
    return r;
}

/* -ENOENT when nothing is left of it at all. */
static int read_stopped(Ctl *ctl, Container *container)
{
    struct stat st;
    bool has_data = ctl->roster->containers_fd >= 0 &&
                    fstatat(ctl->roster->containers_fd, container->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int r = roster_load_exit(ctl->roster, container->name, &container->exit);

    container->state = r < 0                                                                ? CONTAINER_STOPPED
                       : container->exit.oom_kills > 0 && container->exit.signal == SIGKILL ? CONTAINER_OOM_KILLED
                                                                                            : CONTAINER_EXITED;
    if (read_definition(container) < 0)
        return -ENOMEM;
    return r < 0 && !has_data && !container->definition ? -ENOENT : 0;
}

static int say_unknown(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    Nearest nearest = {};

    (void) error_set(error, -ENOENT, "there is no container named '%s'", name);
    if (container_list_names(ctl, true, &names, NULL) == 0)
        STRV_FOREACH (known, names)
            text_nearest_consider(&nearest, name, *known);
    return nearest.best ? error_hint(error, -ENOENT, "did you mean '%s'?", nearest.best)
                        : error_hint(error, -ENOENT, "berthctl list --all shows the containers");
}

int container_load(Ctl *ctl, const char *name, Container **ret, Error *error)
{
    _cleanup_container_ Container *container = calloc(1, sizeof(*container));
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    if (!text_is_name(name))
        return say_unknown(ctl, name, error);
    if (!container || copy_string(&container->name, name) < 0)
        return -ENOMEM;
    r = roster_load(ctl->roster, name, &container->machine, error);
    if (r < 0 && r != -ENOENT)
        return r;
    r = r == 0 ? read_machine(ctl, container) : read_stopped(ctl, container);
    if (r == -ENOENT)
        return say_unknown(ctl, name, error);
    if (r == 0)
        *ret = TAKE_PTR(container);
    return r;
}

/* Adds those that are not there yet. */
static int merge_names(char ***names, char *const *more)
{
    STRV_FOREACH (name, more) {
        int r = strv_contains(*names, *name) ? 0 : strv_append(names, *name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What containers wrote stays over a reboot, also where their definition was in /run. */
static int list_data(const Roster *roster, char ***ret)
{
    int r = file_list_at(roster->containers_fd, ".", text_is_name, ret);

    return r == -ENOMEM ? r : 0;
}

int container_list_names(Ctl *ctl, bool all, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL, **defined = NULL, **data = NULL;
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    r = roster_list(ctl->roster, &names);
    if (r < 0)
        return error_set(error, r, "cannot read the list of containers: %s", strerror(-r));
    if (all) {
        r = definition_list(&defined);
        if (r == 0)
            r = list_data(ctl->roster, &data);
        if (r == 0)
            r = merge_names(&names, defined);
        if (r == 0)
            r = merge_names(&names, data);
        if (r < 0)
            return r;
        strv_sort(names);
    }
    *ret = TAKE_PTR(names);
    return 0;
}

static int add_exit(json_t *object, const MachineExit *end)
{
    _cleanup_json_ json_t *json = json_fields_build(end, machine_exit_fields, machine_exit_fields_count);
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        _cleanup_free_ char *member = text_format("exit_%s", name);

        if (!member || json_object_set(object, member, value) < 0)
            return -ENOMEM;
    }
    return json ? 0 : -ENOMEM;
}

static int add_health(json_t *object, const MachineHealth *health)
{
    _cleanup_json_ json_t *json = json_fields_build(health, machine_health_fields, machine_health_fields_count);

    return json && json_object_update(object, json) == 0 ? 0 : -ENOMEM;
}

json_t *container_build(const Container *container)
{
    _cleanup_json_ json_t *object =
        json_pack("{s:s, s:s, s:o}", "name", container->name, "state", container_state_to_string(container->state),
                  "definition", container->definition ? json_safe_string(container->definition) : json_null());
    _cleanup_json_ json_t *machine = NULL;

    if (!object)
        return NULL;
    if (container->machine) {
        machine = json_fields_build(container->machine, machine_fields, machine_fields_count);
        if (!machine || json_object_update(object, machine) < 0)
            return NULL;
        if (container->health.health_status && add_health(object, &container->health) < 0)
            return NULL;
        if (container->machine->unknown)
            (void) json_object_update_missing(object, container->machine->unknown);
        return TAKE_PTR(object);
    }
    if (json_object_set_new(object, "image", container->image ? json_safe_string(container->image) : json_null()) < 0 ||
        json_object_set_new(object, "directory",
                            container->directory ? json_safe_string(container->directory) : json_null()) < 0)
        return NULL;
    if (container->state != CONTAINER_STOPPED && add_exit(object, &container->exit) < 0)
        return NULL;
    return TAKE_PTR(object);
}

int container_list_members(char ***ret)
{
    _cleanup_strv_ char **names = strv_new("state", "definition", NULL);
    int r = names ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < machine_fields_count; i++)
        r = strv_append(&names, machine_fields[i].name);
    for (size_t i = 0; r == 0 && i < machine_health_fields_count; i++)
        r = strv_append(&names, machine_health_fields[i].name);
    for (size_t i = 0; r == 0 && i < machine_exit_fields_count; i++)
        r = strv_append_format(&names, "exit_%s", machine_exit_fields[i].name);
    if (r == 0)
        *ret = TAKE_PTR(names);
    return r;
}
