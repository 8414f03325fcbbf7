/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: text put together in a buffer of the caller's: lines of JSON and fields of the journal.
 * Never does: allocate; use more than the C library.
 * Runs in: every program; pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer that is written to its end, and then knows that it was too short. */
typedef struct Line {
    char *data;
    size_t size, room;
    bool is_short;
} Line;

void line_put(Line *text, const char *data, size_t size);
void line_put_string(Line *text, const char *string);
void line_put_number(Line *text, uint64_t number);
/* A value that may come from a container or an image: what is no text becomes \xNN, as text_escape() has it; with
 * `json` quotes and backslashes are escaped for that. */
void line_put_value(Line *text, const char *string, bool json);
