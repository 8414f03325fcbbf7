/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading a tree of files that somebody hostile may be changing: every entry is opened once, without following a
 *       link, and what is told of it comes from that one fd.
 * Never does: open a FIFO, a socket or a device; write.
 * Runs in: a confined child, on a mount without devices (nodev is what makes the last line true in a race). */

#include "base/error.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

typedef struct WalkEntry {
    const char *path; /* below the start; "" is the start itself */
    const struct stat *st;
    int fd;              /* a regular file or a directory, to read; an O_PATH fd of anything else. Borrowed */
    const char *link;    /* where a symbolic link points, verbatim; else NULL */
    const char *earlier; /* the path of an earlier entry that is the same file; NULL for the first */
} WalkEntry;

/* 0 go on, 1 do not go below this directory, -errno. */
typedef int (*WalkVisit)(const WalkEntry *entry, void *userdata, Error *error);

/* Opens the start of a walk: `inside_path` beneath root_fd as a container would find it (kernel/resolve.h); with
 * `follow` also what a link in the last component leads to. -EAGAIN when it changes its kind all the time. */
int walk_open(int root_fd, const char *inside_path, bool follow, int *ret_fd, struct stat *ret);

/* Shows the start and all below it; directories come before what is in them. What vanishes meanwhile is left out; file
 * systems that the kernel makes up (proc, sysfs, cgroups and their kind) are shown as empty directories, unless the
 * walk starts in one. */
int walk_from(int fd, const struct stat *st, WalkVisit visit, void *userdata, Error *error);

/* The same, with the names of each directory in the order of their bytes: for what must come out the same every time. */
int walk_sorted(int fd, const struct stat *st, WalkVisit visit, void *userdata, Error *error);

/* The names in a directory, but "." and "..", in the order of their bytes; takes `directory`'s position. */
typedef struct WalkNames {
    char **items;
    size_t count, room;
} WalkNames;
int walk_read_names(DIR *directory, WalkNames *ret);
void walk_names_done(WalkNames *names);
#define _cleanup_walk_names_ _cleanup_(walk_names_done)
