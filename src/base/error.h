/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: Error, the text that travels beside a negative errno: what was wrong, where it came from, what to do.
 * Never does: print. The program prints it once, escaped, with error_report() of log.h.
 * Runs in: every process that has a heap. */

#include "base/cleanup.h"

/* Zero-initialised is "nothing wrong". All functions accept a NULL Error, for callers that want the code only. */
typedef struct Error {
    int code;   /* -errno, or 0 */
    char *text; /* one line, unescaped: may hold hostile bytes */
    char *hint; /* what the person can do, or NULL */
} Error;

void error_done(Error *error);
#define _cleanup_error_ _cleanup_(error_done)

/* Records the cause and returns `code`, so that `return error_set(e, -EINVAL, …)` reads as one act. The first
 * cause stays: a later error_set() on a filled Error only returns its code. */
int error_set(Error *error, int code, const char *format, ...) _printf_(3, 4);

/* Puts "TEXT: " in front of what is recorded (or records strerror when nothing is), returns `code`. For origins:
 * error_prefix(e, r, "%s:%u", file, line). */
int error_prefix(Error *error, int code, const char *format, ...) _printf_(3, 4);

/* Adds advice, unless there is some already; returns `code`. */
int error_hint(Error *error, int code, const char *format, ...) _printf_(3, 4);

/* Moves `from` into `to` when `to` is empty; `from` is empty afterwards. */
void error_move(Error *to, Error *from);
