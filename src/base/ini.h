/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the unit file syntax of systemd.syntax(7): sections, KEY=VALUE, comments, continuation lines.
 * Never does: I/O, or know any key.
 * Runs in: fat programs; pure. */

#include "base/error.h"

/* Called once for each assignment; a negative return ends the parse and is forwarded. `section` is "" before the
 * first header. */
typedef int (*IniAssignment)(const char *section, const char *key, const char *value, unsigned line, void *userdata,
                             Error *error);

/* `text` is NUL-terminated and `size` bytes long; a NUL inside is an error, as is a line longer than 1 MiB.
 * Errors carry "SOURCE:LINE: ". */
int ini_parse(const char *text, size_t size, const char *source, IniAssignment assignment, void *userdata,
              Error *error);
