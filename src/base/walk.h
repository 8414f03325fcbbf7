/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: visiting every object of a tree by an fd of its own, while others may change the tree.
 * Never does: follow a link; leave the file system that it began on; open anything but directories for reading.
 * Runs in: fat programs on the host side. */

#include <sys/stat.h>

/* `fd` is O_PATH and the walk's. A failure (<0) ends the walk; above 0 leaves out what is below. */
typedef int (*WalkVisitor)(int fd, const struct stat *st, void *userdata);

/* The object of `fd` (O_PATH will do) and all below it, parents first. -ELOOP for trees deeper than 512 levels. What vanishes
 * meanwhile is passed over. */
int walk_tree(int fd, WalkVisitor visit, void *userdata);
