/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a fuzz target shows to whoever drives it: libFuzzer, or replay.c.
 * Never does: anything in a product program.
 * Runs in: the fuzz programs. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: inputs that are made rather than kept in the corpus, because their form changes with the code. The bytes
 * belong to the caller; NULL ends. */
void *fuzz_seed(size_t number, size_t *ret_size) __attribute__((weak));

#define FUZZ_ASSERT(condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            __builtin_trap();                                                                                          \
    } while (0)

/* The input as a string in a block of its own. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    return text;
}
