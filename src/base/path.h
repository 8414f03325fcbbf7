/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: paths as text.
 * Never does: look at a file system.
 * Runs in: every process that has a heap; pure. */

#include <stdbool.h>

bool path_is_absolute(const char *path);
/* A ".." component anywhere. */
bool path_has_dotdot(const char *path);
/* A new string without empty and "." components and without a trailing slash; ".." stays. NULL: no memory. */
char *path_normalise(const char *path);
/* A new "A/B" with exactly one slash between. */
char *path_join(const char *a, const char *b);
/* The part behind the last slash; of "/" it is "". */
const char *path_last(const char *path);
/* Whether `path` is `prefix` or below it; both normalised. */
bool path_is_below(const char *path, const char *prefix);
