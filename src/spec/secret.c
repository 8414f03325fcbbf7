/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/secret.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MODE 0444

void secret_use_done(SecretUse *use)
{
    free(use->name);
    free(use->target);
    *use = (SecretUse){};
}

static int parse_id(const char *text, uint32_t *ret, Error *error)
{
    uint64_t number;

    if (text_parse_u64(text, UINT32_MAX - 1, &number) < 0)
        return error_set(error, -EINVAL, "'%s' is not the number of a user or group", text);
    *ret = (uint32_t) number;
    return 0;
}

static int parse_mode(const char *text, mode_t *ret, Error *error)
{
    if (!text[0] || strlen(text) > 4 || text[strspn(text, "01234567")] || strtoul(text, NULL, 8) > 0777)
        return error_set(error, -EINVAL, "'%s' is not the mode of a file, such as 0400", text);
    *ret = (mode_t) strtoul(text, NULL, 8);
    return 0;
}

static int parse_field(const char *field, SecretUse *use, char **target, bool *has_owner, Error *error)
{
    const char *value;

    if (strcmp(field, "type=mount") == 0 || strcmp(field, "type=env") == 0) {
        use->is_variable = strcmp(field, "type=env") == 0;
        return 0;
    }
    if ((value = text_after_prefix(field, "target="))) {
        free(*target);
        *target = strdup(value);
        return *target ? 0 : -ENOMEM;
    }
    *has_owner = true;
    if ((value = text_after_prefix(field, "uid=")))
        return parse_id(value, &use->uid, error);
    if ((value = text_after_prefix(field, "gid=")))
        return parse_id(value, &use->gid, error);
    if ((value = text_after_prefix(field, "mode=")))
        return parse_mode(value, &use->mode, error);
    return error_set(error, -EINVAL, "'%s' is none of type=mount, type=env, target=, uid=, gid= and mode=", field);
}

static bool is_variable_name(const char *name)
{
    if (!name[0] || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_'))
            return false;
    return true;
}

static int make_target(SecretUse *use, const char *target, Error *error)
{
    _cleanup_free_ char *path = NULL, *normal = NULL;

    if (use->is_variable) {
        if (!is_variable_name(target))
            return error_set(error, -EINVAL, "'%s' is not the name of a variable: give one by target=", target);
        use->target = strdup(target);
        return use->target ? 0 : -ENOMEM;
    }
    path = path_is_absolute(target) ? strdup(target) : text_format(SECRET_DIRECTORY "/%s", target);
    normal = path ? path_normalise(path) : NULL;
    if (!normal)
        return -ENOMEM;
    if (!target[0] || target[strlen(target) - 1] == '/' || path_has_dotdot(normal) ||
        strcmp(normal, SECRET_DIRECTORY) == 0)
        return error_set(error, -EINVAL, "'%s' is not the path of a file", target);
    use->target = TAKE_PTR(normal);
    return 0;
}

/* Up to the next comma, or NULL behind the last one. */
static char *next_field(const char **text)
{
    size_t length = strcspn(*text, ",");
    char *field = strndup(*text, length);

    *text = (*text)[length] ? *text + length + 1 : NULL;
    return field;
}

static int parse_fields(const char *text, SecretUse *use, Error *error)
{
    _cleanup_free_ char *target = NULL;
    bool has_owner = false;
    int r = 0;

    while (r == 0 && text) {
        _cleanup_free_ char *field = next_field(&text);

        r = field ? parse_field(field, use, &target, &has_owner, error) : -ENOMEM;
    }
    if (r == 0 && use->is_variable && has_owner)
        return error_set(error, -EINVAL, "the secret '%s': a variable has no owner and no mode", use->name);
    return r < 0 ? r : make_target(use, target ? target : use->name, error);
}

int secret_use_parse(const char *text, SecretUse *ret, Error *error)
{
    _cleanup_secret_use_ SecretUse use = {.mode = DEFAULT_MODE};
    const char *rest = text;
    int r;

    use.name = next_field(&rest);
    if (!use.name)
        return -ENOMEM;
    if (!text_is_name(use.name))
        return error_set(error, -EINVAL, "'%s' is not the name of a secret", use.name);
    r = parse_fields(rest, &use, error);
    if (r < 0)
        return r;
    *ret = use;
    use = (SecretUse){};
    return 0;
}

int secret_use_add(char ***list, const char *text, Error *error)
{
    _cleanup_secret_use_ SecretUse use = {};
    int r = secret_use_parse(text, &use, error);

    if (r < 0)
        return r;
    STRV_FOREACH (item, *list) {
        _cleanup_secret_use_ SecretUse other = {};
        char *copy;

        if (secret_use_parse(*item, &other, NULL) < 0 || other.is_variable != use.is_variable ||
            strcmp(other.target, use.target) != 0)
            continue;
        copy = strdup(text);
        if (!copy)
            return -ENOMEM;
        free(*item);
        *item = copy;
        return 0;
    }
    return strv_append(list, text);
}
