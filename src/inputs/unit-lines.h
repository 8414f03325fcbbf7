/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the assignments of a file in systemd's syntax as a list: what is passed on to systemd, and what the small kinds
 *       of definition files (.image) consist of.
 * Never does: I/O, or know a key.
 * Runs in: fat programs; pure. */

#include "base/error.h"

typedef struct UnitLine {
    char *section, *key, *value;
    char *origin; /* "/etc/berth/web.container:12" */
} UnitLine;

typedef struct UnitLines {
    UnitLine *items;
    size_t count;
} UnitLines;

void unit_lines_done(UnitLines *lines);
#define _cleanup_unit_lines_ _cleanup_(unit_lines_done)

int unit_lines_add(UnitLines *lines, const char *section, const char *key, const char *value, const char *origin);
/* Appends every assignment of a file; errors carry SOURCE:LINE. */
int unit_lines_parse(const char *text, size_t size, const char *source, UnitLines *lines, Error *error);
/* The last assignment of a key, which is the one that counts; NULL: none, or it was reset by "KEY=". */
const UnitLine *unit_lines_find(const UnitLines *lines, const char *section, const char *key);
