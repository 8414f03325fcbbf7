/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"

#include "base/text.h"

#include <string.h>

bool path_is_absolute(const char *path)
{
    return path && path[0] == '/';
}

bool path_has_dotdot(const char *path)
{
    for (const char *c = path; *c;) {
        size_t length = strcspn(c, "/");

        if (length == 2 && c[0] == '.' && c[1] == '.')
            return true;
        c += length;
        c += strspn(c, "/");
    }
    return false;
}

char *path_normalise(const char *path)
{
    char *normalised = malloc(strlen(path) + 2), *end = normalised;

    if (!normalised)
        return NULL;
    if (path[0] == '/')
        *end++ = '/';
    for (const char *c = path + strspn(path, "/"); *c;) {
        size_t length = strcspn(c, "/");

        if (length != 1 || c[0] != '.') {
            if (end != normalised && end[-1] != '/')
                *end++ = '/';
            end = mempcpy(end, c, length);
        }
        c += length;
        c += strspn(c, "/");
    }
    if (end == normalised)
        *end++ = '.';
    *end = 0;
    return normalised;
}

char *path_join(const char *a, const char *b)
{
    size_t length = strlen(a);

    while (length > 1 && a[length - 1] == '/')
        length--;
    b += strspn(b, "/");
    return text_format("%.*s%s%s", (int) length, a, length > 0 && a[length - 1] == '/' ? "" : "/", b);
}

const char *path_last(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool path_is_below(const char *path, const char *prefix)
{
    const char *rest;

    if (strcmp(prefix, "/") == 0)
        return path[0] == '/';
    rest = text_after_prefix(path, prefix);
    return rest && (*rest == 0 || *rest == '/');
}
