/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading a seccomp profile in Docker's JSON: strictly, with the place of what is wrong as a JSON pointer (RFC 6901).
 * Never does: I/O; know BPF.
 * Runs in: fat programs; pure.
 *
 * Source: the types of profiles/seccomp in github.com/moby/moby and of pkg/seccomp in containers/common, whose two spellings
 * of an errno are both taken; "config.md#seccomp" of the OCI runtime specification for actions and operators. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the conditions of a profile are compared with. */
typedef struct SeccompJsonFacts {
    uint64_t capabilities; /* of the container: 1 << CAP_* */
    unsigned kernel[2];    /* version and patch level */
    int (*parse_capability)(const char *name, uint64_t *ret_mask, Error *error);
} SeccompJsonFacts;

/* The operator is an enum scmp_compare of libseccomp. */
typedef struct SeccompJsonArgument {
    unsigned index; /* 0 to 5 */
    int compare;
    uint64_t value, value_two;
} SeccompJsonArgument;

#define SECCOMP_JSON_ARGUMENTS_MAX 32

/* Those whose conditions hold here. `number` is the place in "/syscalls". Actions are SCMP_ACT_* of libseccomp. */
typedef struct SeccompJsonRule {
    size_t number;
    char **names;
    uint32_t action;
    SeccompJsonArgument *arguments; /* all must match, but of several for one index any one is enough */
    size_t arguments_count;
} SeccompJsonRule;

typedef struct SeccompJson {
    uint32_t default_action;
    char **architectures; /* as libseccomp calls them: "x86_64", "x86", "x32"; the native one among them */
    SeccompJsonRule *rules;
    size_t rules_count;
} SeccompJson;

void seccomp_json_done(SeccompJson *json);
#define _cleanup_seccomp_json_ _cleanup_(seccomp_json_done)

/* -EINVAL with a text that begins with the pointer, -ENOMEM. */
int seccomp_json_parse(const char *text, size_t size, const SeccompJsonFacts *facts, SeccompJson *ret, Error *error);
