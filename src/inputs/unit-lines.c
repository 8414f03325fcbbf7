/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/unit-lines.h"

#include "base/ini.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

typedef struct Reader {
    UnitLines *lines;
    const char *source;
} Reader;

static void line_done(UnitLine *line)
{
    free(line->section);
    free(line->key);
    free(line->value);
    free(line->origin);
}

void unit_lines_done(UnitLines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        line_done(&lines->items[i]);
    free(lines->items);
    *lines = (UnitLines){};
}

int unit_lines_add(UnitLines *lines, const char *section, const char *key, const char *value, const char *origin)
{
    UnitLine line = {strdup(section), strdup(key), strdup(value), strdup(origin)};
    UnitLine *larger = reallocarray(lines->items, lines->count + 1, sizeof(UnitLine));

    if (larger)
        lines->items = larger;
    if (!larger || !line.section || !line.key || !line.value || !line.origin) {
        line_done(&line);
        return -ENOMEM;
    }
    lines->items[lines->count++] = line;
    return 0;
}

static int on_assignment(const char *section, const char *key, const char *value, unsigned line, void *userdata,
                         Error *error)
{
    Reader *reader = userdata;
    _cleanup_free_ char *origin = text_format("%s:%u", reader->source, line);

    (void) error;
    return origin ? unit_lines_add(reader->lines, section, key, value, origin) : -ENOMEM;
}

int unit_lines_parse(const char *text, size_t size, const char *source, UnitLines *lines, Error *error)
{
    Reader reader = {lines, source};

    return ini_parse(text, size, source, on_assignment, &reader, error);
}

const UnitLine *unit_lines_find(const UnitLines *lines, const char *section, const char *key)
{
    for (size_t i = lines->count; i > 0; i--) {
        const UnitLine *line = &lines->items[i - 1];

        if (strcmp(line->section, section) == 0 && strcmp(line->key, key) == 0)
            return line->value[0] ? line : NULL;
    }
    return NULL;
}
