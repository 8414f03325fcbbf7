/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/definition.h"

#include "base/buffer.h"
#include "base/ini.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/quadlet.h"
#include "inputs/specifier.h"

#include <errno.h>
#include <string.h>

typedef struct Reader {
    const DefinitionReader *request;
    const char *source;
} Reader;

bool definition_is_unit_section(const char *section)
{
    return strcmp(section, "Unit") == 0 || strcmp(section, "Service") == 0 || strcmp(section, "Install") == 0;
}

static bool is_section(const char *section)
{
    if (strcmp(section, "Quadlet") == 0)
        return true;
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].section && strcmp(settings[i].section, section) == 0)
            return true;
    return false;
}

/* No setting's: it may be quadlet's, which asks for what is so anyway or for what there is not. */
static int unknown_key(const char *section, const char *key, const char *value, Error *error)
{
    const char *elsewhere = NULL;
    const QuadletKey *other =
        strcmp(section, "Container") == 0 || strcmp(section, "Quadlet") == 0 ? quadlet_find_key(key) : NULL;
    Nearest nearest = {};

    if (other && quadlet_is_same(other, value))
        return 0;
    if (other)
        return error_set(error, -EOPNOTSUPP, "%s=: %s", key, other->why);

    for (size_t i = 0; i < settings_count; i++) {
        if (!settings[i].key)
            continue;
        text_nearest_consider(&nearest, key, settings[i].key);
        if (strcmp(settings[i].key, key) == 0)
            elsewhere = settings[i].section;
    }
    (void) error_set(error, -EINVAL, "unknown key '%s' in section [%s]", key, section);
    if (elsewhere)
        return error_hint(error, -EINVAL, "'%s=' belongs into section [%s]", key, elsewhere);
    return nearest.best ? error_hint(error, -EINVAL, "did you mean '%s='?", nearest.best) : -EINVAL;
}

/* Words for settings that take several values in one line; one text for the others. */
static int split_value(const Setting *setting, const char *value, char ***ret, Error *error)
{
    switch (setting->type) {
    case SETTING_WORDS:
    case SETTING_ENVIRONMENT:
    case SETTING_ASSIGNMENTS:
    case SETTING_CREDENTIAL:
    case SETTING_CAPABILITIES:
        if (text_split_words(value, ret) < 0)
            return error_set(error, -EINVAL, "%s=: '%s' has an open quote or a bad escape", setting->key, value);
        return 0;
    default:
        if (*value == 0)
            return 0;
        *ret = strv_new(value, NULL);
        return *ret ? 0 : -ENOMEM;
    }
}

static int add_assignment(const DefinitionReader *reader, const char *section, const char *key, const char *value,
                          const char *origin, Error *error)
{
    _cleanup_strv_ char **values = NULL;
    const Setting *setting;
    int r;

    if (definition_is_unit_section(section))
        return reader->lines ? unit_lines_add(reader->lines, section, key, value, origin) : 0;
    if (!is_section(section))
        return error_set(error, -EINVAL, "unknown section [%s]", section);
    setting = setting_find_key(section, key);
    /* [Resources] takes systemd's own names as they are; the host's table of them judges key and value. */
    if (!setting && strcmp(section, "Resources") == 0) {
        _cleanup_free_ char *assignment = text_format("%s=%s", key, value);

        return assignment ? spec_layer_add(reader->layer, setting_find_key(section, "Property"), assignment, origin)
                          : -ENOMEM;
    }
    if (!setting)
        return unknown_key(section, key, value, error);
    r = split_value(setting, value, &values, error);
    return r < 0 ? r : spec_layer_add_values(reader->layer, setting, values, origin);
}

