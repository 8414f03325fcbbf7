/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/unit.h"

#include "base/buffer.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/properties.h"
#include "inputs/definition.h"

#include <errno.h>
#include <string.h>

/* Of every template there can be this instance: its letter is part of a name, a path and a number. */
#define SOME_INSTANCE "1"

/* Keys of [Unit] and [Install] that hold names of units. */
static const char *const unit_keys[] = {
    "Wants",
    "Requires",
    "Requisite",
    "BindsTo",
    "PartOf",
    "Upholds",
    "Conflicts",
    "Before",
    "After",
    "OnFailure",
    "OnSuccess",
    "PropagatesReloadTo",
    "ReloadPropagatedFrom",
    "PropagatesStopTo",
    "StopPropagatedFrom",
    "JoinsNamespaceOf",
    "WantedBy",
    "RequiredBy",
    "UpheldBy",
};

static bool is_unit_key(const char *key)
{
    for (size_t i = 0; i < ELEMENTSOF(unit_keys); i++)
        if (strcmp(key, unit_keys[i]) == 0)
            return true;
    return false;
}

bool definition_depends_on_instance(const char *value)
{
    for (const char *c = strchr(value, '%'); c && c[1]; c = strchr(c + 2, '%'))
        if (strchr("iInN", c[1]))
            return true;
    return false;
}

static void add_problem(Definition *definition, const UnitLine *line, const char *text)
{
    _cleanup_error_ Error error = {};
    int r = error_set(&error, -EINVAL, "%s: %s=: %s", line->origin, line->key, text);

    definition_add_problem(definition, &error, r);
}

/* One word of a list of units: "db.container" is "db.service". NULL: there is no such definition, or no memory. */
static char *translate_unit(const DefinitionPlaces *places, const char *word)
{
    _cleanup_free_ char *name = NULL, *path = NULL;
    const DefinitionType *type = definition_type_of(word, &name);

    if (!type)
        return strdup(word);
    /* With a specifier in it, what it will be is not known yet. */
    if (!strchr(name, '%')) {
        path = definition_places_find(places, word);
        if (!path)
            return NULL;
    }
    return definition_unit_name(type, name);
}

static int translate_line(Definition *definition, const DefinitionPlaces *places, UnitLine *line)
{
    _cleanup_buffer_ Buffer value = {};

    for (const char *word = line->value + strspn(line->value, " \t"); *word;) {
        size_t length = strcspn(word, " \t");
        _cleanup_free_ char *copy = strndup(word, length), *unit = copy ? translate_unit(places, copy) : NULL;

        if (!copy)
            return -ENOMEM;
        if (unit)
            buffer_append_format(&value, "%s%s", value.size > 0 ? " " : "", unit);
        else {
            _cleanup_free_ char *text = text_format("there is no '%s'", copy);

            add_problem(definition, line, text ? text : "no memory");
        }
        word += length + strspn(word + length, " \t");
    }
    free(line->value);
    line->value = buffer_take(&value);
    return line->value ? 0 : -ENOMEM;
}

static int check_lines(Definition *definition, const DefinitionPlaces *places)
{
    int r = 0;

    for (size_t i = 0; i < definition->lines.count && r == 0; i++) {
        UnitLine *line = &definition->lines.items[i];
        const char *why = NULL;

        if (strcmp(line->section, "Service") == 0)
            why = service_key_problem(line->key, line->value);
        else if (strcmp(line->section, "Unit") == 0 && strcmp(line->key, "SourcePath") == 0)
            why = "berth sets it";
        else if (is_unit_key(line->key))
            r = translate_line(definition, places, line);
        if (why)
            add_problem(definition, line, why);
    }
    return r;
}

static bool has_specifiers(const SpecLayer *layer)
{
    for (size_t i = 0; i < layer->count; i++)
        STRV_FOREACH (value, layer->assignments[i].values)
            if (strchr(*value, '%'))
                return true;
    return false;
}

/* The values as some instance will have them. */
static int copy_expanded(Definition *definition, SpecLayer **ret)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(definition->layer->trust);
    _cleanup_specifiers_ Specifiers specifiers = {};
    _cleanup_free_ char *name =
        text_format("%s%s", definition->name, definition_name_is_template(definition->name) ? SOME_INSTANCE : "");
    int r = layer && name ? 0 : -ENOMEM;

    if (r == 0 && has_specifiers(definition->layer))
        r = definition_load_specifiers(name, &specifiers);

    for (size_t i = 0; i < definition->layer->count && r == 0; i++) {
        const Assignment *assignment = &definition->layer->assignments[i];
        bool names_itself = assignment->setting->type == SETTING_PROPERTY || !assignment->setting->key;
        _cleanup_free_ char *origin = names_itself
                                          ? strdup(assignment->origin)
                                          : text_format("%s: %s=", assignment->origin, assignment->setting->key);

        r = origin ? spec_layer_add_values(layer, assignment->setting, assignment->values, origin) : -ENOMEM;
    }
    /* One by one, to tell all that is wrong. */
    for (size_t i = 0; r == 0 && i < layer->count; i++) {
        SpecLayer one = {.trust = layer->trust, .assignments = &layer->assignments[i], .count = 1};
        _cleanup_error_ Error error = {};
        int q = specifier_expand_layer(&specifiers, &one, &error);

        if (q == 0)
            q = spec_check_assignment(layer, &layer->assignments[i], &error);
        if (q == -ENOMEM)
            return q;
        if (q < 0)
            definition_add_problem(definition, &error, q);
    }
    if (r < 0)
        return r;
    *ret = TAKE_PTR(layer);
    return 0;
}

