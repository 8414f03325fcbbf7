/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the grammar of a command line: --long, --long=VALUE, -s, -sVALUE, -abc, "--", where positionals end options.
 * Never does: know an option; that is the lookup's.
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>

typedef enum OptionArgument {
    OPTION_ARGUMENT_NONE,
    OPTION_ARGUMENT_REQUIRED,
    OPTION_ARGUMENT_BOOLEAN, /* --read-only is --read-only=yes; a value only with '=' */
} OptionArgument;

typedef struct OptionMatch {
    OptionArgument argument;
    const void *row; /* the lookup's own */
} OptionMatch;

/* Finds an option by its long name, or by its letter when `name` is NULL. False: there is none. */
typedef bool (*OptionLookup)(const char *name, char letter, void *userdata, OptionMatch *ret);
/* Names the nearest known option for a message, or NULL. */
typedef const char *(*OptionSuggest)(const char *name, void *userdata);

typedef struct OptionParser {
    int argc;
    char **argv;
    int at;                  /* next word */
    const char *cluster;     /* rest of a "-abc" word */
    bool stop_at_positional; /* what follows the first positional is all positional */
    bool is_ended;
    OptionLookup lookup;
    OptionSuggest suggest;
    void *userdata;
} OptionParser;

typedef enum OptionEventKind { OPTION_EVENT_END, OPTION_EVENT_OPTION, OPTION_EVENT_POSITIONAL } OptionEventKind;

typedef struct OptionEvent {
    OptionEventKind kind;
    OptionMatch match;
    const char *value; /* the option's argument ("yes" for a bare boolean, NULL for none) or the positional */
    char spelled[80];  /* "--memory", "-m": for origins and messages */
} OptionEvent;

/* -EINVAL with a text for an unknown option, a missing or an unwanted argument. Strings lead into argv. */
int option_next(OptionParser *parser, OptionEvent *ret, Error *error);
