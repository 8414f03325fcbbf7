/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: NULL-terminated lists of strings that own their strings. A NULL list is an empty list.
 * Never does: I/O.
 * Runs in: every process that has a heap. */

#include "base/cleanup.h"

#include <stdbool.h>

#define STRV_FOREACH(item, list) for (char **item = (char **) (list); item && *item; item++)

void strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

size_t strv_length(char *const *list);
bool strv_contains(char *const *list, const char *string);

/* -ENOMEM or 0. strv_push() takes `string` also when it fails (it is freed then); NULL is -ENOMEM. */
int strv_push(char ***list, char *string);
int strv_append(char ***list, const char *string);
int strv_append_format(char ***list, const char *format, ...) _printf_(2, 3);
int strv_extend(char ***list, char *const *more);

/* NULL when memory is short. */
char **strv_copy(char *const *list);
char **strv_new(const char *first, ...) __attribute__((sentinel));
char *strv_join(char *const *list, const char *separator);
void strv_sort(char **list);
