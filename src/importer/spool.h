/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: taking an image archive apart: each member's bytes into a numbered file, its name into a message.
 *       Members come in any order and the one that explains the others usually last, so nothing can be
 *       judged on the way.
 * Never does: use a member's name as a path; look into a member.
 * Runs in: a confined child. */

#include "base/error.h"
#include "importer/inflate.h"

#define SPOOL_MEMBERS_MAX 100000U

typedef enum SpoolKind { SPOOL_FILE, SPOOL_SYMLINK, SPOOL_HARDLINK } SpoolKind;

/* `path` is normalised, `target` verbatim; the bytes of file N are in the file named N in decimal. */
typedef int (*SpoolMember)(SpoolKind kind, unsigned number, const char *path, const char *target, void *userdata);

int spool_archive(int input_fd, int dir_fd, InflateLimits limits, SpoolMember member, void *userdata, Error *error);
