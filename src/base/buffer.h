/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a growing run of bytes.
 * Never does: I/O.
 * Runs in: every process that has a heap. */

#include "base/cleanup.h"

#include <stdint.h>

/* Zero-initialised is empty. After a failed append `failed` stays set and later appends do nothing: check once, at
 * the end. */
typedef struct Buffer {
    char *data;
    size_t size, room;
    int failed; /* -ENOMEM or 0 */
} Buffer;

void buffer_done(Buffer *buffer);
#define _cleanup_buffer_ _cleanup_(buffer_done)

void buffer_append(Buffer *buffer, const void *data, size_t size);
void buffer_append_string(Buffer *buffer, const char *string);
void buffer_append_format(Buffer *buffer, const char *format, ...) _printf_(2, 3);
/* The bytes with a NUL behind them; the buffer is empty afterwards. NULL when an append had failed. */
char *buffer_take(Buffer *buffer);
