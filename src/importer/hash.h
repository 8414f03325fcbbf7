/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: SHA-256 through libcrypto.
 * Never does: open anything, or write.
 * Runs in: the importer and its children. */

#include "base/cleanup.h"
#include "store/digest.h"

typedef struct Hash Hash;

Hash *hash_new(void); /* NULL: no memory, or libcrypto refuses SHA-256 */
void hash_free(Hash *hash);
DEFINE_CLEANUP(Hash *, hash_free)
#define _cleanup_hash_ _cleanup_(hash_freep)

int hash_update(Hash *hash, const void *data, size_t size);
/* Once, at the end. */
int hash_finish(Hash *hash, Digest *ret);

int hash_bytes(const void *data, size_t size, Digest *ret);
/* What is read from a file or a pipe until its end. */
int hash_stream(int fd, Digest *ret);
