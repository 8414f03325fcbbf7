/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a stream of bytes cut into lines, and the priority that a line may begin with.
 * Never does: I/O; keep more memory than the unfinished line needs.
 * Runs in: the supervisor; pure. */

#include <stdbool.h>
#include <stddef.h>

/* Longer ones come in parts of this size. */
#define LINES_MAX_BYTES ((size_t) 1 << 20)

/* Valid during the callback. `text` has no newline and no priority prefix. */
typedef struct Line {
    const char *text;
    size_t size;
    int priority;    /* 0 to 7 from a prefix "<N>", as sd-daemon(3) has it, also of a line's later parts; -1: none */
    bool is_partial; /* the line goes on */
} Line;

typedef void (*LineFunction)(const Line *line, void *userdata);

/* Zero-initialised is empty. */
typedef struct LineCutter {
    char *data; /* of a line whose end has not come; allocated when needed */
    size_t size, room;
    bool continues; /* parts of the line are out */
    int priority;   /* of which this is the priority */
} LineCutter;

/* Bytes as they came; what is complete goes out at once. However the bytes are divided over calls, the lines are the
 * same, unless memory is short: then a line comes in smaller parts. */
void lines_write(LineCutter *cutter, const char *data, size_t size, LineFunction function, void *userdata);
/* What is left without a newline. */
void lines_flush(LineCutter *cutter, LineFunction function, void *userdata);
void lines_done(LineCutter *cutter);
