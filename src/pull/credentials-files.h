/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where passwords of registries are kept: the files of docker and podman, in podman's order, and the credential helpers
 *       that these name.
 * Never does: take what cannot be read or asked for "no password"; put a secret into a message or an argument.
 * Runs in: berthctl, and the puller before it confines itself. */

#include "pull/credentials.h"

/* `given`, else $REGISTRY_AUTH_FILE, else all usual ones; a new password goes into the first. */
int credentials_list_files(const char *given, char ***ret);

/* Of the first file that has something, or the helper that it names. Nothing found is 0 and empty. */
int credentials_load(char *const *files, const char *host, const char *repository, Credentials *ret, Error *error);

/* Into the file, which is 0600 and made with its directory where it is missing, or to the helper that it names for the host.
 * *ret_place says which. */
int credentials_save(const char *file, const char *host, const Credentials *credentials, char **ret_place,
                     Error *error);

/* Out of the file and the helper that it names. 1: there was nothing. */
int credentials_remove(const char *file, const char *host, char **ret_place, Error *error);
