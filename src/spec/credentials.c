/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/credentials.h"

#include "base/path.h"
#include "base/strv.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 255

bool credential_is_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_BYTES || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (const char *c = name; *c; c++)
        if (*c < 0x21 || *c > 0x7e || *c == '/' || *c == ':')
            return false;
    return true;
}

int credential_add(char ***list, const char *assignment, bool is_path, Error *error)
{
    size_t length = strcspn(assignment, ":");
    _cleanup_free_ char *name = strndup(assignment, length), *copy = NULL;
    const char *path = assignment + length + 1;

    if (!name)
        return -ENOMEM;
    if (!assignment[length] || !credential_is_name(name))
        return error_set(error, -EINVAL, "not ID:%s with the name of a file as ID", is_path ? "PATH" : "VALUE");
    if (is_path && !path_is_absolute(path) && !credential_is_name(path))
        return error_set(error, -EINVAL, "'%s' is neither an absolute path nor the name of a credential", path);
    copy = strdup(assignment);
    if (!copy)
        return -ENOMEM;
    STRV_FOREACH (item, *list)
        if (strncmp(*item, assignment, length + 1) == 0) {
            explicit_bzero(*item, strlen(*item));
            free(*item);
            *item = TAKE_PTR(copy);
            return 0;
        }
    return strv_push(list, TAKE_PTR(copy));
}
