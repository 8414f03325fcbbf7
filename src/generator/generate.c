/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/generate.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "definitions/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int write_unit(int directory_fd, const char *name, const char *text, Error *error)
{
    int r = file_write_atomic_at(directory_fd, name, text, strlen(text), 0644, 0);

    return r < 0 ? error_set(error, r, "cannot write the unit '%s': %s", name, strerror(-r)) : 0;
}

/* systemd empties the directory before a generator runs; a link that is there all the same is another generator's. */
static int make_link(int directory_fd, const DefinitionLink *link, Error *error)
{
    const char *slash = strchr(link->name, '/');
    _cleanup_free_ char *folder = slash ? strndup(link->name, (size_t) (slash - link->name)) : NULL;

    if (slash && !folder)
        return -ENOMEM;
    if (folder && mkdirat(directory_fd, folder, 0755) < 0 && errno != EEXIST)
        return error_set(error, -errno, "cannot make the directory '%s': %s", folder, strerror(errno));
    if (symlinkat(link->target, directory_fd, link->name) < 0 && errno != EEXIST)
        return error_set(error, -errno, "cannot make the link '%s': %s", link->name, strerror(errno));
    return 0;
}

/* A definition whose very name cannot be has no unit either: it is only reported. */
static bool is_nameless(int r)
{
    return r == -EINVAL || r == -ENOENT;
}

static int generate_one(const DefinitionPlaces *places, const char *file_name, int directory_fd, const char *program,
                        GenerateReport report, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_definition_links_ DefinitionLinks links = {};
    _cleanup_free_ char *unit = NULL, *text = NULL;
    _cleanup_error_ Error own = {};
    int r = definition_open(places, file_name, &definition, &own);

    if (is_nameless(r)) {
        report(own.text, true);
        return 1;
    }
    if (r == 0 && (definition->is_masked || definition_is_transient(definition, places)))
        return 0;
    if (r == 0)
        r = definition_check(definition, places, &spec);
    if (r == 0)
        r = definition_list_links(definition, &links);
    if (r < 0)
        return r;
    STRV_FOREACH (notice, definition->notices)
        report(*notice, false);
    STRV_FOREACH (problem, definition->problems)
        report(*problem, true);
    if (definition->is_taken)
        return 1;
    unit = definition_unit_name(definition->type, definition->name);
    text =
        definition->problems ? definition_format_stub(definition) : definition_format_unit(definition, spec, program);
    if (!unit || !text)
        return -ENOMEM;
    r = write_unit(directory_fd, unit, text, error);
    for (size_t i = 0; i < links.count && r == 0; i++)
        r = make_link(directory_fd, &links.items[i], error);
    return r < 0 ? r : definition->problems != NULL;
}

int generate(const char *directory, const char *program, GenerateReport report, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_strv_ char **names = NULL;
    _cleanup_close_ int fd = -EBADF;
    int broken = 0, r;

    r = definition_places_load(true, &places);
    if (r == 0)
        r = definition_places_list(&places, &names);
    if (r < 0)
        return r;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "cannot open '%s': %s", directory, strerror(errno));
    STRV_FOREACH (name, names) {
        r = generate_one(&places, *name, fd, program, report, error);
        if (r < 0)
            return error_prefix(error, r, "%s", *name);
        broken += r;
    }
    return broken;
}
