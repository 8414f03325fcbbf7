/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what of labels is text and numbers only.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include <stdint.h>

/* mcs(8): categories c0 to c1023; a container has two. */
#define CATEGORIES_COUNT 1024U
#define PAIRS_COUNT      (CATEGORIES_COUNT * (CATEGORIES_COUNT - 1) / 2)

/* The value of `key` in a contexts file (KEY = "VALUE" lines, '#' comments), or NULL. Caller owns it. */
char *label_contexts_find(const char *text, const char *key);

/* Every number below PAIRS_COUNT is another pair, first < second. */
void label_pair(uint32_t number, unsigned *ret_first, unsigned *ret_second);
uint32_t label_first_pair(const char *name);

/* What a lock of categories is called. */
#define LABEL_LOCK_PREFIX ".mcs."

/* The sensitivity of a range: "s0" of "s0-s0:c0.c1023". Caller owns it. */
char *label_sensitivity(const char *range);
