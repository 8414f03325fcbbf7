/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NAME.volume: which volume it stands for, and mounts that name such a file. */

#include "definitions/load.h"

#include "base/strv.h"
#include "base/text.h"
#include "spec/values.h"

#include <errno.h>
#include <string.h>

#define SUFFIX ".volume"

int definition_volume_name(const DefinitionPlaces *places, const char *file_name, char **ret, Error *error)
{
    _cleanup_definition_ Definition *volume = NULL;
    const UnitLine *line;
    char *name;
    int r = definition_open(places, file_name, &volume, NULL);

    if (r < 0)
        return error_set(error, r, "there is no '%s'", file_name);
    line = unit_lines_find(&volume->lines, "Volume", "VolumeName");
    if (line && !text_is_name(line->value))
        return error_set(error, -EINVAL, "%s: VolumeName=: '%s' is not the name of a volume", line->origin,
                         line->value);
    name = strdup(line ? line->value : volume->name);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

bool definition_parse_mount(const Setting *setting, const char *value, MountSpec *ret)
{
    return (setting->type == SETTING_MOUNT_VOLUME && mount_parse_volume(value, ret, NULL) == 0) ||
           (setting->type == SETTING_MOUNT && mount_parse_mount(value, ret, NULL) == 0);
}

static int resolve_value(const DefinitionPlaces *places, Assignment *assignment, char **value, char ***units,
                         Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {};
    _cleanup_free_ char *name = NULL, *stem = NULL, *text = NULL;
    int r;

    /* What cannot be parsed is told of by who uses it. */
    if (!definition_parse_mount(assignment->setting, *value, &mount) || !mount.volume ||
        !text_has_suffix(mount.volume, SUFFIX))
        return 0;
    r = definition_volume_name(places, mount.volume, &name, error);
    if (r < 0)
        return error_prefix(error, r, "%s", assignment->origin);
    if (units) {
        const DefinitionType *type = definition_type_of(mount.volume, &stem);
        _cleanup_free_ char *unit = type ? definition_unit_name(type, stem) : NULL;

        r = !unit ? -ENOMEM : strv_contains(*units, unit) ? 0 : strv_append(units, unit);
        if (r < 0)
            return r;
    }
    free(mount.volume);
    mount.volume = TAKE_PTR(name);
    text = mount_format(&mount);
    if (!text)
        return -ENOMEM;
    /* The general form of a mount is not that of Volume=. */
    free(*value);
    *value = TAKE_PTR(text);
    assignment->setting = setting_find_option("mount");
    return 0;
}

int definition_resolve_volumes(const DefinitionPlaces *places, SpecLayer *layer, char ***units, Error *error)
{
    for (size_t i = 0; i < layer->count; i++) {
        Assignment *assignment = &layer->assignments[i];

        /* A line is one mount. */
        if ((assignment->setting->type == SETTING_MOUNT_VOLUME || assignment->setting->type == SETTING_MOUNT) &&
            strv_length(assignment->values) == 1) {
            int r = resolve_value(places, assignment, &assignment->values[0], units, error);

            if (r < 0)
                return r;
        }
    }
    return 0;
}
