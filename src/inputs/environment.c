/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/environment.h"

#include "base/strv.h"

#include <errno.h>
#include <string.h>

const char *environment_resolve(const char *text, char *const *own)
{
    size_t length = strlen(text);

    if (strchr(text, '='))
        return text;
    STRV_FOREACH (item, own)
        if (strncmp(*item, text, length) == 0 && (*item)[length] == '=')
            return *item;
    return NULL;
}

static int add_line(const char *line, size_t length, char *const *own, char ***variables, Error *error)
{
    _cleanup_free_ char *copy = NULL;
    const char *resolved;

    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0 || *line == '#')
        return 0;
    copy = strndup(line, length);
    if (!copy)
        return -ENOMEM;
    if (*copy == '=' || strcspn(copy, " \t") < strcspn(copy, "="))
        return error_set(error, -EINVAL, "'%s' is not KEY=VALUE", copy);
    resolved = environment_resolve(copy, own);
    return resolved ? strv_append(variables, resolved) : 0;
}

int environment_parse_file(const char *text, size_t size, const char *source, char *const *own, char ***variables,
                           Error *error)
{
    unsigned number = 0;

    if (memchr(text, 0, size))
        return error_set(error, -EINVAL, "%s: holds a NUL byte, this is not a text file", source);
    for (const char *line = text, *end = text + size; line < end;) {
        const char *newline = memchr(line, '\n', (size_t) (end - line));
        size_t length = (size_t) ((newline ? newline : end) - line);
        int r = add_line(line, length, own, variables, error);

        number++;
        if (r < 0)
            return error_prefix(error, r, "%s:%u", source, number);
        line = newline ? newline + 1 : end;
    }
    return 0;
}
