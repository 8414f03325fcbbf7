/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: --format=FIELD,...: of objects in JSON the members, or what JSON pointers (RFC 6901) lead to, a line for each object.
 * Never does: know what the members are.
 * Runs in: berthctl. */

#include "base/json.h"

/* To stdout, fields with a tab between them: strings as they are but safe for a terminal, nothing as "-", all else as JSON.
 * -EINVAL for a member that no object has. */
int format_print(const json_t *array, const char *format, Error *error);
