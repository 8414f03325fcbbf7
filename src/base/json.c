/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

json_t *json_safe_string(const char *string)
{
    _cleanup_free_ char *escaped = NULL;

    if (text_is_utf8(string, strlen(string)))
        return json_string(string);
    escaped = text_escape(string, SIZE_MAX);
    return escaped ? json_string(escaped) : NULL;
}

static json_t *build_list(char *const *list)
{
    json_t *array = json_array();

    STRV_FOREACH (item, list)
        if (json_array_append_new(array, json_safe_string(*item)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *build_value(const void *member, JsonFieldType type)
{
    switch (type) {
    case JSON_FIELD_STRING:
        return *(char *const *) member ? json_safe_string(*(char *const *) member) : json_null();
    case JSON_FIELD_LIST:
        return build_list(*(char **const *) member);
    case JSON_FIELD_U64:
        return json_integer((json_int_t) MIN(*(const uint64_t *) member, (uint64_t) INT64_MAX));
    case JSON_FIELD_I64:
        return json_integer(*(const int64_t *) member);
    default:
        return json_boolean(*(const bool *) member);
    }
}

json_t *json_fields_build(const void *object, const JsonField *fields, size_t count)
{
    json_t *json = json_object();

    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(json, fields[i].name,
                                build_value((const char *) object + fields[i].offset, fields[i].type)) < 0) {
            json_decref(json);
            return NULL;
        }
    return json;
}

static int read_list(json_t *value, char ***member)
{
    _cleanup_strv_ char **list = NULL;
    json_t *item;
    size_t i;

    if (!json_is_array(value))
        return -EBADMSG;
    json_array_foreach(value, i, item)
    {
        int r = json_is_string(item) ? strv_append(&list, json_string_value(item)) : -EBADMSG;
        if (r < 0)
            return r;
    }
    strv_free(*member);
    *member = TAKE_PTR(list);
    return 0;
}

static int read_value(json_t *value, JsonFieldType type, void *member)
{
    switch (type) {
    case JSON_FIELD_STRING: {
        char *copy = NULL;

        if (json_is_string(value)) {
            copy = strdup(json_string_value(value));
            if (!copy)
                return -ENOMEM;
        } else if (!json_is_null(value))
            return -EBADMSG;
        free(*(char **) member);
        *(char **) member = copy;
        return 0;
    }
    case JSON_FIELD_LIST:
        return read_list(value, member);
    case JSON_FIELD_U64:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return -EBADMSG;
        *(uint64_t *) member = (uint64_t) json_integer_value(value);
        return 0;
    case JSON_FIELD_I64:
        if (!json_is_integer(value))
            return -EBADMSG;
        *(int64_t *) member = json_integer_value(value);
        return 0;
    default:
        if (!json_is_boolean(value))
            return -EBADMSG;
        *(bool *) member = json_is_true(value);
        return 0;
    }
}

int json_fields_read(json_t *json, const JsonField *fields, size_t count, void *object, json_t **ret_unknown,
                     Error *error)
{
    _cleanup_json_ json_t *unknown = json_copy(json);

    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(json, fields[i].name);
        int r;

        if (!value)
            continue;
        r = read_value(value, fields[i].type, (char *) object + fields[i].offset);
        if (r < 0)
            return error_set(error, r, "the field '%s' has the wrong type", fields[i].name);
        if (unknown)
            json_object_del(unknown, fields[i].name);
    }
    if (ret_unknown)
        *ret_unknown = unknown && json_object_size(unknown) > 0 ? TAKE_PTR(unknown) : NULL;
    return 0;
}

void json_fields_done(void *object, const JsonField *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *member = (char *) object + fields[i].offset;

        if (fields[i].type == JSON_FIELD_STRING)
            free(*(char **) member);
        else if (fields[i].type == JSON_FIELD_LIST)
            strv_free(*(char ***) member);
        else
            continue;
        *(void **) member = NULL;
    }
}

int json_parse_object(const char *text, size_t size, json_t **ret, Error *error)
{
    json_error_t problem;
    _cleanup_json_ json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);

    if (!json)
        return error_set(error, -EBADMSG, "line %d, column %d: %s", problem.line, problem.column, problem.text);
    if (!json_is_object(json))
        return error_set(error, -EBADMSG, "not a JSON object");
    *ret = TAKE_PTR(json);
    return 0;
}
