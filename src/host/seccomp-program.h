/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making a BPF program of the table of seccomp-profile.h: libseccomp says which number a call has on
 *       each architecture, a search tree over the numbers is the program.
 * Never does: I/O, but for loading libseccomp.
 * Runs in: fat programs, on a cache miss. */

#include "base/buffer.h"
#include "base/error.h"
#include "host/seccomp-profile.h"

/* Raise it with every change of this file that changes programs: it keeps older cache files from being used.
 * The unit test remembers what the programs of a generation look like. */
#define SECCOMP_PROGRAM_GENERATION 1

/* Appends struct sock_filter[] to `program`. The processor's 32-bit calls are filtered in the same way, or
 * refused when `is_native_only`; x32 and all else that is foreign is refused with ENOSYS.
 *
 * Why not libseccomp's own generator (2.5.4): it cannot say "else refuse with this errno" for arguments; on
 * i386 it turns each rule about socket() into one about socketcall() too, where no family can be checked, or
 * refuses it; it knows no call younger than itself; and what it generates loads more slowly
 * (tests/unit/host/test-seccomp-program.c compares). */
int seccomp_program_compile(SeccompProfile profile, uint64_t capabilities, bool is_native_only, Buffer *program,
                            Error *error);
