/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where definition files are and what a container's layers are made of, for run, create, start, rm and list.
 * Never does: parse (inputs/ does) or start anything.
 * Runs in: berthctl. */

#include "ctl/ctl.h"
#include "definitions/load.h"

/* The names of all definitions, sorted, each once. */
int definition_list(char ***ret);
bool definition_exists(const char *name, char **ret_path);

/* Writes NAME.container into the administrator's directory (create) or, `transient`, that of /run. -EEXIST. */
int definition_save(const ContainerSpec *spec, bool transient, char **ret_path, Error *error);

/* Checks it with what its links would be, and prints all notices and problems. The number of problems, or -errno. */
int definition_judge(Definition *definition, const DefinitionPlaces *places);
