/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: systemd.nspawn(5) files: each of their keys with the setting that it is here, or why there is none; the bytes of
 *       one into a spec layer.
 * Never does: I/O, or decide which files are trusted.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

typedef enum NspawnValue {
    _NSPAWN_VALUE_INVALID = 0,
    NSPAWN_VALUE_SAME,
    NSPAWN_VALUE_WORDS,             /* several, divided by blanks */
    NSPAWN_VALUE_LIMIT,             /* "LimitNOFILE=x" is "nofile=x" */
    NSPAWN_VALUE_INACCESSIBLE,      /* a path; a mount here */
    NSPAWN_VALUE_READ_ONLY_OVERLAY, /* the same */
    NSPAWN_VALUE_PRIVATE_NETWORK,   /* a boolean */
    NSPAWN_VALUE_PRIVATE_USERS,     /* no, yes, pick, BASE[:COUNT] */
    NSPAWN_VALUE_NOTIFY,            /* a boolean: whether the program inside says that it is ready */
    NSPAWN_VALUE_NONE,              /* there is no such setting */
    _NSPAWN_VALUE_MAX
} NspawnValue;

typedef struct NspawnKey {
    const char *section, *key;
    const char *option; /* of the setting; NULL, or of no setting: not supported */
    NspawnValue value;
    const char *same;   /* blank-separated values that ask for what is so here anyway */
    bool is_protective; /* without it the container would be less confined than somebody thinks: no start */
} NspawnKey;

extern const NspawnKey nspawn_keys[];
extern const size_t nspawn_keys_count;

/* The setting of a key, NULL: not supported. What a file beside an image may say follows from its row: least_trust. */
const Setting *nspawn_setting(const NspawnKey *key);

/* With TRUST_ADMIN all keys count; with TRUST_IMAGE those are dropped whose setting asks for more. *ret_notices gets one line,
 * "SOURCE:LINE: …", for each key that is dropped or not supported. -EOPNOTSUPP: one that protects is not supported. Errors
 * carry SOURCE:LINE. Caller owns both. */
int nspawn_parse(const char *text, size_t size, const char *source, Trust trust, SpecLayer **ret, char ***ret_notices,
                 Error *error);
