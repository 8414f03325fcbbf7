/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: records appended to a file that several processes write, and that has a largest size.
 * Never does: wait for longer than another one's append takes; sync.
 * Runs in: every process that has a heap, in the host's mount namespace. */

#include <stddef.h>
#include <stdint.h>

/* Appends `data` whole to `name` (one component, made 0600). A file that would get larger than `max_bytes` becomes NAME:1,
 * in place of the one before, and a new one is begun. -EMSGSIZE when the data alone is larger. */
int append_record_at(int dir_fd, const char *name, const void *data, size_t size, uint64_t max_bytes);
