/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/json-read.h"

#include "base/strv.h"

#include <errno.h>
#include <string.h>

static const char *name_type(json_type type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a whole number",
    };

    return (size_t) type < ELEMENTSOF(names) && names[type] ? names[type] : "true or false";
}

static const char *dot(const char *place)
{
    return *place ? "." : "";
}

static int say_wrong_type(const char *place, const char *key, json_type type, Error *error)
{
    return error_set(error, -EINVAL, "%s%s%s is not %s", place, dot(place), key, name_type(type));
}

int json_read_object(const char *text, size_t size, size_t max_bytes, json_t **ret, Error *error)
{
    _cleanup_json_ json_t *json = NULL;
    json_error_t problem = {};

    if (size > max_bytes)
        return error_set(error, -EFBIG, "%zu bytes are more than the %zu allowed", size, max_bytes);
    json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        return error_set(error, -EINVAL, "line %d is not valid JSON: %s", problem.line, problem.text);
    if (!json_is_object(json))
        return error_set(error, -EINVAL, "the JSON text is not an object");
    *ret = TAKE_PTR(json);
    return 0;
}

int json_read_member(const json_t *object, const char *place, const char *key, json_type type, const json_t **ret,
                     Error *error)
{
    const json_t *member = json_object_get(object, key);

    if (!member || json_is_null(member))
        return 0;
    if (json_typeof(member) != type)
        return say_wrong_type(place, key, type, error);
    *ret = member;
    return 0;
}

int json_read_string(const json_t *object, const char *place, const char *key, char **ret, Error *error)
{
    const json_t *member = NULL;
    char *copy = NULL;
    int r = json_read_member(object, place, key, JSON_STRING, &member, error);

    if (r < 0 || !member)
        return r;
    copy = strdup(json_string_value(member));
    if (!copy)
        return -ENOMEM;
    free(*ret);
    *ret = copy;
    return 0;
}

int json_read_bool(const json_t *object, const char *place, const char *key, bool *ret, Error *error)
{
    const json_t *member = json_object_get(object, key);

    if (!member || json_is_null(member))
        return 0;
    if (!json_is_boolean(member))
        return say_wrong_type(place, key, JSON_TRUE, error);
    *ret = json_is_true(member);
    return 0;
}

int json_read_size(const json_t *object, const char *place, const char *key, uint64_t *ret, Error *error)
{
    const json_t *member = NULL;
    int r = json_read_member(object, place, key, JSON_INTEGER, &member, error);

    if (r < 0 || !member)
        return r;
    if (json_integer_value(member) < 0)
        return error_set(error, -EINVAL, "%s%s%s is negative", place, dot(place), key);
    *ret = (uint64_t) json_integer_value(member);
    return 0;
}

int json_read_digest(const json_t *object, const char *place, const char *key, Digest *ret, Error *error)
{
    const json_t *member = NULL;
    int r = json_read_member(object, place, key, JSON_STRING, &member, error);

    if (r < 0 || !member)
        return r;
    r = digest_parse(json_string_value(member), ret);
    if (r < 0)
        return error_set(error, -EINVAL, "%s%s%s is not a sha256 digest: '%.100s'", place, dot(place), key,
                         json_string_value(member));
    return 0;
}

static int copy_strings(const json_t *array, const char *place, const char *key, size_t max_count, char ***ret,
                        Error *error)
{
    _cleanup_strv_ char **list = NULL;
    char **larger;
    size_t count = json_array_size(array);

    if (count > max_count)
        return error_set(error, -EFBIG, "%s%s%s has %zu items, at most %zu are allowed", place, dot(place), key, count,
                         max_count);
    larger = calloc(count + 1, sizeof(char *));
    if (!larger)
        return -ENOMEM;
    list = larger;
    for (size_t i = 0; i < count; i++) {
        const char *string = json_string_value(json_array_get(array, i));

        if (!string)
            return error_set(error, -EINVAL, "%s%s%s[%zu] is not a string", place, dot(place), key, i);
        list[i] = strdup(string);
        if (!list[i])
            return -ENOMEM;
    }
    strv_free(*ret);
    *ret = TAKE_PTR(list);
    return 0;
}

int json_read_strings(const json_t *object, const char *place, const char *key, size_t max_count, char ***ret,
                      Error *error)
{
    const json_t *member = json_object_get(object, key);

    if (!member || json_is_null(member))
        return 0;
    if (json_is_string(member)) {
        char **list = strv_new(json_string_value(member), NULL);

        if (!list)
            return -ENOMEM;
        strv_free(*ret);
        *ret = list;
        return 0;
    }
    if (!json_is_array(member))
        return say_wrong_type(place, key, JSON_ARRAY, error);
    return copy_strings(member, place, key, max_count, ret, error);
}

int json_read_keys(const json_t *object, const char *place, const char *key, size_t max_count, char ***ret,
                   Error *error)
{
    _cleanup_strv_ char **list = NULL;
    const json_t *member = NULL;
    const char *name;
    json_t *value;
    size_t i = 0;
    int r = json_read_member(object, place, key, JSON_OBJECT, &member, error);

    if (r < 0 || !member)
        return r;
    if (json_object_size(member) > max_count)
        return error_set(error, -EFBIG, "%s%s%s has %zu items, at most %zu are allowed", place, dot(place), key,
                         json_object_size(member), max_count);
    list = calloc(json_object_size(member) + 1, sizeof(char *));
    if (!list)
        return -ENOMEM;
    json_object_foreach((json_t *) (uintptr_t) member, name, value)
    {
        list[i] = strdup(name);
        if (!list[i++])
            return -ENOMEM;
    }
    strv_sort(list);
    strv_free(*ret);
    *ret = TAKE_PTR(list);
    return 0;
}
