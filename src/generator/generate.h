/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the generator's work: every definition into a unit file and the links that enable it.
 * Never does: talk to a bus, start anything, touch what is outside the output directory.
 * Runs in: the generator, very early at boot: there is no /var, no journal, nothing else is running. */

#include "base/error.h"

#include <stdbool.h>

/* Told of what is wrong with the definitions (or, if not `is_wrong`, passed over in them), one line each. */
typedef void (*GenerateReport)(const char *text, bool is_wrong);

/* Writes the units of all definitions below `directory`. What is wrong with one definition does not stop the others: it is
 * reported and becomes a unit that fails with it. Returns the number of such definitions; -errno with a text when the
 * output cannot be written. */
int generate(const char *directory, const char *program, GenerateReport report, Error *error);
