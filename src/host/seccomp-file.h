/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making a BPF program of a profile in Docker's JSON, by libseccomp.
 * Never does: read the file, or keep the program (seccomp.c does).
 * Runs in: fat programs, on a cache miss. */

#include "base/buffer.h"
#include "host/seccomp-json.h"

/* Raise it when the programs change that this makes of the same text. */
#define SECCOMP_FILE_GENERATION 1

/* Appends struct sock_filter[]. Calls of an architecture that the profile does not name are refused with ENOSYS. A system
 * call that this libseccomp does not know is left out, unless that would let it through: -EINVAL. -EOPNOTSUPP without
 * libseccomp, -E2BIG when the kernel would not take the program. */
int seccomp_file_compile(const SeccompJson *json, Buffer *program, Error *error);
