/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the one rule for what an archive member may be called.
 * Never does: I/O.
 * Runs in: the importer and its confined children; pure. */

#include "base/error.h"

#define MEMBER_DEPTH_MAX 400U /* below what base/file.h removes again */

/* A member's name as a path below the root: without empty and "." components, "" for the root. -EINVAL with a
 * text for an absolute one, one with "..", too long or too deep. */
int member_normalise(const char *name, char **ret, Error *error);