static int on_assignment(const char *section, const char *key, const char *value, unsigned line, void *userdata,
                         Error *error)
{
    Reader *reader = userdata;
    _cleanup_free_ char *origin = text_format("%s:%u", reader->source, line);
    _cleanup_error_ Error own = {};
    int r = origin ? add_assignment(reader->request, section, key, value, origin, &own) : -ENOMEM;

    if (r < 0 && r != -ENOMEM && reader->request->problem) {
        (void) error_prefix(&own, r, "%s", origin);
        reader->request->problem(&own, r, reader->request->userdata);
        return 0;
    }
    error_move(error, &own);
    return r;
}

int definition_read(const DefinitionReader *reader, const char *text, size_t size, const char *source, Error *error)
{
    Reader own = {reader, source};

    if (reader->layer)
        reader->layer->has_keys = true;
    return ini_parse(text, size, source, on_assignment, &own, error);
}

int definition_parse(const char *text, size_t size, const char *source, Trust trust, SpecLayer **ret, Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(trust);
    DefinitionReader reader = {.layer = layer};
    int r;

    if (!layer)
        return -ENOMEM;
    r = definition_read(&reader, text, size, source, error);
    if (r == 0)
        r = specifier_expand_layer(NULL, layer, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(layer);
    return 0;
}

/* Whether the syntax, which strips blanks and joins lines at a backslash, gives the value back as it is. */
static bool is_plain(const char *value)
{
    size_t length = strlen(value);

    return length > 0 && !strpbrk(value, "\n\r") && !strchr(" \t", value[0]) && !strchr(" \t\\", value[length - 1]);
}

/* One assignment; words are quoted so that they come back as they are. */
static int format_setting(Buffer *text, const Setting *setting, char *const *values, Error *error)
{
    STRV_FOREACH (value, values)
        if (!is_plain(*value) && setting->type != SETTING_WORDS && setting->type != SETTING_ENVIRONMENT &&
            setting->type != SETTING_ASSIGNMENTS && setting->type != SETTING_CREDENTIAL)
            return error_set(error, -EINVAL,
                             "%s=: '%s' cannot stand in a definition file: it is empty, holds a line break, begins "
                             "or ends with a blank or ends with a backslash",
                             setting->key, *value);
    if (setting->type == SETTING_WORDS || !values[0]) {
        buffer_append_format(text, "%s=", setting->key);
        STRV_FOREACH (value, values) {
            _cleanup_free_ char *escaped = specifier_escape(*value);
            _cleanup_free_ char *quoted = escaped ? text_quote_word(escaped) : NULL;

            buffer_append_format(text, "%s%s", value == (char **) (uintptr_t) values ? "" : " ", quoted ? quoted : "");
        }
        buffer_append_string(text, "\n");
        return 0;
    }
    STRV_FOREACH (value, values) {
        bool quote = setting->type == SETTING_ENVIRONMENT || setting->type == SETTING_ASSIGNMENTS ||
                     setting->type == SETTING_CREDENTIAL;
        _cleanup_free_ char *escaped = specifier_escape(*value);
        _cleanup_free_ char *quoted = !escaped ? NULL : quote ? text_quote_word(escaped) : strdup(escaped);

        buffer_append_format(text, "%s=%s\n", setting->key, quoted ? quoted : "");
    }
    return 0;
}

int definition_format(const ContainerSpec *spec, char **ret, Error *error)
{
    _cleanup_buffer_ Buffer text = {};
    const char *section = NULL;

    for (size_t i = 0; i < settings_count; i++) {
        _cleanup_strv_ char **values = NULL;
        int r;

        if (!settings[i].key)
            continue;
        r = spec_format_setting(spec, &settings[i], &values);
        if (r < 0)
            return r;
        if (!values)
            continue;
        if (!section || strcmp(section, settings[i].section) != 0) {
            buffer_append_format(&text, "%s[%s]\n", section ? "\n" : "", settings[i].section);
            section = settings[i].section;
        }
        r = format_setting(&text, &settings[i], values, error);
        if (r < 0)
            return r;
    }
    *ret = buffer_take(&text);
    return *ret ? 0 : -ENOMEM;
}