/* Resource properties stand in the unit, where systemd expands specifiers in some and not in others: so they are expanded
 * here, which a template's cannot be. */
static void check_properties(Definition *definition, const SpecLayer *expanded)
{
    bool is_template = definition_name_is_template(definition->name);

    for (size_t i = 0; i < expanded->count; i++) {
        const Assignment *assignment = &expanded->assignments[i];

        if (assignment->setting->offset != offsetof(ContainerSpec, properties))
            continue;
        STRV_FOREACH (value, definition->layer->assignments[i].values)
            if (is_template && definition_depends_on_instance(*value)) {
                _cleanup_error_ Error error = {};
                int r = error_set(&error, -EOPNOTSUPP,
                                  "%s: '%s': a resource property of a template cannot depend on "
                                  "the instance",
                                  assignment->origin, *value);

                definition_add_problem(definition, &error, r);
            }
        STRV_FOREACH (value, assignment->values) {
            _cleanup_error_ Error error = {};
            int r = assignment->setting->type == SETTING_PROPERTY ? property_check(*value, &error) : 0;

            /* An escape in the name of an instance can bring any byte; a line is one property. */
            for (const char *c = *value; *c && r == 0; c++)
                if ((unsigned char) *c < 0x20)
                    r = error_set(&error, -EINVAL, "'%s' holds a control character", *value);
            if (r < 0) {
                r = error_prefix(&error, r, "%s", assignment->origin);
                definition_add_problem(definition, &error, r);
            }
        }
    }
}

/* The file's name is the container's: a copy of a file is another container. */
static int check_name(Definition *definition, const SpecLayer *expanded)
{
    const char *said = definition_find_value(expanded, offsetof(ContainerSpec, name));
    bool is_template = definition_name_is_template(definition->name);
    _cleanup_free_ char *instance = text_format("%s%s", definition->name, is_template ? SOME_INSTANCE : "");
    _cleanup_free_ char *name = instance ? definition_container_name(instance) : NULL;

    if (!name)
        return -ENOMEM;
    for (size_t i = 0; said && i < expanded->count; i++)
        if (expanded->assignments[i].values && expanded->assignments[i].values[0] == said && strcmp(said, name) != 0)
            return strv_append_format(&definition->notices, "%s the container is called as its file, '%s', not '%s'",
                                      expanded->assignments[i].origin, is_template ? "NAME-INSTANCE" : name, said);
    return 0;
}

/* systemd.service(5): such a service is not restarted when it has done what it is for. */
static int check_restart(const Definition *definition, const ContainerSpec *spec, Error *error)
{
    const UnitLine *type = unit_lines_find(&definition->lines, "Service", "Type");
    bool ends_well = spec->restart.mode == RESTART_ALWAYS || spec->restart.mode == RESTART_UNLESS_STOPPED;

    return type && strcmp(type->value, "oneshot") == 0 && ends_well
               ? error_set(error, -EINVAL, "%s: with Type=oneshot only on-failure",
                           spec_origin(spec, offsetof(ContainerSpec, restart)))
               : 0;
}

static int check_container(Definition *definition, const DefinitionPlaces *places, ContainerSpec **ret_spec)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error error = {};
    int r = copy_expanded(definition, &layer);

    if (r < 0)
        return r;
    check_properties(definition, layer);
    r = check_name(definition, layer);
    if (r < 0)
        return r;
    r = definition_resolve_image(places, layer, &error);
    if (r == 0)
        r = definition_resolve_volumes(places, layer, &definition->needed_units, &error);
    if (r == 0 && !definition->problems) {
        SpecLayer *layers[] = {layer};

        r = spec_finish(layers, 1, &spec, &error);
        if (r == 0)
            r = check_restart(definition, spec, &error);
        /* What is wrong with the whole has no line. */
        if (r < 0 && !text_after_prefix(error.text ? error.text : "", definition->path))
            r = error_prefix(&error, r, "%s", definition->path);
    }
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        definition_add_problem(definition, &error, r);
    if (!definition->problems)
        *ret_spec = TAKE_PTR(spec);
    return 0;
}

/* Whether it is one. */
static bool refuse_template(Definition *definition)
{
    _cleanup_error_ Error error = {};
    int r;

    if (!definition_name_is_template(definition->name))
        return false;
    r = error_set(&error, -EOPNOTSUPP, "%s: only containers can be templates", definition->path);
    definition_add_problem(definition, &error, r);
    return true;
}

