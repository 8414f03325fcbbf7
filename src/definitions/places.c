/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/places.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define UNIT_NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\"
#define UNIT_NAME_MAX        200 /* systemd's 255 with room for a suffix */

/* clang-format off */
const DefinitionType definition_types[] = {
    {"container", "", NULL},
    {"image", "-image", NULL},
    {"volume", "-volume", NULL},
    {"network", "-network", "networks of one's own are not supported yet: Network= takes private, host or none"},
    /* quadlet's other kinds */
    {"pod", "-pod", "pods are not supported"},
    {"kube", "", "Kubernetes files are not supported"},
    {"build", "-build", "images cannot be built yet"},
    {"artifact", "-artifact", "artifacts are not supported"},
};
/* clang-format on */

const size_t definition_types_count = ELEMENTSOF(definition_types);

const DefinitionType *definition_type_of(const char *file_name, char **ret_name)
{
    const char *dot = strrchr(file_name, '.');

    for (size_t i = 0; dot && dot > file_name && i < definition_types_count; i++)
        if (strcmp(dot + 1, definition_types[i].name) == 0) {
            *ret_name = strndup(file_name, (size_t) (dot - file_name));
            return *ret_name ? &definition_types[i] : NULL;
        }
    return NULL;
}

bool definition_name_is_valid(const char *name)
{
    const char *at = strchr(name, '@');
    char prefix[TEXT_NAME_MAX + 1];

    if (!at)
        return text_is_name(name);
    if ((size_t) (at - name) >= sizeof(prefix))
        return false;
    memcpy(prefix, name, (size_t) (at - name));
    prefix[at - name] = 0;
    return text_is_name(prefix) && strlen(name) <= UNIT_NAME_MAX &&
           strspn(at + 1, UNIT_NAME_CHARACTERS) == strlen(at + 1);
}

bool definition_name_is_template(const char *name)
{
    return text_has_suffix(name, "@");
}

char *definition_unit_name(const DefinitionType *type, const char *name)
{
    size_t prefix = strcspn(name, "@");

    return text_format("%.*s%s%s.service", (int) prefix, name, type->unit_suffix, name + prefix);
}

char *definition_container_name(const char *name)
{
    char *copy = strdup(name);

    for (char *c = copy; c && *c; c++)
        if (strchr("@:\\", *c))
            *c = '-';
    if (copy && strlen(copy) > TEXT_NAME_MAX)
        copy[TEXT_NAME_MAX] = 0;
    return copy;
}

char **definition_directories(void)
{
    const char *config = secure_getenv("BERTH_CONFIG_DIR"), *run = secure_getenv("BERTH_RUN_DIR");
    _cleanup_strv_ char **list = NULL;

    if (strv_append(&list, config ? config : "/etc/berth") < 0 ||
        strv_append_format(&list, "%s/containers", run ? run : "/run/berth") < 0 ||
        strv_append(&list, "/usr/lib/berth") < 0)
        return NULL;
    return TAKE_PTR(list);
}

static int list_directory(const char *path, char ***ret)
{
    _cleanup_strv_ char **names = NULL;
    int r = file_list_at(AT_FDCWD, path, NULL, &names);

    if (r == -ENOMEM)
        return r;
    *ret = TAKE_PTR(names);
    return 0;
}

int definition_places_load(bool read_entries, DefinitionPlaces *ret)
{
    DefinitionPlaces places = {.directories = definition_directories()};
    size_t count = strv_length(places.directories);
    int r = places.directories ? 0 : -ENOMEM;

    if (r == 0 && read_entries) {
        places.entries = calloc(count + 1, sizeof(char **));
        r = places.entries ? 0 : -ENOMEM;
    }
    for (size_t i = 0; read_entries && i < count && r == 0; i++)
        r = list_directory(places.directories[i], &places.entries[i]);
    if (r < 0) {
        definition_places_done(&places);
        return r;
    }
    *ret = places;
    return 0;
}

