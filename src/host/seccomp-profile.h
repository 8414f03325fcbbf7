/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: which system calls a container may make, as a table, and what the table answers.
 * Never does: I/O; know BPF or libseccomp.
 * Runs in: fat programs; pure. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum SeccompProfile {
    SECCOMP_PROFILE_UNCONFINED, /* no filter */
    SECCOMP_PROFILE_DEFAULT,    /* one application */
    SECCOMP_PROFILE_SYSTEM,     /* an init that mounts, unshares and starts services */
    SECCOMP_PROFILE_NESTED,     /* the same, and container engines */
    SECCOMP_PROFILE_MAX,
    SECCOMP_PROFILE_INVALID = -22,
} SeccompProfile;

SeccompProfile seccomp_profile_from_string(const char *string);
const char *seccomp_profile_to_string(SeccompProfile profile);

/* When a row lets its calls through: any one of these capabilities is enough. No bit: never. All bits:
 * always. */
typedef uint64_t SeccompCondition;
#define SECCOMP_NEVER           UINT64_C(0)
#define SECCOMP_ALWAYS          UINT64_MAX
#define SECCOMP_CAP(capability) (UINT64_C(1) << (capability))

/* One case of an argument check; the first that matches decides. Only the low 32 bits of an argument are
 * looked at: that is what the kernel uses of these arguments, and the upper half is the caller's to choose.
 */
typedef struct SeccompCase {
    struct {
        uint8_t index; /* 0 to 5 */
        uint32_t mask, value;
    } match[2];
    uint8_t matches; /* how many of match[] count; 0 matches everything and ends the check */
    int refusal;     /* errno, or 0 to allow */
} SeccompCase;

typedef struct SeccompCheck {
    const char *name;
    const SeccompCase *cases;
} SeccompCheck;

/* Rows are read in order and a call may be in several: the first row that lets it through decides, with its
 * check. When none does, the first row that names the call says how it is refused. What is in no row is
 * refused with ENOSYS, so that programs take it for a kernel without that call and fall back. */
typedef struct SeccompRow {
    const char *names;                            /* of system calls, divided by single spaces */
    SeccompCondition application, system, nested; /* for the profiles */
    int refusal;                                  /* errno when the condition does not hold */
    const SeccompCheck *check;                    /* NULL: whatever the arguments are */
} SeccompRow;

/* Calls that are younger than the oldest libseccomp we support (2.5). All architectures share these numbers,
 * save those that only x86-64 has. */
typedef struct SeccompNumber {
    const char *name;
    uint32_t number;
    bool is_x86_64_only;
} SeccompNumber;

const SeccompRow *seccomp_profile_rows(size_t *ret_count);
const SeccompNumber *seccomp_profile_numbers(size_t *ret_count);

/* What becomes of one system call by name. */
typedef struct SeccompVerdict {
    int refusal;               /* errno; 0 when allowed or left to the check */
    const SeccompCheck *check; /* or NULL */
} SeccompVerdict;

bool seccomp_condition_holds(SeccompCondition condition, uint64_t capabilities);
SeccompVerdict seccomp_profile_decide(SeccompProfile profile, uint64_t capabilities, const char *name);
/* Errno or 0. */
int seccomp_check_decide(const SeccompCheck *check, const uint64_t arguments[6]);

/* The capabilities that make a difference in `profile`: requests that differ in others have the same program.
 */
uint64_t seccomp_profile_capabilities(SeccompProfile profile);

/* Two tables with the same fingerprint are the same table: for the name of a cache file. Not a cryptographic
 * hash, since all its input is compiled in. */
typedef struct SeccompHash {
    uint64_t words[2];
} SeccompHash;

#define SECCOMP_HASH_INIT                                                                                              \
    {                                                                                                                  \
        {                                                                                                              \
            UINT64_C(0xcbf29ce484222325), 0                                                                            \
        }                                                                                                              \
    }
void seccomp_hash_add(SeccompHash *hash, const void *data, size_t size);
void seccomp_profile_fingerprint(SeccompHash *hash);
