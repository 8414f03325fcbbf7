/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/change.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The directory that a path is in; NULL: no memory. */
static char *directory_of(const char *path)
{
    const char *last = path_last(path);

    return last > path ? strndup(path, (size_t) (last - path)) : strdup(".");
}

static int write_drop_in(int dir_fd, const char *property, mode_t mode, bool is_durable)
{
    size_t length = strcspn(property, "=");
    _cleanup_free_ char *name = text_format("50-%.*s.conf", (int) length, property);
    _cleanup_free_ char *text = text_format("# Written by berthctl set-property; a later one replaces it.\n"
                                            "[Resources]\n%s\n",
                                            property);

    if (!name || !text)
        return -ENOMEM;
    return file_write_atomic_at(dir_fd, name, text, strlen(text), mode, is_durable ? FILE_WRITE_DURABLE : 0);
}

int definition_set_properties(const DefinitionPlaces *places, const char *definition_path, const char *name,
                              char *const *properties, Error *error)
{
    const char *directory = places->directories[0];
    bool is_transient = path_is_below(definition_path, places->directories[1]);
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (is_transient)
        directory = places->directories[1];
    path = text_format("%s/%s" DEFINITION_SUFFIX ".d", directory, name);
    if (!path)
        return -ENOMEM;
    r = file_open_directory_at(AT_FDCWD, path, true, is_transient ? 0700 : 0755, &fd);
    STRV_FOREACH (property, properties)
        if (r == 0)
            r = write_drop_in(fd, *property, is_transient ? 0600 : 0644, !is_transient);
    return r < 0 ? error_set(error, r, "cannot write into '%s': %s", path, strerror(-r)) : 0;
}

int definition_remove_drop_ins(const char *definition_path, const char *name)
{
    _cleanup_free_ char *directory = directory_of(definition_path);
    _cleanup_free_ char *drop_ins = text_format("%s" DEFINITION_SUFFIX ".d", name);
    _cleanup_close_ int fd = -EBADF;

    if (!directory || !drop_ins)
        return -ENOMEM;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : file_remove_tree_at(fd, drop_ins);
}
