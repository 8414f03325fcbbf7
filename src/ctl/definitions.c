/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/definitions.h"

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "definitions/unit.h"
#include "inputs/definition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool definition_exists(const char *name, char **ret_path)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_free_ char *file_name = text_format("%s" DEFINITION_SUFFIX, name), *path = NULL;

    if (file_name && definition_places_load(false, &places) == 0)
        path = definition_places_find(&places, file_name);
    if (!path)
        return false;
    if (ret_path)
        *ret_path = TAKE_PTR(path);
    return true;
}

int definition_list(char ***ret)
{
    _cleanup_strv_ char **directories = definition_directories(), **names = NULL;
    int r = 0;

    STRV_FOREACH (path, directories) {
        DIR *directory = opendir(*path);
        struct dirent *entry;

        while (directory && r == 0 && (entry = readdir(directory))) {
            _cleanup_free_ char *name = NULL;

            if (!text_has_suffix(entry->d_name, DEFINITION_SUFFIX))
                continue;
            name = strndup(entry->d_name, strlen(entry->d_name) - strlen(DEFINITION_SUFFIX));
            if (name && text_is_name(name) && !strv_contains(names, name))
                r = strv_append(&names, name);
        }
        if (directory)
            closedir(directory);
    }
    if (r < 0)
        return r;
    strv_sort(names);
    *ret = TAKE_PTR(names);
    return 0;
}

int definition_save(const ContainerSpec *spec, bool transient, char **ret_path, Error *error)
{
    _cleanup_strv_ char **directories = definition_directories();
    _cleanup_free_ char *text = NULL, *name = text_format("%s" DEFINITION_SUFFIX, spec->name), *path = NULL;
    _cleanup_close_ int fd = -EBADF;
    const char *directory;
    int r;

    if (!directories || !name)
        return -ENOMEM;
    directory = directories[transient ? 1 : 0];
    r = definition_format(spec, &text, error);
    if (r < 0)
        return r;
    r = file_open_directory_at(AT_FDCWD, directory, true, 0755, &fd);
    if (r == 0)
        r = file_write_atomic_at(fd, name, text, strlen(text), transient || spec->set_credentials ? 0600 : 0644,
                                 FILE_WRITE_EXCLUSIVE | (transient ? 0 : FILE_WRITE_DURABLE));
    if (r == -EEXIST)
        return error_hint(error, error_set(error, r, "a container named '%s' exists already", spec->name),
                          "berthctl start %s starts it, berthctl rm %s removes it, --replace does that first",
                          spec->name, spec->name);
    if (r < 0)
        return error_set(error, r, "cannot write '%s/%s': %s", directory, name, strerror(-r));
    path = path_join(directory, name);
    if (ret_path)
        *ret_path = TAKE_PTR(path);
    return path || ret_path ? 0 : -ENOMEM;
}

int definition_judge(Definition *definition, const DefinitionPlaces *places)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_definition_links_ DefinitionLinks links = {};
    int r = definition_check(definition, places, &spec);

    if (r == 0)
        r = definition_list_links(definition, &links);
    if (r < 0)
        return r;
    STRV_FOREACH (notice, definition->notices)
        log_warning("%s", *notice);
    STRV_FOREACH (problem, definition->problems)
        log_error("%s", *problem);
    return (int) strv_length(definition->problems);
}
