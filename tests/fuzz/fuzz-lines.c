/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A payload's output: the first byte says into which pieces the others are cut. Whatever they are, the lines are the
 * same, and every byte but newlines and prefixes comes out once. */
#include "fuzz.h"

#include "executor/lines.h"

#include <stdint.h>

typedef struct Seen {
    uint64_t hash;
    size_t bytes, lines, prefixes;
} Seen;

static void see(const Line *line, void *userdata)
{
    Seen *seen = userdata;

    FUZZ_ASSERT(line->size <= LINES_MAX_BYTES && line->priority >= -1 && line->priority <= 7);
    FUZZ_ASSERT(!memchr(line->text, '\n', line->size));
    for (size_t i = 0; i < line->size; i++)
        seen->hash = (seen->hash ^ (unsigned char) line->text[i]) * UINT64_C(1099511628211);
    seen->hash = (seen->hash ^ (uint64_t) (line->priority + 2)) * UINT64_C(1099511628211);
    seen->bytes += line->size;
    seen->lines++;
    seen->prefixes += line->priority >= 0;
}

static Seen cut(const char *data, size_t size, size_t piece)
{
    LineCutter cutter = {0};
    Seen seen = {0};

    for (size_t at = 0; at < size; at += piece)
        lines_write(&cutter, data + at, size - at < piece ? size - at : piece, see, &seen);
    lines_flush(&cutter, see, &seen);
    lines_flush(&cutter, see, &seen);
    lines_done(&cutter);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data + 1;
    size_t newlines = 0;
    Seen whole, pieces;

    if (size < 1)
        return 0;
    whole = cut(text, size - 1, size);
    pieces = cut(text, size - 1, (size_t) data[0] + 1);
    for (size_t i = 0; i < size - 1; i++)
        newlines += text[i] == '\n';
    FUZZ_ASSERT(whole.hash == pieces.hash && whole.lines == pieces.lines);
    FUZZ_ASSERT(whole.bytes + newlines + 3 * whole.prefixes == size - 1);
    FUZZ_ASSERT(whole.lines == newlines + (size > 1 && text[size - 2] != '\n'));
    return 0;
}
