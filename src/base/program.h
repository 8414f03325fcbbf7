/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where the programs are that Berth's own start: in the build directory where the project was configured to be run from
 *       there, else as installed; running a program of the host as a filter.
 * Never does: put what the program is given onto a command line or a disk.
 * Runs in: fat programs on the host side. */

#include "base/error.h"

/* Opens one of Berth's own, O_PATH; `folder` is its place in the build directory. fd, or -errno with a text. */
int program_open(const char *folder, const char *name, Error *error);

typedef struct ProgramFilter {
    const char *const *argv; /* the first is looked for in $PATH unless it holds a slash */
    const void *input;
    size_t input_size, output_max; /* bytes */
    char *complaint; /* takes the last line of its standard error, which otherwise is the caller's; or NULL */
    size_t complaint_size;
} ProgramFilter;

/* Gives the program its whole input and takes all of its standard output, with a NUL behind it; neither waits for the other.
 * 0, or 1 when the program failed, which then may have said something all the same. -ENOENT when there is none, -EFBIG when it
 * says more than `output_max`, else -errno. What both say may be secret: the caller wipes it. */
int program_filter(const ProgramFilter *filter, char **ret, size_t *ret_size);
