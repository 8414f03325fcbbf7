/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a tar member says of a file, as an entry of a tree.
 * Never does: take extended attributes that steer overlayfs, or labels.
 * Runs in: the importer's confined children (and the fuzz target). */

#include "base/error.h"
#include "tree/tree.h"

#include <archive_entry.h>

#define ENTRY_XATTRS_MAX 128U

/* `path` is the normalised name, `xattrs` has room for ENTRY_XATTRS_MAX; what *ret points to belongs to them and to
 * `entry`. */
int entry_read(struct archive_entry *entry, const char *path, TreeXattr *xattrs, TreeEntry *ret, Error *error);
