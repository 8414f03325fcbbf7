/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: --filter=KEY=PATTERN, given any number of times: what is shown has, for each key, a value that matches one of its
 *       patterns (glob(7), the whole value).
 * Never does: know what the values are.
 * Runs in: berthctl; pure. */

#include "base/error.h"

#include <stdbool.h>

/* Checks each of `filters` against the keys that there are. -EINVAL with the nearest one as a hint. */
int filter_check(char *const *filters, const char *const *keys, size_t keys_count, Error *error);
/* Whether one of the filters is for `key`. */
bool filter_has(char *const *filters, const char *key);
/* Whether `value` (NULL counts as empty) is let through by those that are for `key`. */
bool filter_matches(char *const *filters, const char *key, const char *value);
