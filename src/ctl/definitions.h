/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where definition files are and what a container's layers are made of, for run, create, start, rm and list.
 * Never does: parse (inputs/ does) or start anything.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

#define DEFINITION_SUFFIX ".container"

/* Directories in order of precedence: /etc/berth, /run/berth/containers, /usr/lib/berth. BERTH_CONFIG_DIR replaces the
 * first, BERTH_RUN_DIR's containers the second. NULL-terminated; caller owns. */
char **definition_directories(void);

/* Reads NAME.container from the first directory that has it; *ret_path tells which. -ENOENT when none has. */
int definition_load(const char *name, SpecLayer **ret, char **ret_path, Error *error);
/* The names of all definitions, sorted, each once. */
int definition_list(char ***ret);
bool definition_exists(const char *name, char **ret_path);

/* Writes NAME.container into the administrator's directory (create) or, `transient`, that of /run. -EEXIST. */
int definition_save(const ContainerSpec *spec, bool transient, char **ret_path, Error *error);
