/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ini.h"

#include "base/buffer.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES (1024U * 1024U)

static char *strip(char *string)
{
    size_t length;

    string += strspn(string, " \t\r");
    length = strlen(string);
    while (length > 0 && strchr(" \t\r", string[length - 1]))
        string[--length] = 0;
    return string;
}

/* One logical line: a section header or an assignment. */
static int parse_line(char *line, char **section, unsigned number, IniAssignment assignment, void *userdata,
                      Error *error)
{
    char *stripped = strip(line), *equals, *value;
    size_t length = strlen(stripped);

    if (length == 0)
        return 0;
    if (stripped[0] == '[') {
        if (stripped[length - 1] != ']' || length == 2)
            return error_set(error, -EINVAL, "'%s' is not a section header", stripped);
        stripped[length - 1] = 0;
        free(*section);
        *section = strdup(stripped + 1);
        return *section ? 0 : -ENOMEM;
    }
    equals = strchr(stripped, '=');
    if (!equals || equals == stripped)
        return error_set(error, -EINVAL, "'%s' is neither KEY=VALUE nor a [Section] header", stripped);
    *equals = 0;
    value = strip(equals + 1);
    return assignment(*section ? *section : "", strip(stripped), value, number, userdata, error);
}

int ini_parse(const char *text, size_t size, const char *source, IniAssignment assignment, void *userdata, Error *error)
{
    _cleanup_free_ char *section = NULL;
    _cleanup_buffer_ Buffer logical = {};
    unsigned line = 0, first_line = 0;
    int r;

    if (memchr(text, 0, size))
        return error_set(error, -EINVAL, "%s: holds a NUL byte, this is not a text file", source);

    for (const char *cursor = text, *end = text + size; cursor < end;) {
        const char *newline = memchr(cursor, '\n', (size_t) (end - cursor));
        size_t length = (size_t) ((newline ? newline : end) - cursor);
        size_t blank = strspn(cursor, " \t");
        bool comment = blank < length && strchr("#;", cursor[blank]), continues;

        line++;
        if (logical.size == 0)
            first_line = line;
        if (length + logical.size > LINE_MAX_BYTES)
            return error_set(error, -EFBIG, "%s:%u: the line is longer than 1 MiB", source, line);
        continues = !comment && length > 0 && cursor[length - 1] == '\\';
        /* A comment line between continued lines is skipped without ending the value, as systemd does. */
        if (!comment) {
            buffer_append(&logical, cursor, continues ? length - 1 : length);
            if (continues)
                buffer_append(&logical, " ", 1);
        }
        cursor = newline ? newline + 1 : end;
        if (logical.failed)
            return -ENOMEM;
        if (logical.size == 0 || ((continues || comment) && cursor < end))
            continue;

        r = parse_line(logical.data, &section, first_line, assignment, userdata, error);
        if (r < 0)
            return error_prefix(error, r, "%s:%u", source, first_line);
        logical.size = 0;
    }
    return 0;
}
