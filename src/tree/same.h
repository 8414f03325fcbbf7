/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: whether a file of one tree is that of another: kind, rights, owner, time, attributes, content.
 * Never does: write; trust a size or a kind that it has not read from the fd that it reads.
 * Runs in: a confined child. */

#include "base/error.h"
#include "tree/walk.h"

/* 1 the same, 0 not, or -errno. The time of a directory and the names in it do not count: those are entries of their own. */
int same_entry(const WalkEntry *entry, int other_mount_fd, Error *error);
