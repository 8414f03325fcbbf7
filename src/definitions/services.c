/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/services.h"

#include "base/path.h"
#include "base/text.h"
#include "definitions/load.h"
#include "host/systemd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MACHINES_DIRECTORY "/var/lib/machines"

/* Whether the unit is that of this very file, as systemd has it loaded. */
static int is_unit_of(Systemd *systemd, const char *unit, const char *path)
{
    _cleanup_free_ char *source = NULL;
    int r = systemd_unit_property_string(systemd, unit, "SourcePath", &source, NULL);

    return r < 0 ? 0 : strcmp(source, path) == 0;
}

/* A file that is newer than its unit. */
static bool is_outdated(Systemd *systemd, const char *unit)
{
    uint64_t needs_reload = 0;

    return systemd_unit_property_u64(systemd, unit, "NeedDaemonReload", &needs_reload, NULL) == 0 && needs_reload;
}

/* What only systemd can do for it. */
static bool needs_unit(const Definition *definition)
{
    return definition->lines.count > 0 ||
           definition_find_value(definition->layer, offsetof(ContainerSpec, restart)) != NULL;
}

static int start_unit(const Definition *definition, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = definition_unit_name(definition->type, definition->name);
    int r = unit ? systemd_open(&systemd, error) : -ENOMEM, has_unit;

    if (r < 0)
        return r;
    has_unit = is_unit_of(systemd, unit, definition->path);
    if (has_unit ? is_outdated(systemd, unit) : needs_unit(definition)) {
        r = systemd_daemon_reload(systemd, error);
        if (r < 0)
            return r;
        has_unit = is_unit_of(systemd, unit, definition->path);
    }
    if (!has_unit)
        return 0;
    r = systemd_unit_start(systemd, unit, error);
    return r < 0 ? error_hint(error, r, "systemctl status %s tells why", unit) : 1;
}

/* The definition as far as systemd could have a unit of it. 1: *ret is set. */
static int find_definition(const char *name, Definition **ret, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_free_ char *file_name = text_format("%s" DEFINITION_SUFFIX, name);
    int r;

    if (!systemd_is_running() || geteuid() != 0)
        return 0;
    r = file_name ? definition_places_load(false, &places) : -ENOMEM;
    if (r == 0)
        r = definition_open(&places, file_name, &definition, error);
    if (r < 0)
        return r;
    if (definition->is_masked || definition_name_is_template(name) || definition_is_transient(definition, &places))
        return 0;
    *ret = TAKE_PTR(definition);
    return 1;
}

char *service_of_tree(const char *name)
{
    _cleanup_free_ char *path = text_format(MACHINES_DIRECTORY "/%s", name);
    struct stat st;

    return path && text_is_name(name) && stat(path, &st) == 0 && S_ISDIR(st.st_mode)
               ? text_format("berth@%s.service", name)
               : NULL;
}

static int start_tree(const char *name)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = systemd_is_running() ? service_of_tree(name) : NULL;
    _cleanup_error_ Error error = {};
    int r;

    if (!unit)
        return 0;
    r = systemd_open(&systemd, &error);
    return r < 0 ? r : systemd_unit_start(systemd, unit, &error) < 0 ? -EIO : 1;
}

int service_start(const char *name, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_error_ Error own = {};
    int r = find_definition(name, &definition, &own);

    if (r == -ENOENT) {
        int q = start_tree(name);

        if (q != 0)
            return q < 0 ? error_hint(error, error_set(error, q, "cannot start the tree '%s'", name),
                                      "systemctl status berth@%s.service tells why", name)
                         : q;
    }
    /* What is wrong with it is told by who starts it. */
    if (r <= 0 || definition->problems) {
        error_move(error, &own);
        return MIN(r, 0);
    }
    return start_unit(definition, error);
}

static bool is_active(Systemd *systemd, const char *unit)
{
    _cleanup_free_ char *state = NULL;

    return systemd_unit_active_state(systemd, unit, &state, NULL) == 0 && strcmp(state, "inactive") != 0 &&
           strcmp(state, "failed") != 0;
}

static int stop_unit(Systemd *systemd, const char *unit, bool wait, Error *error)
{
    int r = wait ? systemd_unit_stop(systemd, unit, error) : systemd_unit_stop_queue(systemd, unit, error);

    return r < 0 ? r : 1;
}

int service_stop(const char *name, bool wait, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = NULL;
    int r = systemd_is_running() ? find_definition(name, &definition, NULL) : 0;

    if (r == -ENOENT)
        unit = service_of_tree(name);
    else if (r > 0)
        unit = definition_unit_name(definition->type, definition->name);
    /* Without a definition or a tree there is nothing to ask systemd about. */
    if (!unit || systemd_open(&systemd, NULL) < 0)
        return 0;
    if ((definition && !is_unit_of(systemd, unit, definition->path)) || !is_active(systemd, unit))
        return 0;
    return stop_unit(systemd, unit, wait, error);
}

int service_stop_unit(const char *unit, bool wait, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;

    if (!unit || !text_has_suffix(unit, ".service") || !systemd_is_running() || systemd_open(&systemd, NULL) < 0)
        return 0;
    return stop_unit(systemd, unit, wait, error);
}

bool service_exists(const char *name)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = NULL;

    if (find_definition(name, &definition, NULL) <= 0 || systemd_open(&systemd, NULL) < 0)
        return false;
    unit = definition_unit_name(definition->type, definition->name);
    return unit && is_unit_of(systemd, unit, definition->path);
}

int service_refresh(Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r = systemd_open(&systemd, error);

    return r < 0 ? r : systemd_daemon_reload(systemd, error);
}

int service_restart_unit(const char *unit, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r;

    if (!unit || !text_has_suffix(unit, ".service") || !systemd_is_running())
        return 0;
    r = systemd_open(&systemd, error);
    if (r == 0)
        r = systemd_unit_restart(systemd, unit, error);
    return r < 0 ? r : 1;
}
