/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a command writes into a definition after it was made: one drop-in for each property.
 * Never does: change a file that a person wrote.
 * Runs in: fat programs on the host side, as root. */

#include "definitions/places.h"

#include "base/error.h"

/* Writes NAME.container.d/50-PROPERTY.conf, beside the definition where that is of /etc or /run, in /etc for one of a package.
 * `definition_path` is the definition's; `properties` have been checked: "MemoryMax=64M". Earlier ones are replaced. */
int definition_set_properties(const DefinitionPlaces *places, const char *definition_path, const char *name,
                              char *const *properties, Error *error);
/* Removes the drop-ins of a definition beside `definition_path`; none is no error. */
int definition_remove_drop_ins(const char *definition_path, const char *name);
