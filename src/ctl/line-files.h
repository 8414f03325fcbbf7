/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading a file of lines that others write and replace: NAME with its older parts NAME:1, NAME:2, …, and what comes
 *       while one looks.
 * Never does: know what the lines say.
 * Runs in: berthctl. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LINE_FILES_MAX 10

typedef struct LineFiles LineFiles;

/* One line without its newline, any bytes. 0: go on; anything else ends the reading and is returned. */
typedef int (*LineFunction)(const char *line, size_t size, void *userdata);

void line_files_close(LineFiles *files);
DEFINE_CLEANUP(LineFiles *, line_files_close)

/* -ENODATA when there is none of that name. Lines longer than `line_max_bytes` are damaged: of them the end is shown. */
int line_files_open(int dir_fd, const char *name, size_t line_max_bytes, LineFiles **ret);
/* Everything there is now, oldest first. */
int line_files_read(LineFiles *files, LineFunction function, void *userdata);
/* Again from the beginning. */
int line_files_rewind(LineFiles *files);
/* Goes on where line_files_read() ended, until `stop_fd` is readable (what was written before that is still read; below 0:
 * for ever); `idle` is called before each wait. */
int line_files_follow(LineFiles *files, int stop_fd, LineFunction function, void (*idle)(void), void *userdata);

/* How many parts ended in the middle of a line, or were gone before they were read. */
uint64_t line_files_damaged(const LineFiles *files);
/* Whether the newest ends in the middle of a line now. */
bool line_files_is_torn(const LineFiles *files);
