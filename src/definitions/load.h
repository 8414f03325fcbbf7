/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a definition as it is read: its file, its drop-ins, what they say, and everything that is wrong with them.
 * Never does: write a file; start anything.
 * Runs in: berthctl and the generator. */

#include "definitions/places.h"
#include "inputs/specifier.h"
#include "inputs/unit-lines.h"
#include "spec/spec.h"
#include "spec/values.h"

typedef struct Definition {
    const DefinitionType *type;
    char *name;          /* "web", "web@", "web@blue" */
    char *path;          /* of the file itself */
    char **drop_ins;     /* paths, in the order in which they are applied */
    SpecLayer *layer;    /* of a container, with the specifiers as they are written; else empty */
    UnitLines lines;     /* the sections that are systemd's; of other types all of them */
    char **problems;     /* one line each, escaped: "/etc/berth/web.container:12: …" */
    char **notices;      /* the same: what is passed over */
    char **needed_units; /* of a checked container: the services of its volumes */
    bool is_taken;       /* the host has a unit of that name: there must be none of ours, not even a stub */
    bool is_masked;      /* a link to /dev/null */
} Definition;

void definition_free(Definition *definition);
DEFINE_CLEANUP(Definition *, definition_free)
#define _cleanup_definition_ _cleanup_(definition_freep)

/* Reads NAME.TYPE from the first of the places that has it, with its drop-ins. What is wrong in the files is in `problems`.
 * -ENOENT: there is no such file; -EINVAL: a name that cannot be. */
int definition_open(const DefinitionPlaces *places, const char *file_name, Definition **ret, Error *error);
/* The same for a file anywhere, without drop-ins. */
int definition_open_path(const char *path, Definition **ret, Error *error);

/* For who wants to start it: the layer of NAME.container with its drop-ins, with specifiers and Image=NAME.image replaced by
 * what they mean here. *ret_path tells which file. -ENOENT when there is none; NAME may be an instance, "web@blue". */
int definition_load(const char *name, SpecLayer **ret, char **ret_path, Error *error);

/* Whether it is one that `berthctl run` keeps for its container: in the directory of /run, and without a word to systemd. Such
 * a name was not chosen as that of a unit. */
bool definition_is_transient(const Definition *definition, const DefinitionPlaces *places);

/* Takes what the Error says as a problem, "TEXT (HINT)", and empties it. */
void definition_add_problem(Definition *definition, Error *error, int code);

/* What specifiers mean for a definition of this name on this host. */
int definition_load_specifiers(const char *name, Specifiers *ret);

/* Puts the reference of NAME.image in the place of an Image= that names such a file. */
int definition_resolve_image(const DefinitionPlaces *places, SpecLayer *layer, Error *error);
/* The container's image file "NAME.image", borrowed; NULL: it names its image itself. */
const char *definition_image_file(const SpecLayer *layer);

/* The volume that NAME.volume stands for. -ENOENT: there is no such file. */
int definition_volume_name(const DefinitionPlaces *places, const char *file_name, char **ret, Error *error);
/* Puts those names in the place of NAME.volume in the layer's mounts. `units` (may be NULL) gets the services of the files. */
int definition_resolve_volumes(const DefinitionPlaces *places, SpecLayer *layer, char ***units, Error *error);
/* A value as a mount that can be one of a volume; false: it is none. */
bool definition_parse_mount(const Setting *setting, const char *value, MountSpec *ret);

/* The first value of a setting's last assignment, as written; NULL: nobody said anything. */
const char *definition_find_value(const SpecLayer *layer, size_t offset);
