/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a stream that is gzip, zstd or neither (told by its first bytes, never by a name) as plain bytes,
 *       with the SHA-256 of both sides and a guard against streams that grow beyond reason.
 * Never does: know what the plain bytes mean.
 * Runs in: the importer's confined children. */

#include "base/error.h"
#include "store/digest.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct InflateLimits {
    /* Plain bytes may be `slack_bytes` + `ratio` times the compressed bytes read so far; 0 and 0: no limit.
     */
    uint64_t slack_bytes, ratio;
    uint64_t input_max_bytes; /* more than these compressed ones are an error; 0: any number */
} InflateLimits;

typedef enum InflateFlags {
    INFLATE_PLAIN = 1 << 0, /* the bytes are plain, whatever they look like, and nobody asks for digests */
} InflateFlags;

typedef struct Inflater Inflater;

/* The fd is borrowed and read from its current position. */
int inflater_new(int fd, InflateFlags flags, InflateLimits limits, Inflater **ret);
/* Whatever is read from now on is written to `fd` (borrowed) as it is, too. */
void inflater_set_copy(Inflater *inflater, int fd);
void inflater_free(Inflater *inflater);
DEFINE_CLEANUP(Inflater *, inflater_free)
#define _cleanup_inflater_ _cleanup_(inflater_freep)

/* The next plain bytes, valid until the next call: their count, 0 at the end, -errno. -EBADMSG for damaged or
 * cut off data, -EFBIG for a stream that grows too much. An error stays. */
ssize_t inflater_read(Inflater *inflater, const void **ret, Error *error);

/* Reads what is left. Both digests and counts are complete after the end only. */
int inflater_drain(Inflater *inflater, Error *error);
uint64_t inflater_input_bytes(const Inflater *inflater);
uint64_t inflater_plain_bytes(const Inflater *inflater);
int inflater_digests(Inflater *inflater, Digest *ret_input, Digest *ret_plain);
const char *inflater_format_name(const Inflater *inflater);
