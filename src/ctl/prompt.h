/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: asking a person at the terminal that is standard input.
 * Never does: show what a secret is; leave the terminal without its echo.
 * Runs in: berthctl. */

#include "base/error.h"

#include <stdbool.h>

#define PROMPT_MAX_BYTES 4096U

/* Asks, on standard error, for one line without its end. -ENOTTY where standard input is no terminal, -ECANCELED when the
 * person does not want to answer. A secret is the caller's to overwrite. */
int prompt_line(const char *question, bool is_secret, char **ret, Error *error);
