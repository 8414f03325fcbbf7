/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/label-internal.h"

#include "base/cleanup.h"
#include "host/label.h"

#include <string.h>
#include <unistd.h>

char *label_contexts_find(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; line && *line;) {
        const char *end = line + strcspn(line, "\n"), *c = line + strspn(line, " \t");

        if ((size_t) (end - c) > length && strncmp(c, key, length) == 0) {
            c += length;
            c += strspn(c, " \t");
            if (*c == '=') {
                const char *value = c + 1 + strspn(c + 1, " \t\"");
                size_t size = strcspn(value, " \t\"\r\n#");

                return value + size <= end && size > 0 ? strndup(value, size) : NULL;
            }
        }
        line = *end ? end + 1 : end;
    }
    return NULL;
}

void label_pair(uint32_t number, unsigned *ret_first, unsigned *ret_second)
{
    unsigned first = 0, row = CATEGORIES_COUNT - 1;

    /* Row `first` holds the pairs with each higher one. */
    while (number >= row) {
        number -= row;
        row--;
        first++;
    }
    *ret_first = first;
    *ret_second = first + 1 + number;
}

uint32_t label_first_pair(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char) *c) * UINT64_C(0x100000001b3);
    return (uint32_t) (hash % PAIRS_COUNT);
}

char *label_sensitivity(const char *range)
{
    return strndup(range, strcspn(range, "-:"));
}

bool label_lock_owner(const char *lock, int fd, char *owner, size_t size)
{
    ssize_t n;

    if (strncmp(lock, LABEL_LOCK_PREFIX, strlen(LABEL_LOCK_PREFIX)) != 0)
        return false;
    n = pread(fd, owner, size - 1, 0);
    owner[n > 0 ? n : 0] = 0;
    return true;
}
