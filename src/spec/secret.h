/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how a container is given a secret of the host's store: NAME[,type=mount|env][,target=][,uid=][,gid=][,mode=].
 * Never does: I/O; know a secret.
 * Runs in: fat programs; pure.
 *
 * Source: --secret of podman-run(1). */

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Where secrets are that do not say it. */
#define SECRET_DIRECTORY "/run/secrets"

typedef struct SecretUse {
    char *name;
    char *target; /* an absolute path inside, or the name of a variable */
    bool is_variable;
    uid_t uid; /* of the file, as the container counts */
    gid_t gid;
    mode_t mode;
} SecretUse;

void secret_use_done(SecretUse *use);
#define _cleanup_secret_use_ _cleanup_(secret_use_done)

/* -EINVAL with a text. */
int secret_use_parse(const char *text, SecretUse *ret, Error *error);

/* Checks it and puts it in place of an earlier one of the same target, or behind. */
int secret_use_add(char ***list, const char *text, Error *error);
