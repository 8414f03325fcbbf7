/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/load.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/definition.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define FILE_MAX_BYTES (1U << 20)
/* Enough to show what is wrong; a file of another kind has thousands. */
#define PROBLEMS_MAX 100

void definition_free(Definition *definition)
{
    if (!definition)
        return;
    free(definition->name);
    free(definition->path);
    strv_free(definition->drop_ins);
    spec_layer_free(definition->layer);
    unit_lines_done(&definition->lines);
    strv_free(definition->needed_units);
    strv_free(definition->problems);
    strv_free(definition->notices);
    free(definition);
}

void definition_add_problem(Definition *definition, Error *error, int code)
{
    const char *text = error->text ? error->text : strerror(-code);
    _cleanup_free_ char *line =
        text_format("%s%s%s%s", text, error->hint ? " (" : "", error->hint ? error->hint : "", error->hint ? ")" : "");

    /* It goes into unit files, logs and terminals. */
    if (line && strv_length(definition->problems) < PROBLEMS_MAX)
        (void) strv_push(&definition->problems, text_escape(line, SIZE_MAX));
    error_done(error);
}

bool definition_is_transient(const Definition *definition, const DefinitionPlaces *places)
{
    return path_is_below(definition->path, places->directories[1]) && definition->lines.count == 0;
}

static void on_problem(Error *problem, int code, void *userdata)
{
    definition_add_problem(userdata, problem, code);
}

static int read_text(const char *path, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    /* A link to /dev/null: there is to be nothing. */
    return S_ISCHR(st.st_mode) ? -ERFKILL : file_read_fd(fd, FILE_MAX_BYTES, ret, ret_size);
}

static int read_one(Definition *definition, const char *path)
{
    DefinitionReader reader = {definition->layer, &definition->lines, on_problem, definition};
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error error = {};
    size_t size = 0;
    int r = read_text(path, &text, &size);

    if (r == -ERFKILL)
        return r;
    if (r < 0)
        (void) error_set(&error, r, "%s: cannot be read: %s", path, strerror(-r));
    else if (definition->type == &definition_types[0])
        r = definition_read(&reader, text, size, path, &error);
    else
        r = unit_lines_parse(text, size, path, &definition->lines, &error);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        definition_add_problem(definition, &error, r);
    return 0;
}

static int read_all(Definition *definition)
{
    int r = read_one(definition, definition->path);

    if (r == -ERFKILL) {
        definition->is_masked = true;
        return 0;
    }
    STRV_FOREACH (drop_in, definition->drop_ins)
        if (r == 0) {
            r = read_one(definition, *drop_in);
            if (r == -ERFKILL)
                r = 0;
        }
    return r;
}

static int new_definition(const char *file_name, Definition **ret, Error *error)
{
    _cleanup_definition_ Definition *definition = calloc(1, sizeof(Definition));

    if (!definition)
        return -ENOMEM;
    definition->type = definition_type_of(file_name, &definition->name);
    if (!definition->type)
        return error_hint(error, error_set(error, -EINVAL, "'%s' is not a definition file", file_name),
                          "they are called NAME.container, NAME.image or NAME.volume");
    if (!definition_name_is_valid(definition->name))
        return error_hint(error, error_set(error, -EINVAL, "'%s' is not a container name", definition->name),
                          "letters, digits, '_', '+', '-' and '.', not first; NAME@ for a template");
    definition->layer = spec_layer_new(TRUST_ADMIN);
    if (!definition->layer)
        return -ENOMEM;
    *ret = TAKE_PTR(definition);
    return 0;
}

int definition_open(const DefinitionPlaces *places, const char *file_name, Definition **ret, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    int r = new_definition(file_name, &definition, error);

    if (r < 0)
        return r;
    definition->path = definition_places_find(places, file_name);
    if (!definition->path)
        return error_hint(error, error_set(error, -ENOENT, "there is no definition of '%s'", definition->name),
                          "berthctl create --name=%s IMAGE writes one", definition->name);
    r = definition_places_drop_ins(places, definition->type, definition->name, &definition->drop_ins);
    if (r == 0)
        r = read_all(definition);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(definition);
    return 0;
}

int definition_open_path(const char *path, Definition **ret, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    int r = new_definition(path_last(path), &definition, error);

    if (r < 0)
        return error_prefix(error, r, "%s", path);
    definition->path = strdup(path);
    r = definition->path ? read_all(definition) : -ENOMEM;
    if (r < 0)
        return r;
    *ret = TAKE_PTR(definition);
    return 0;
}

