/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what podman's quadlet has in its files beyond what the settings table knows: its keys by name, and the rewriting of
 *       one of its files as a definition file. Facts: podman-systemd.unit(5) of podman 6.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A key of [Container] that is not a setting's. One that has become a setting's is looked for in the table first. */
typedef struct QuadletKey {
    const char *key;
    const char *same; /* blank-separated values that ask for what is so here anyway; NULL: none */
    const char *why;  /* what is the matter with all others */
} QuadletKey;

extern const QuadletKey quadlet_keys[];
extern const size_t quadlet_keys_count;

/* NULL: quadlet has no such key, or it is a setting's. */
const QuadletKey *quadlet_find_key(const char *key);
/* Whether the value asks for what is so here anyway. */
bool quadlet_is_same(const QuadletKey *key, const char *value);

/* A file of quadlet's as a definition file: what is a setting's stays, under the setting's name; the rest becomes comments.
 * `directory` is where the file is, for paths relative to it. *ret_notes has one line, "SOURCE:LINE: …", for each assignment
 * that is lost. -EINVAL: not a file of that syntax. Caller owns both. */
int quadlet_convert(const char *text, size_t size, const char *source, const char *directory, char **ret_text,
                    char ***ret_notes, Error *error);
