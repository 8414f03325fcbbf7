/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: one line on a terminal that tells how far all transfers are.
 * Never does: print anything that a server said.
 * Runs in: the puller. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    bool is_on, is_shown;
    uint64_t done_bytes, total_bytes; /* of blobs that were asked for */
    uint64_t shown_usec;
} Progress;

/* Not more often than a person can read. */
void progress_show(Progress *progress, uint64_t done_bytes, uint64_t now_usec);
void progress_clear(Progress *progress);
