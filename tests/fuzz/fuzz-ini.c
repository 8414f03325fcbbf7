/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unit file syntax: every assignment is one line's, whole, and from where it says. */
#include "fuzz.h"

#include "base/ini.h"

#include <errno.h>

typedef struct Seen {
    unsigned line, lines;
} Seen;

static int check(const char *section, const char *key, const char *value, unsigned line, void *userdata, Error *error)
{
    Seen *seen = userdata;
    size_t length = strlen(value);

    FUZZ_ASSERT(line > seen->line && line <= seen->lines);
    FUZZ_ASSERT(*key && !strpbrk(key, "=\n") && !strchr(section, '\n') && !strchr(value, '\n'));
    FUZZ_ASSERT(!strchr(" \t\r", key[0]) && !strchr(" \t\r", key[strlen(key) - 1]));
    FUZZ_ASSERT(length == 0 || (!strchr(" \t\r", value[0]) && !strchr(" \t\r", value[length - 1])));
    seen->line = line;
    return strcmp(key, "Stop") == 0 ? error_set(error, -EDOM, "stopped") : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = fuzz_string(data, size);
    _cleanup_error_ Error error = {};
    Seen seen = {.lines = 1};
    int r;

    for (size_t i = 0; i < size; i++)
        seen.lines += text[i] == '\n';
    r = ini_parse(text, size, "fuzz", check, &seen, &error);
    FUZZ_ASSERT(r == 0 || r == -EINVAL || r == -EFBIG || r == -EDOM);
    FUZZ_ASSERT((r < 0) == (error.text != NULL));
    FUZZ_ASSERT(r == 0 || strncmp(error.text, "fuzz:", 5) == 0);
    return 0;
}
