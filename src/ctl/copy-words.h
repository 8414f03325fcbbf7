/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the words of `cp` mean: a path here, a path in a container, or a stream.
 * Never does: look whether any of them exists.
 * Runs in: berthctl; pure. */

#include "base/error.h"

typedef enum CopyWordKind { COPY_WORD_HERE, COPY_WORD_INSIDE, COPY_WORD_STREAM } CopyWordKind;

typedef struct CopyWord {
    CopyWordKind kind;
    char *name; /* of a container, else NULL */
    char *path; /* NULL for a stream */
} CopyWord;

void copy_word_done(CopyWord *word);
#define _cleanup_copy_word_ _cleanup_(copy_word_done)

/* NAME:PATH is in a container; what begins with "/" or "." or has no colon is here, as docker-cp(1) has it; "-" is a
 * stream. -EINVAL for an empty path and for what could be a container but has no valid name. */
int copy_word_parse(const char *text, CopyWord *ret, Error *error);
