/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: image references as people write them: [DOMAIN/]REPOSITORY[:TAG][@DIGEST].
 * Never does: I/O; know a registry by itself.
 * Runs in: every program that takes an image name; pure. */

#include "base/error.h"
#include "store/digest.h"

/* Longest formatted reference without its digest: it becomes a file name, and the temporary file of an atomic
 * write adds 19 bytes to it. */
#define REFERENCE_MAX 236

#define REFERENCE_DEFAULT_TAG "latest"

/* The grammar is the one of the OCI distribution specification as Docker reads it: the first component is a
 * domain when it holds a dot or a colon or is "localhost". Zero-initialised is empty. */
typedef struct Reference {
    char *domain;     /* "registry.example", "localhost:5000"; NULL when the text names none */
    char *repository; /* "team/web": without the domain */
    char *tag;        /* NULL when the text names none */
    Digest digest;    /* empty when the text names none */
} Reference;

void reference_done(Reference *reference);
#define _cleanup_reference_ _cleanup_(reference_done)

/* -EINVAL with a text that says which part is wrong. */
int reference_parse(const char *text, Reference *ret, Error *error);

/* "DOMAIN/REPOSITORY:TAG"; the default tag when there is none; the digest is not part of it. NULL without
 * memory. */
char *reference_format_name(const Reference *reference);

/* The name of what was asked for by digest: "DOMAIN/REPOSITORY:sha256-HEX", from a formatted name. NULL without memory. */
char *reference_format_pinned(const char *name, const Digest *digest);

/* The names under which the store may hold what was asked for, best first. A text with a domain means only itself; a short one
 * ("web") means, in this order: itself as an archive named it ("web:latest"), and what was built or loaded here
 * ("localhost/web:latest"). Where to look beyond that is for the configuration to say (pull/registries.h). */
int reference_list_candidates(const Reference *reference, char ***ret);

/* A reference's file name below refs/ and back: '/' becomes '+', which no reference contains. -EINVAL when
 * the file name is not one that reference_to_file_name() makes. */
char *reference_to_file_name(const char *name);
int reference_from_file_name(const char *file_name, char **ret);
