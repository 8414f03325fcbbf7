/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading hostile JSON strictly: typed members, counted lists, and messages that name the place.
 * Never does: I/O.
 * Runs in: berthctl and the importer; pure. */

#include "base/error.h"
#include "store/digest.h"

#include <jansson.h>
#include <stdint.h>

/* jansson brings the cleanup function itself (2.9). */
#define _cleanup_json_ _cleanup_(json_decrefp)

/* One object. Duplicate keys, NULs, invalid UTF-8, text behind it and more than `max_bytes` are errors. */
int json_read_object(const char *text, size_t size, size_t max_bytes, json_t **ret, Error *error);

/* Members of `object`. `place` is what the object is called in messages ("config", or "" for the whole
 * document). An absent member and null give 0 and leave *ret as it was; another type is -EINVAL. Objects are
 * borrowed, strings and lists are new. */
int json_read_member(const json_t *object, const char *place, const char *key, json_type type, const json_t **ret,
                     Error *error);
int json_read_string(const json_t *object, const char *place, const char *key, char **ret, Error *error);
int json_read_bool(const json_t *object, const char *place, const char *key, bool *ret, Error *error);
int json_read_size(const json_t *object, const char *place, const char *key, uint64_t *ret, Error *error);
int json_read_digest(const json_t *object, const char *place, const char *key, Digest *ret, Error *error);
/* A list of strings; a lone string is a list of one, as old Docker wrote it. */
int json_read_strings(const json_t *object, const char *place, const char *key, size_t max_count, char ***ret,
                      Error *error);
/* The keys of an object whose values say nothing ("80/tcp": {}), sorted. */
int json_read_keys(const json_t *object, const char *place, const char *key, size_t max_count, char ***ret,
                   Error *error);