void definition_places_done(DefinitionPlaces *places)
{
    size_t count = strv_length(places->directories);

    for (size_t i = 0; places->entries && i < count; i++)
        strv_free(places->entries[i]);
    free(places->entries);
    strv_free(places->directories);
    *places = (DefinitionPlaces){};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool has_entry(const DefinitionPlaces *places, size_t at, const char *name)
{
    char *const *names = places->entries ? places->entries[at] : NULL;
    size_t count = strv_length(names);

    if (!places->entries) {
        _cleanup_free_ char *path = path_join(places->directories[at], name);

        return path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    return count > 0 && bsearch(&name, names, count, sizeof(char *), compare_names);
}

static char *find_exact(const DefinitionPlaces *places, const char *file_name)
{
    for (size_t i = 0; places->directories && places->directories[i]; i++)
        if (has_entry(places, i, file_name))
            return path_join(places->directories[i], file_name);
    return NULL;
}

char *definition_places_find(const DefinitionPlaces *places, const char *file_name)
{
    const char *at = strchr(file_name, '@'), *dot = strrchr(file_name, '.');
    char *path = find_exact(places, file_name);

    if (!path && at && dot && dot > at + 1) {
        _cleanup_free_ char *of_template = text_format("%.*s%s", (int) (at - file_name + 1), file_name, dot);

        path = of_template ? find_exact(places, of_template) : NULL;
    }
    return path;
}

/* The directories' names, least specific first. */
static int drop_in_directories(const DefinitionType *type, const char *name, char ***ret)
{
    const char *at = strchr(name, '@');
    size_t prefix = strcspn(name, "@");
    int r = strv_append_format(ret, "%s.d", type->name);

    for (size_t i = 0; i + 1 < prefix && r == 0; i++)
        if (name[i] == '-')
            r = strv_append_format(ret, "%.*s.%s.d", (int) i + 1, name, type->name);
    if (r == 0 && at && at[1])
        r = strv_append_format(ret, "%.*s.%s.d", (int) prefix + 1, name, type->name);
    return r < 0 ? r : strv_append_format(ret, "%s.%s.d", name, type->name);
}

/* A file of the same name that is found later is the stronger one. */
static int add_drop_in(char ***paths, const char *directory, const char *file)
{
    char *path = path_join(directory, file);

    if (!path)
        return -ENOMEM;
    for (char **known = *paths; known && *known; known++)
        if (strcmp(path_last(*known), file) == 0) {
            free(*known);
            *known = path;
            return 0;
        }
    return strv_push(paths, path);
}

static int compare_last(const void *a, const void *b)
{
    return strcmp(path_last(*(char *const *) a), path_last(*(char *const *) b));
}

int definition_places_drop_ins(const DefinitionPlaces *places, const DefinitionType *type, const char *name,
                               char ***ret)
{
    _cleanup_strv_ char **names = NULL, **paths = NULL;
    int r = drop_in_directories(type, name, &names);

    for (size_t i = strv_length(places->directories); i > 0 && r == 0; i--)
        STRV_FOREACH (directory_name, names) {
            _cleanup_free_ char *directory = NULL;
            _cleanup_strv_ char **files = NULL;

            if (!has_entry(places, i - 1, *directory_name))
                continue;
            directory = path_join(places->directories[i - 1], *directory_name);
            r = directory ? list_directory(directory, &files) : -ENOMEM;
            STRV_FOREACH (file, files)
                if (r == 0 && text_has_suffix(*file, ".conf"))
                    r = add_drop_in(&paths, directory, *file);
        }
    if (r < 0)
        return r;
    if (paths)
        qsort(paths, strv_length(paths), sizeof(char *), compare_last);
    *ret = TAKE_PTR(paths);
    return 0;
}

/* "web@blue.container.d" speaks of an instance that has no file of its own: it is one all the same. */
static int add_instance(const DefinitionPlaces *places, const char *entry, char ***list)
{
    _cleanup_free_ char *file_name = NULL, *name = NULL, *path = NULL;

    if (!text_has_suffix(entry, ".d"))
        return 0;
    file_name = strndup(entry, strlen(entry) - strlen(".d"));
    if (!file_name || !definition_type_of(file_name, &name) || !strchr(name, '@') || definition_name_is_template(name))
        return file_name ? 0 : -ENOMEM;
    path = definition_places_find(places, file_name);
    return path ? strv_append(list, file_name) : 0;
}

int definition_places_list(const DefinitionPlaces *places, char ***ret)
{
    _cleanup_strv_ char **list = NULL, **unique = NULL;
    int r = 0;

    for (size_t i = 0; places->entries && places->directories[i]; i++)
        STRV_FOREACH (entry, places->entries[i]) {
            _cleanup_free_ char *name = NULL;

            if (r == 0 && definition_type_of(*entry, &name))
                r = strv_append(&list, *entry);
            else if (r == 0)
                r = add_instance(places, *entry, &list);
        }
    strv_sort(list);
    STRV_FOREACH (name, list)
        if (r == 0 && (name == list || strcmp(name[0], name[-1]) != 0))
            r = strv_append(&unique, *name);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(unique);
    return 0;
}
