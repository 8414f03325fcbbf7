/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/member.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* Appends one component to `path`, which has room for it. */
static int append_component(char *path, const char *component, size_t length, unsigned *depth, Error *error)
{
    size_t size = strlen(path);

    if (length > NAME_MAX)
        return error_set(error, -EINVAL, "a component of the name is longer than %d bytes", NAME_MAX);
    if (++*depth > MEMBER_DEPTH_MAX)
        return error_set(error, -EINVAL, "the name is deeper than %u directories", MEMBER_DEPTH_MAX);
    if (size > 0)
        path[size++] = '/';
    memcpy(path + size, component, length);
    path[size + length] = 0;
    return 0;
}

int member_normalise(const char *name, char **ret, Error *error)
{
    _cleanup_free_ char *path = NULL;
    unsigned depth = 0;

    if (name[0] == '/' && name[strspn(name, "/")] != 0)
        return error_set(error, -EINVAL, "the name is absolute");
    if (strlen(name) >= PATH_MAX)
        return error_set(error, -EINVAL, "the name is longer than %d bytes", PATH_MAX - 1);
    path = calloc(1, strlen(name) + 2);
    if (!path)
        return -ENOMEM;
    for (const char *part = name + strspn(name, "/"); *part;) {
        size_t length = strcspn(part, "/");
        int r = 0;

        if (length == 2 && part[0] == '.' && part[1] == '.')
            return error_set(error, -EINVAL, "the name leads out of the layer (\"..\")");
        if (length != 1 || part[0] != '.')
            r = append_component(path, part, length, &depth, error);
        if (r < 0)
            return r;
        part += length + strspn(part + length, "/");
    }
    *ret = TAKE_PTR(path);
    return 0;
}
