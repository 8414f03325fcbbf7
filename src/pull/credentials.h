/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: passwords of registries as podman's auth.json and docker's config.json keep them (containers-auth.json(5)), and what
 *       a credential helper says.
 * Never does: I/O; put a secret into a message.
 * Runs in: berthctl and the puller; pure. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Credentials {
    char *user, *password;
    char *identity_token; /* a refresh token instead of a password */
} Credentials;
/* Overwrites the secrets before they are freed. */
void credentials_done(Credentials *credentials);
#define _cleanup_credentials_ _cleanup_(credentials_done)
static inline bool credentials_are_set(const Credentials *credentials)
{
    return credentials->identity_token || credentials->user;
}

/* What `json` has for a host and, more precisely, for a repository there. *ret_helper is the helper that is to be asked
 * instead ("pass"). Nothing found is 0 with both empty; -EINVAL for a damaged file. */
int credentials_find(const char *json, size_t size, const char *host, const char *repository, Credentials *ret,
                     char **ret_helper, Error *error);

/* The helper to which a password of the host goes when there is one already, or none: *ret NULL for none. */
int credentials_find_helper(const char *json, size_t size, const char *host, char **ret, Error *error);
/* The input of `docker-credential-… store`; NULL without memory. */
char *credentials_format_helper(const char *host, const Credentials *credentials);

/* The answer of `docker-credential-… get`. */
int credentials_parse_helper(const char *json, size_t size, Credentials *ret, Error *error);

/* The file with the entry of `host` set, or removed when `credentials` is NULL; `json` NULL: a new file. 1: there was nothing
 * to remove. *ret ends in a newline. */
int credentials_edit(const char *json, size_t size, const char *host, const Credentials *credentials, char **ret,
                     Error *error);

char *base64_encode(const void *data, size_t size);
/* -EINVAL; *ret has a NUL behind it. */
int base64_decode(const char *text, char **ret, size_t *ret_size);