/* The keys of NAME.image, each with the place that it has in the unit; quadlet's others concern pulling. */
static void check_image(Definition *definition)
{
    static const char *const known[] = {"Image", "File"};
    _cleanup_error_ Error error = {};
    int r;

    for (size_t i = 0; i < definition->lines.count; i++) {
        const UnitLine *line = &definition->lines.items[i];
        bool is_known = false;

        if (definition_is_unit_section(line->section))
            continue;
        for (size_t j = 0; j < ELEMENTSOF(known); j++)
            is_known = is_known || strcmp(line->key, known[j]) == 0;
        if (strcmp(line->section, "Image") != 0)
            add_problem(definition, line, "a .image file has the sections [Image], [Unit], [Service] and [Install]");
        else if (!is_known)
            add_problem(definition, line, "not supported: images come from files, by Image= and File=");
        else if (strcmp(line->key, "File") == 0 && !path_is_absolute(line->value))
            add_problem(definition, line, "not an absolute path");
    }
    if (refuse_template(definition) || unit_lines_find(&definition->lines, "Image", "Image"))
        return;
    r = error_set(&error, -EINVAL, "%s: [Image] says no Image=", definition->path);
    definition_add_problem(definition, &error, r);
}

/* The same of NAME.volume; what is the same as podman's default may be said. */
static void check_volume(Definition *definition)
{
    static const struct {
        const char *key, *same;
    } known[] = {{"VolumeName", NULL}, {"Driver", "local"}, {"Copy", "true"}};

    for (size_t i = 0; i < definition->lines.count; i++) {
        const UnitLine *line = &definition->lines.items[i];
        bool is_known = false;

        if (definition_is_unit_section(line->section))
            continue;
        for (size_t j = 0; j < ELEMENTSOF(known); j++)
            is_known = is_known || (strcmp(line->key, known[j].key) == 0 &&
                                    (!known[j].same || strcmp(line->value, known[j].same) == 0));
        if (strcmp(line->section, "Volume") != 0)
            add_problem(definition, line, "a .volume file has the sections [Volume], [Unit], [Service] and [Install]");
        else if (!is_known)
            add_problem(definition, line, "not supported: a volume is a directory below /var/lib/berth/volumes");
        else if (strcmp(line->key, "VolumeName") == 0 && !text_is_name(line->value))
            add_problem(definition, line, "not the name of a volume");
    }
    (void) refuse_template(definition);
}

/* A generated unit comes before one of a package: "ssh.container" would be the end of the host's own ssh.service. */
static int check_unit_name(Definition *definition)
{
    static const char *const directories[] = {"/usr/lib/systemd/system", "/lib/systemd/system",
                                              "/usr/local/lib/systemd/system"};
    _cleanup_free_ char *unit = definition_unit_name(definition->type, definition->name);
    const char *at = unit ? strchr(unit, '@') : NULL;
    _cleanup_free_ char *template = at ? text_format("%.*s@.service", (int) (at - unit), unit) : NULL;

    if (!unit || (at && !template))
        return -ENOMEM;
    for (size_t i = 0; i < 2 * ELEMENTSOF(directories) && !definition->is_taken; i++) {
        const char *name = i % 2 == 0 ? unit : template;
        _cleanup_free_ char *path = name ? path_join(directories[i / 2], name) : NULL;
        _cleanup_error_ Error error = {};

        if (!path || access(path, F_OK) < 0)
            continue;
        definition->is_taken = true;
        (void) error_set(&error, -EEXIST, "%s: the host has a unit of that name, %s: call the container otherwise",
                         definition->path, path);
        definition_add_problem(definition, &error, -EEXIST);
    }
    return 0;
}

/* In the order of the lines. */
static int compare_problems(const void *a, const void *b)
{
    return strverscmp(*(char *const *) a, *(char *const *) b);
}

static int check_type(Definition *definition, const DefinitionPlaces *places, ContainerSpec **ret_spec)
{
    _cleanup_error_ Error error = {};

    if (definition->type->missing) {
        int r = error_set(&error, -EOPNOTSUPP, "%s: %s", definition->path, definition->type->missing);
        definition_add_problem(definition, &error, r);
        return 0;
    }
    if (strcmp(definition->type->name, "image") == 0) {
        check_image(definition);
        return 0;
    }
    if (strcmp(definition->type->name, "volume") == 0) {
        check_volume(definition);
        return 0;
    }
    return check_container(definition, places, ret_spec);
}

int definition_check(Definition *definition, const DefinitionPlaces *places, ContainerSpec **ret_spec)
{
    int r = check_lines(definition, places);

    *ret_spec = NULL;
    if (r == 0)
        r = check_unit_name(definition);
    if (r == 0)
        r = check_type(definition, places, ret_spec);
    if (definition->problems)
        qsort(definition->problems, strv_length(definition->problems), sizeof(char *), compare_problems);
    return r;
}
