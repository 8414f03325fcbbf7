/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the command of a health check in its spellings: an image's list, a person's text.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "base/error.h"

/* One text: "none", a JSON array of an image's form, or a command for the container's shell; several: an image's form, CMD
 * and words, CMD-SHELL and a text, or NONE. The result has an image's form and is the caller's. */
int health_command_parse(char *const *values, char ***ret, Error *error);
/* The one text that gives it again; NULL: no memory. */
char *health_command_format(char *const *command);
/* What is to be executed; borrowed strings in a list of the caller's, or NULL for no memory. */
char **health_command_argv(char *const *command);
