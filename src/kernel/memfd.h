/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: sealed memory files: bytes handed to another process that neither side can change any more.
 * Never does: interpret the bytes.
 * Runs in: any process. */

#include <stddef.h>

/* A memfd with the bytes, sealed against writing, growing, shrinking and more seals (memfd_create(2)). fd or -errno.
 * The offset is 0. */
int memfd_create_sealed(const char *name, const void *data, size_t size);

/* Maps a sealed memfd read-only. -EPERM when a seal is missing: its sender could still change it. The mapping lives
 * until the process ends or munmap(2). */
int memfd_map_sealed(int fd, const void **ret_data, size_t *ret_size);
