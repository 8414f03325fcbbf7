/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what is asked of a definition beyond its syntax, and the systemd unit that it becomes.
 * Never does: write a file.
 * Runs in: berthctl and the generator. */

#include "definitions/load.h"

/* Judges the definition as a whole: every value, the [Service] keys that cannot work, the names of other definitions in
 * [Unit] and [Install], which are replaced by those of their units. What is wrong goes to `problems`. For a container without
 * problems *ret_spec is what it comes to, with the first instance there can be for a template; for others NULL. */
int definition_check(Definition *definition, const DefinitionPlaces *places, ContainerSpec **ret_spec);

/* The unit file of a checked definition without problems. `program` is the path of berthctl. NULL: no memory. */
char *definition_format_unit(const Definition *definition, const ContainerSpec *spec, const char *program);
/* The unit file in the place of one that cannot be: it fails with what is wrong. */
char *definition_format_stub(const Definition *definition);

/* A symbolic link that enables a unit, below the directory of its unit file. */
typedef struct DefinitionLink {
    char *name;   /* "multi-user.target.wants/web.service" */
    char *target; /* "../web.service" */
} DefinitionLink;

typedef struct DefinitionLinks {
    DefinitionLink *items;
    size_t count;
} DefinitionLinks;

void definition_links_done(DefinitionLinks *links);
#define _cleanup_definition_links_ _cleanup_(definition_links_done)

/* What [Install] asks for; what cannot be is a problem. */
int definition_list_links(Definition *definition, DefinitionLinks *ret);

/* service-keys.c: why a key of [Service] cannot have this value; NULL: it can. */
const char *service_key_problem(const char *key, const char *value);

/* Whether specifiers of the instance (%i, %n …) stand in a value of a template: what it will be is not known yet. */
bool definition_depends_on_instance(const char *value);
