/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the payload's output on its way to the journal or a file, cut into lines.
 * Never does: block for long: a journal that takes nothing costs lines (counted) and one short wait, never the
 *             payload's progress.
 * Runs in: the supervisor. */

#include "executor/context.h"

#include <stdint.h>

/* One of the two streams (or the terminal, as stdout). */
typedef struct OutputStream {
    int number;     /* 1 stdout, 2 stderr */
    bool continues; /* what was written last was a part of a line */
    size_t length;
    char line[16384];
} OutputStream;

typedef struct Output {
    const StepSupervise *step;
    int journal_fd, file_fd;
    uint64_t dropped; /* lines that nobody took */
    bool is_stalled;  /* the journal let a wait run out: lines are dropped at once until it takes one again */
    OutputStream streams[2];
} Output;

void output_init(Output *output, Context *context, const StepSupervise *step);
/* Bytes as they came; complete lines go out at once. */
void output_write(Output *output, int stream, const char *data, size_t size);
/* What is left without a newline. */
void output_flush(Output *output);
