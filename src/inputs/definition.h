/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the definition file, NAME.container: its bytes into a spec layer, and a spec into its bytes.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "inputs/unit-lines.h"
#include "spec/spec.h"

#include <stdbool.h>

/* Told of each error, which it takes over; the reading goes on behind it. */
typedef void (*DefinitionProblem)(Error *problem, int code, void *userdata);

/* Where the assignments of one file go, behind those that are there already: a drop-in is read on top of its file. */
typedef struct DefinitionReader {
    SpecLayer *layer;
    UnitLines *lines;          /* [Unit], [Service] and [Install], which are systemd's; NULL: they are passed over */
    DefinitionProblem problem; /* NULL: the first error ends the reading */
    void *userdata;
} DefinitionReader;

/* Values stay as they are written, specifiers and all (inputs/specifier.h). Any section but systemd's and the container's
 * and any unknown key is an error that names the nearest known one. Errors carry SOURCE:LINE. */
int definition_read(const DefinitionReader *reader, const char *text, size_t size, const char *source, Error *error);

/* Reads the sections that describe the container. [Unit], [Service] and [Install] are passed over, and
 * specifiers left as they are but for "%%", which is a percent sign. */
int definition_parse(const char *text, size_t size, const char *source, Trust trust, SpecLayer **ret, Error *error);

/* Writes what differs from the defaults, percent signs doubled; definition_parse() of the result gives the same spec. -EINVAL for a value
 * that the syntax cannot hold: a newline in it could add a line, a backslash at its end swallow one. Caller owns *ret. */
int definition_format(const ContainerSpec *spec, char **ret, Error *error);

/* Pure: [Unit], [Service] and [Install] are systemd's: they go into the unit as they are. */
bool definition_is_unit_section(const char *section);
