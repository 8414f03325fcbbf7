/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: Digest, the name of everything in the store: sha256 and 64 lower-case hex digits, nothing else.
 * Never does: I/O, hashing (importer/hash.h does).
 * Runs in: every program that touches images; pure. */

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_SIZE  64
#define DIGEST_TEXT_SIZE (sizeof("sha256:") - 1 + DIGEST_HEX_SIZE)

/* Only digest_parse*() and the hash of real bytes make one, so a Digest is always safe as a file name. An
 * empty `hex` is "no digest". */
typedef struct Digest {
    char hex[DIGEST_HEX_SIZE + 1];
} Digest;

/* "sha256:HEX", whole string. -EINVAL malformed, -EPROTONOSUPPORT for another well-formed algorithm. */
int digest_parse(const char *text, Digest *ret);
/* HEX alone. -EINVAL. */
int digest_parse_hex(const char *hex, Digest *ret);
/* From the 32 bytes of a SHA-256. */
Digest digest_from_bytes(const unsigned char bytes[32]);
/* "sha256:HEX" into the caller's buffer. */
typedef struct DigestText {
    char text[DIGEST_TEXT_SIZE + 1];
} DigestText;
DigestText digest_format(const Digest *digest);

bool digest_equal(const Digest *a, const Digest *b);
static inline bool digest_is_set(const Digest *digest)
{
    return digest->hex[0] != 0;
}
