/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the definition file, NAME.container: its bytes into a spec layer, and a spec into its bytes.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

/* Reads the sections that describe the container. [Unit], [Service] and [Install] belong to systemd and are passed over;
 * any other section and any unknown key is an error that names the nearest known one. Errors carry SOURCE:LINE. */
int definition_parse(const char *text, size_t size, const char *source, Trust trust, SpecLayer **ret, Error *error);

/* Writes what differs from the defaults; definition_parse() of the result gives the same spec. -EINVAL for a value
 * that the syntax cannot hold: a newline in it could add a line, a backslash at its end swallow one. Caller owns *ret. */
int definition_format(const ContainerSpec *spec, char **ret, Error *error);
