/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the log file of a container, and its older parts NAME:1, NAME:2, … when it has a largest size.
 * Never does: read them back (ctl/log-files.c does).
 * Runs in: the supervisor. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct LogFile {
    int fd;           /* -EBADF: none */
    int directory_fd; /* the run directory; the file is logs/NAME below it */
    const char *name;
    uint64_t size_bytes, max_bytes; /* max 0: no limit */
    unsigned max_files;             /* with the one that is written */
    bool is_torn;                   /* the last record is half there */
} LogFile;

/* Appends one record; where the file would become too large, begins a new one before. -errno when it is not in the file,
 * or only a part of it. */
int log_file_append(LogFile *file, const struct iovec *parts, size_t count);

/* Removes the log of that name with its older parts. */
void log_file_remove(int run_fd, const char *name, unsigned max_files);