/* The first line of a small file of /etc or /proc. */
static int set_from_file(Specifiers *specifiers, char letter, const char *path)
{
    _cleanup_free_ char *text = NULL;

    if (read_text(path, &text, NULL) < 0)
        return 0;
    text[strcspn(text, "\n")] = 0;
    /* systemd writes 128-bit ids without dashes. */
    for (char *from = text, *to = text;; from++)
        if (*from != '-' && !(*to++ = *from))
            break;
    return specifiers_set(specifiers, letter, text);
}

int definition_load_specifiers(const char *name, Specifiers *ret)
{
    struct utsname system;
    int r = specifiers_set_unit(ret, name);

    if (r == 0)
        r = set_from_file(ret, 'm', "/etc/machine-id");
    if (r == 0)
        r = set_from_file(ret, 'b', "/proc/sys/kernel/random/boot_id");
    if (r < 0 || uname(&system) < 0)
        return r;
    r = specifiers_set(ret, 'H', system.nodename);
    if (r == 0)
        r = specifiers_set(ret, 'v', system.release);
    system.nodename[strcspn(system.nodename, ".")] = 0;
    return r < 0 ? r : specifiers_set(ret, 'l', system.nodename);
}

const char *definition_find_value(const SpecLayer *layer, size_t offset)
{
    const Setting *setting = setting_of(offset);

    for (size_t i = layer->count; i > 0; i--)
        if (layer->assignments[i - 1].setting == setting)
            return layer->assignments[i - 1].values ? layer->assignments[i - 1].values[0] : NULL;
    return NULL;
}

const char *definition_image_file(const SpecLayer *layer)
{
    const char *image = definition_find_value(layer, offsetof(ContainerSpec, image));

    return image && text_has_suffix(image, ".image") && !strchr(image, '/') ? image : NULL;
}

int definition_resolve_image(const DefinitionPlaces *places, SpecLayer *layer, Error *error)
{
    _cleanup_definition_ Definition *image = NULL;
    const char *file_name = definition_image_file(layer), *origin = NULL;
    const UnitLine *line;
    int r;

    if (!file_name)
        return 0;
    for (size_t i = 0; i < layer->count; i++)
        if (layer->assignments[i].setting == setting_of(offsetof(ContainerSpec, image)))
            origin = layer->assignments[i].origin;
    r = definition_open(places, file_name, &image, NULL);
    if (r < 0)
        return error_set(error, r, "%s: there is no '%s'", origin, file_name);
    line = unit_lines_find(&image->lines, "Image", "Image");
    if (!line)
        return error_set(error, -EINVAL, "%s: '%s' says no Image=", origin, image->path);
    return spec_layer_add(layer, setting_of(offsetof(ContainerSpec, image)), line->value, origin);
}

static int expand(const DefinitionPlaces *places, Definition *definition, Error *error)
{
    _cleanup_specifiers_ Specifiers specifiers = {};
    int r = definition_resolve_image(places, definition->layer, error);

    if (r == 0)
        r = definition_load_specifiers(definition->name, &specifiers);
    if (r == 0)
        r = specifier_expand_layer(&specifiers, definition->layer, error);
    return r < 0 ? r : definition_resolve_volumes(places, definition->layer, NULL, error);
}

int definition_load(const char *name, SpecLayer **ret, char **ret_path, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_free_ char *file_name = text_format("%s" DEFINITION_SUFFIX, name);
    int r = file_name ? definition_places_load(false, &places) : -ENOMEM;

    if (r == 0)
        r = definition_open(&places, file_name, &definition, error);
    if (r < 0)
        return r;
    if (definition->is_masked)
        return error_set(error, -ENOENT, "'%s' is a link to /dev/null: there is to be no such container",
                         definition->path);
    if (definition_name_is_template(name))
        return error_hint(error, error_set(error, -EINVAL, "'%s' is a template", name), "name an instance: %sINSTANCE",
                          name);
    if (definition->problems) {
        (void) error_set(error, -EINVAL, "%s", definition->problems[0]);
        return definition->problems[1]
                   ? error_hint(error, -EINVAL, "berthctl verify-file %s tells of all that is wrong", definition->path)
                   : -EINVAL;
    }
    r = expand(&places, definition, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(definition->layer);
    if (ret_path)
        *ret_path = TAKE_PTR(definition->path);
    return 0;
}
