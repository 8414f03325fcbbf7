/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making the seccomp program of a container: from the cache, or compiled and put there.
 * Never does: load a program into a process; touch anything of a container.
 * Runs in: fat programs on the host side, before the executor starts. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct SeccompRequest {
    const char *profile;   /* "default", "system", "nested" or "unconfined"; NULL is "default" */
    uint64_t capabilities; /* bit N set: the container keeps capability N (capabilities(7)) in its bounding set */
    bool is_native_only;   /* refuse the processor's 32-bit system calls altogether */
} SeccompRequest;

/* `bytes` is an array of struct sock_filter for seccomp(SECCOMP_SET_MODE_FILTER), in memory of its own; both
 * fields are zero for "unconfined": load nothing. */
typedef struct SeccompFilter {
    void *bytes;
    size_t size_bytes;
    bool is_cached; /* came from the cache */
} SeccompFilter;

void seccomp_filter_done(SeccompFilter *filter);
#define _cleanup_seccomp_filter_ _cleanup_(seccomp_filter_done)

/* The directory behind `cache_dir_fd` must be writable by root only (0700); -EBADF works without a cache. A
 * missing, damaged or foreign cache file is replaced, and a cache that cannot be written is no failure. Any
 * number of processes may do this at once. libseccomp is loaded on a cache miss only. -EINVAL an unknown
 * profile, -EOPNOTSUPP without libseccomp or for a profile file (a name with a slash: those are to come),
 * -ENOMEM. */
int seccomp_prepare(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error);
