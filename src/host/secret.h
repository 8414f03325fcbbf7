/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: secrets on disk: /var/lib/berth/secrets/NAME, each a file that only root may read, encrypted by systemd-creds(1) with
 *       the key of the host or of its TPM2 where that program is. A file is replaced as one act and is on the disk before
 *       anybody is told so.
 * Never does: put a secret, or a part of one, into a message, an argument or an environment; keep it when it is not needed.
 * Runs in: fat programs, as root on the host. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As podman and docker have it. */
#define SECRET_MAX_BYTES 512000

/* secrets/ below the data directory; -ENOENT without `create`. */
int secrets_open(int data_fd, bool create, int *ret_fd);
/* The names, sorted. */
int secrets_list(int secrets_fd, char ***ret);

typedef struct SecretInfo {
    uint64_t created_usec, updated_usec; /* CLOCK_REALTIME */
    char *encryption;                    /* "systemd-creds" or "none" */
} SecretInfo;
void secret_info_done(SecretInfo *info);
#define _cleanup_secret_info_ _cleanup_(secret_info_done)

/* -EINVAL for what is no name, -ENOENT, -EBADMSG for a damaged file; each with a text. */
int secret_load_info(int secrets_fd, const char *name, SecretInfo *ret, Error *error);

typedef enum SecretWrite {
    SECRET_CREATE,  /* -EEXIST when it is there */
    SECRET_REPLACE, /* whether it is there or not; when it was made stays known */
} SecretWrite;

/* `key` is what --with-key= of systemd-creds(1) takes, or "none"; NULL is "auto". 1: done, but not encrypted, though nobody
 * had said so: there is no systemd-creds here. */
int secret_write(int secrets_fd, const char *name, SecretWrite how, const char *key, const void *data, size_t size,
                 Error *error);

/* The secret with a NUL behind it, which the caller wipes and frees. */
int secret_read(int secrets_fd, const char *name, char **ret, size_t *ret_size, Error *error);

/* -ENOENT when there is none. */
int secret_remove(int secrets_fd, const char *name, Error *error);
