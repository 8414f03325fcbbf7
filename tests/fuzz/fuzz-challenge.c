/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WWW-Authenticate lines: whatever is taken holds no more than was there, and the same again from the same bytes. */
#include "pull/challenge.h"

#include <stdint.h>
#include <string.h>

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *) data, size);
    _cleanup_challenges_ Challenges first = {}, second = {};
    size_t sum = 0;
    int r;

    if (!text)
        return 0;
    r = challenges_add(&first, text);
    if (challenges_add(&second, text) != r || second.count != first.count || first.count > CHALLENGES_MAX)
        __builtin_trap();
    for (size_t i = 0; i < first.count; i++)
        sum += length_of(first.items[i].realm) + length_of(first.items[i].service) + length_of(first.items[i].scope) +
               length_of(first.items[i].problem);
    if (sum > strlen(text))
        __builtin_trap();
    /* Several lines add up. */
    (void) challenges_add(&first, text);
    return 0;
}
