/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making the seccomp program of a container: from the cache, or compiled and put there.
 * Never does: load a program into a process; touch anything of a container.
 * Runs in: fat programs on the host side, before the executor starts. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct SeccompRequest {
    const char *profile;   /* "default", "system", "nested", "unconfined" or the path of a file; NULL is "default" */
    const char *made_name; /* of the filter that was made of a file (SeccompFilter.name): it and no other. Or NULL */
    uint64_t capabilities; /* bit N set: the container keeps capability N (capabilities(7)) in its bounding set */
    /* capability_parse(), which a file's conditions need. */
    int (*parse_capability)(const char *name, uint64_t *ret_mask, Error *error);
    bool is_native_only; /* refuse the processor's 32-bit system calls altogether */
} SeccompRequest;

/* `bytes` is an array of struct sock_filter for seccomp(SECCOMP_SET_MODE_FILTER), in memory of its own; both
 * fields are zero for "unconfined": load nothing. */
typedef struct SeccompFilter {
    void *bytes;
    size_t size_bytes;
    bool is_cached; /* came from the cache */
    char name[64];  /* in the cache, when it was made of a file; else "" */
} SeccompFilter;

void seccomp_filter_done(SeccompFilter *filter);
#define _cleanup_seccomp_filter_ _cleanup_(seccomp_filter_done)

/* The directory behind `cache_dir_fd` must be writable by root only (0700); -EBADF works without a cache. A
 * missing, damaged or foreign cache file is replaced, and a cache that cannot be written is no failure. Any
 * number of processes may do this at once. libseccomp is loaded on a cache miss only. -EINVAL an unknown
 * profile or what is wrong with a file (with its place as a JSON pointer), -EOPNOTSUPP without libseccomp, -ENOENT and others
 * of reading a file or of a made filter that is gone, -ENOMEM. */
int seccomp_prepare(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error);
