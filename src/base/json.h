/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: flat structs as JSON objects, one table row per member, shared by save, load and print.
 * Never does: I/O.
 * Runs in: fat programs. */

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum JsonFieldType {
    JSON_FIELD_STRING,
    JSON_FIELD_LIST,
    JSON_FIELD_U64,
    JSON_FIELD_I64,
    JSON_FIELD_BOOL
} JsonFieldType;

/* The member's C type is char *, char **, uint64_t, int64_t or bool. */
typedef struct JsonField {
    const char *name;
    JsonFieldType type;
    size_t offset;
} JsonField;

#define JSON_FIELD(type_name, member, field_type)                                                                      \
    {                                                                                                                  \
#member, field_type, offsetof(type_name, member)                                                               \
    }

/* A new object with every member; strings that are not UTF-8 are escaped as text_escape() does. NULL: no memory. */
json_t *json_fields_build(const void *object, const JsonField *fields, size_t count);

/* Fills the members that the object has and leaves the others as they are; fields of the wrong type are -EBADMSG.
 * Fields that no row names are returned in *ret_unknown (new reference, may be NULL pointer), to be written back. */
int json_fields_read(json_t *json, const JsonField *fields, size_t count, void *object, json_t **ret_unknown,
                     Error *error);

/* Frees the members that own memory. */
void json_fields_done(void *object, const JsonField *fields, size_t count);

/* Parses `size` bytes as one JSON object of bounded depth (jansson: 2048); duplicate keys are refused. */
int json_parse_object(const char *text, size_t size, json_t **ret, Error *error);

static inline void json_decrefp_(json_t **json)
{
    json_decref(*json);
}
#define _cleanup_json_ _cleanup_(json_decrefp_)

/* json_string() of bytes that may be no UTF-8. */
json_t *json_safe_string(const char *string);
