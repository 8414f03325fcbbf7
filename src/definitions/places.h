/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where definition files are: the directories in order of precedence, the kinds of files, which file and which
 *       drop-ins make one definition, the unit that it becomes.
 * Never does: read what is in a file, or write one.
 * Runs in: berthctl and the generator. */

#include <stdbool.h>
#include <stddef.h>

#define DEFINITION_SUFFIX ".container"

/* One kind of file: NAME.TYPE becomes NAME UNIT_SUFFIX .service. */
typedef struct DefinitionType {
    const char *name;        /* "container" */
    const char *unit_suffix; /* "", "-image" */
    const char *missing;     /* why such a file cannot be used yet; NULL: it can */
} DefinitionType;

extern const DefinitionType definition_types[];
extern const size_t definition_types_count;

/* The type of "web.container" and the name before it, a new string. NULL: it is no definition file. */
const DefinitionType *definition_type_of(const char *file_name, char **ret_name);
/* "web", "web@" (a template) or "web@blue": the name is one of a container, the instance one of a unit. */
bool definition_name_is_valid(const char *name);
bool definition_name_is_template(const char *name);
/* The unit of a definition: "web.service", "data-volume.service", "web@blue.service". NULL: no memory. */
char *definition_unit_name(const DefinitionType *type, const char *name);
/* What a container is called when its definition does not say: "web@blue" is "web-blue". NULL: no memory. */
char *definition_container_name(const char *name);

/* Directories in order of precedence: /etc/berth, /run/berth/containers, /usr/lib/berth. BERTH_CONFIG_DIR replaces the
 * first, BERTH_RUN_DIR's containers the second. NULL-terminated; caller owns. */
char **definition_directories(void);

/* The directories, and, for who looks for many files, what is in them. */
typedef struct DefinitionPlaces {
    char **directories;
    char ***entries; /* of each: its names, sorted; NULL: not read, each file is looked for by itself */
} DefinitionPlaces;

/* With `read_entries` the directories are read, once. */
int definition_places_load(bool read_entries, DefinitionPlaces *ret);
void definition_places_done(DefinitionPlaces *places);

/* The path of a file in the first directory that has it; NULL: none has, or no memory. An instance without a file of its own
 * is in that of its template. */
char *definition_places_find(const DefinitionPlaces *places, const char *file_name);
/* The drop-ins of NAME.TYPE in the order in which they are applied: from TYPE.d, PREFIX-.TYPE.d, NAME@.TYPE.d and NAME.TYPE.d
 * as with systemd.unit(5). -ENOMEM or 0. */
int definition_places_drop_ins(const DefinitionPlaces *places, const DefinitionType *type, const char *name,
                               char ***ret);
/* The names of all files of all types, "web.container", sorted, each once; needs the entries. */
int definition_places_list(const DefinitionPlaces *places, char ***ret);
