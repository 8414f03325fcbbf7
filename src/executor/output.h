/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the payload's output on its way to the journal or a file, line by line.
 * Never does: block for long: a journal that takes nothing costs lines (counted) and one short wait, never the
 *             payload's progress.
 * Runs in: the supervisor. */

#include "executor/context.h"
#include "executor/lines.h"
#include "executor/log-file.h"

#include <stdint.h>

typedef struct Output {
    const StepSupervise *step;
    int journal_fd;
    LogFile file;
    uint64_t dropped;          /* lines that nobody took */
    uint64_t dropped_reported; /* of which the log tells */
    bool is_stalled;           /* the journal let a wait run out: lines are dropped at once until it takes one again */
    char *head;                /* the fields that are the same in every entry of the journal */
    size_t head_size;
    LineCutter streams[2]; /* stdout, stderr; a terminal is stdout */
} Output;

/* -ENOMEM is the only failure. */
int output_init(Output *output, Context *context, const StepSupervise *step);
/* Bytes as they came, of stream 1 or 2; complete lines go out at once. */
void output_write(Output *output, int stream, const char *data, size_t size);
/* What is left without a newline. */
void output_flush(Output *output);
