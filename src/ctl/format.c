/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/format.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int split(const char *format, char ***ret)
{
    for (const char *at = format; *at;) {
        size_t length = strcspn(at, ",");
        int r = length > 0 ? strv_push(ret, strndup(at, length)) : 0;

        if (r < 0)
            return r;
        at += length + (at[length] == ',');
    }
    return 0;
}

/* "~1" is a slash in a key, "~0" a tilde. */
static char *unescape(const char *text, size_t length)
{
    char *key = malloc(length + 1), *to = key;

    for (size_t i = 0; key && i < length; i++) {
        bool is_escape = text[i] == '~' && i + 1 < length && (text[i + 1] == '0' || text[i + 1] == '1');

        *to++ = !is_escape ? text[i] : text[i + 1] == '1' ? '/' : '~';
        i += is_escape;
    }
    if (key)
        *to = 0;
    return key;
}

/* NULL: there is nothing. */
static const json_t *follow(const json_t *value, const char *pointer)
{
    while (value && *pointer == '/') {
        size_t length = strcspn(++pointer, "/");
        _cleanup_free_ char *key = unescape(pointer, length);
        uint64_t index;

        if (json_is_array(value))
            value = key && text_parse_u64(key, SIZE_MAX, &index) == 0 ? json_array_get(value, (size_t) index) : NULL;
        else
            value = key ? json_object_get(value, key) : NULL;
        pointer += length;
    }
    return value;
}

static int check(const json_t *array, char *const *fields, Error *error)
{
    STRV_FOREACH (field, fields) {
        const json_t *object;
        bool is_known = **field == '/' || json_array_size(array) == 0;
        Nearest nearest = {};
        size_t i;

        json_array_foreach((json_t *) (uintptr_t) array, i, object)
        {
            const char *key;
            json_t *value;

            is_known |= json_object_get(object, *field) != NULL;
            json_object_foreach((json_t *) (uintptr_t) object, key, value) text_nearest_consider(&nearest, *field, key);
        }
        if (is_known)
            continue;
        error_set(error, -EINVAL, "--format: there is no field '%s'", *field);
        return nearest.best ? error_hint(error, -EINVAL, "did you mean '%s'?", nearest.best)
                            : error_hint(error, -EINVAL, "--output=json shows them");
    }
    return 0;
}

static int print_value(const json_t *value)
{
    _cleanup_free_ char *text = NULL;

    if (!value || json_is_null(value))
        text = strdup("-");
    else if (json_is_string(value))
        text = text_escape(json_string_value(value), json_string_length(value));
    else
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (!text)
        return -ENOMEM;
    fputs(text, stdout);
    return 0;
}

int format_print(const json_t *array, const char *format, Error *error)
{
    _cleanup_strv_ char **fields = NULL;
    const json_t *object;
    size_t i;
    int r = split(format, &fields);

    if (r == 0 && !fields)
        r = error_set(error, -EINVAL, "--format: name a field, as in --format=id, or a JSON pointer");
    if (r == 0)
        r = check(array, fields, error);
    json_array_foreach((json_t *) (uintptr_t) array, i, object)
    {
        for (size_t f = 0; r == 0 && fields[f]; f++) {
            fputs(f > 0 ? "\t" : "", stdout);
            r = print_value(*fields[f] == '/' ? follow(object, fields[f]) : json_object_get(object, fields[f]));
        }
        if (r < 0)
            return r;
        putchar('\n');
    }
    return r;
}
