/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the specifiers of definition files, "%i" and its kind, with the meaning of systemd.unit(5).
 * Never does: I/O; what only this host knows (%H, %m) is set by the caller.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

/* Values by letter; NULL: not set. Zero-initialised is empty. */
typedef struct Specifiers {
    char *values[128];
} Specifiers;

void specifiers_done(Specifiers *specifiers);
#define _cleanup_specifiers_ _cleanup_(specifiers_done)

int specifiers_set(Specifiers *specifiers, char letter, const char *value);
/* What follows from the unit's name without its suffix, "web" or "web@blue": n N p P i I j J; and the directories of the
 * system manager: t S C L E T V, and its user: h u U g G. */
int specifiers_set_unit(Specifiers *specifiers, const char *name);

/* A new text with the specifiers replaced and "%%" as "%". A letter that is no specifier stays as it is, as with systemd.
 * Without specifiers (NULL) only "%%" is replaced. -EOPNOTSUPP: one of systemd's that has no value here. */
int specifier_expand(const Specifiers *specifiers, const char *text, char **ret, Error *error);
/* The same for every value of a layer; the Error begins with the value's origin. */
int specifier_expand_layer(const Specifiers *specifiers, SpecLayer *layer, Error *error);
/* The inverse: a new text that expands to this one. NULL: no memory. */
char *specifier_escape(const char *text);
