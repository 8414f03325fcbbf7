/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: WWW-Authenticate: what a registry wants to be told before it answers (RFC 9110, 11.6.1; the token part of the
 *       distribution specification).
 * Never does: decide whether to tell it.
 * Runs in: the puller; pure. */

#include "base/cleanup.h"

#include <stddef.h>

#define CHALLENGE_HEADER_MAX 8192U /* bytes */
#define CHALLENGES_MAX       8U

typedef enum ChallengeScheme { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER } ChallengeScheme;

/* Absent parameters are NULL. All of it is the server's word. */
typedef struct Challenge {
    ChallengeScheme scheme;
    char *realm, *service, *scope, *problem; /* problem: "insufficient_scope", "invalid_token" */
} Challenge;

typedef struct Challenges {
    Challenge items[CHALLENGES_MAX];
    size_t count;
} Challenges;
void challenges_done(Challenges *challenges);
#define _cleanup_challenges_ _cleanup_(challenges_done)

/* Adds what one header line holds. -EINVAL: malformed or a parameter twice; -E2BIG: too much of it. */
int challenges_add(Challenges *challenges, const char *value);

/* The first of a scheme, or NULL. */
const Challenge *challenges_find(const Challenges *challenges, ChallengeScheme scheme);
