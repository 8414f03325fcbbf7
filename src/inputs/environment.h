/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: environment files of --env-file: KEY=VALUE lines into assignments.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "base/error.h"

/* As docker's and podman's --env-file: one KEY=VALUE a line, taken literally; # starts a comment line; KEY alone takes
 * the value from `own` (a NULL-terminated environment) or is left out. Appends to *variables; errors carry
 * SOURCE:LINE. */
int environment_parse_file(const char *text, size_t size, const char *source, char *const *own, char ***variables,
                           Error *error);

/* The "KEY=VALUE" of `own` for "KEY", itself for "KEY=VALUE", NULL when it is not set. */
const char *environment_resolve(const char *text, char *const *own);
