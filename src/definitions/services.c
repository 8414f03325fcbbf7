/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/services.h"

#include "base/path.h"
#include "base/text.h"
#include "definitions/load.h"
#include "host/systemd.h"

#include <errno.h>
#include <string.h>

/* Where `berthctl run` keeps definitions: what they are started from is a scope again. */
static bool is_transient(const DefinitionPlaces *places, const char *path)
{
    return path_is_below(path, places->directories[1]);
}

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

static int start_unit(const Definition *definition, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = definition_unit_name(definition->type, definition->name);
    int r = unit ? systemd_open(&systemd, error) : -ENOMEM, has_unit;

    if (r < 0)
        return r;
    has_unit = is_unit_of(systemd, unit, definition->path);
    if (has_unit ? is_outdated(systemd, unit) : definition->lines.count > 0) {
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
    if (definition->is_masked || definition_name_is_template(name) || is_transient(&places, definition->path))
        return 0;
    *ret = TAKE_PTR(definition);
    return 1;
}

int service_start(const char *name, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    int r = find_definition(name, &definition, error);

    /* What is wrong with it is told by who starts it. */
    return r <= 0 || definition->problems ? MIN(r, 0) : start_unit(definition, error);
}

static bool is_active(Systemd *systemd, const char *unit)
{
    _cleanup_free_ char *state = NULL;

    return systemd_unit_active_state(systemd, unit, &state, NULL) == 0 && strcmp(state, "inactive") != 0 &&
           strcmp(state, "failed") != 0;
}

int service_stop(const char *name, bool wait, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_free_ char *unit = NULL;
    int r;

    /* Without a definition there is nothing to ask systemd about. */
    if (find_definition(name, &definition, NULL) <= 0 || systemd_open(&systemd, NULL) < 0)
        return 0;
    unit = definition_unit_name(definition->type, definition->name);
    if (!unit)
        return -ENOMEM;
    if (!is_unit_of(systemd, unit, definition->path) || !is_active(systemd, unit))
        return 0;
    r = wait ? systemd_unit_stop(systemd, unit, error) : systemd_unit_stop_queue(systemd, unit, error);
    return r < 0 ? r : 1;
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
