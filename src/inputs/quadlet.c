/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/quadlet.h"

#include "inputs/definition.h"

#include "base/buffer.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/unit-lines.h"
#include "spec/spec.h"

#include <errno.h>
#include <string.h>

/* One file on its way. */
typedef struct Converter {
    const char *source, *directory;
    const char *group; /* of a Group= that goes into User= */
    bool has_user;
    char *section;
    Buffer text;
    char **notes;
} Converter;

static void converter_done(Converter *converter)
{
    free(converter->section);
    buffer_done(&converter->text);
    strv_free(converter->notes);
}

static void note(Converter *converter, unsigned line, const char *key, const char *why)
{
    (void) strv_append_format(&converter->notes, "%s:%u: %s=: %s", converter->source, line, key, why);
}

/* Every physical line of an assignment as a comment. */
static void comment_out(Converter *converter, const char *lines, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(lines, '\n', size);
        size_t length = newline ? (size_t) (newline - lines) + 1 : size;

        buffer_append_string(&converter->text, "# ");
        buffer_append(&converter->text, lines, length);
        lines += length;
        size -= length;
    }
}

/* A host path that begins where the file is: "./data:/data". */
static bool is_relative(const char *value)
{
    return value[0] == '.' && (value[1] == '/' || (value[1] == '.' && value[2] == '/'));
}

/* One assignment, from its first physical line to the end of its last. */
static void convert_assignment(Converter *converter, const UnitLine *line, unsigned number, const char *lines,
                               size_t size)
{
    const Setting *setting = setting_find_key("Container", line->key);
    const QuadletKey *other = quadlet_find_key(line->key);
    bool is_container = strcmp(converter->section, "Container") == 0;
    Buffer *text = &converter->text;

    if (definition_is_unit_section(converter->section)) {
        buffer_append(text, lines, size);
        return;
    }
    if (is_container && converter->group && strcmp(line->key, "Group") == 0) {
        if (!converter->has_user)
            buffer_append_format(text, "User=0:%s\n", converter->group);
        return;
    }
    if (is_container && converter->group && strcmp(line->key, "User") == 0 && !strchr(line->value, ':')) {
        buffer_append_format(text, "User=%s:%s\n", line->value[0] ? line->value : "0", converter->group);
        return;
    }
    if (is_container && strcmp(line->key, "Entrypoint") == 0 && line->value[0] == '[') {
        note(converter, number, line->key, "an array: write the words with blanks between them");
        comment_out(converter, lines, size);
        return;
    }
    if (is_container && setting && strcmp(line->key, "Volume") == 0 && is_relative(line->value)) {
        buffer_append_format(text, "Volume=%s/%s\n", converter->directory, line->value);
        return;
    }
    if (is_container && setting) {
        if (strcmp(setting->key, line->key) == 0)
            buffer_append(text, lines, size);
        else
            buffer_append_format(text, "%s=%s\n", setting->key, line->value);
        return;
    }
    if ((strcmp(converter->section, "Image") == 0 && strcmp(line->key, "Image") == 0) ||
        (strcmp(converter->section, "Volume") == 0 && strcmp(line->key, "VolumeName") == 0)) {
        buffer_append(text, lines, size);
        return;
    }
    if (!other || !quadlet_is_same(other, line->value))
        note(converter, number, line->key, other ? other->why : "unknown");
    comment_out(converter, lines, size);
}

/* Of sections that a definition does not have (quadlet's own) the head becomes a comment like what is in them. */
static int convert_header(Converter *converter, const char *first, const char *lines, size_t size)
{
    static const char *const known[] = {"Unit", "Service", "Install", "Container", "Image", "Volume"};
    size_t length = size - (size_t) (first - lines);
    bool is_known = false;

    while (length > 1 && strchr(" \t\r\n", first[length - 1]))
        length--;
    free(converter->section);
    converter->section = strndup(first + 1, length > 1 ? length - 2 : 0);
    if (!converter->section)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        is_known = is_known || strcmp(converter->section, known[i]) == 0;
    if (is_known)
        buffer_append(&converter->text, lines, size);
    else
        comment_out(converter, lines, size);
    return 0;
}

/* One logical line: all physical ones that a backslash joins. */
static int convert_lines(Converter *converter, unsigned number, const char *lines, size_t size, Error *error)
{
    _cleanup_unit_lines_ UnitLines parsed = {};
    _cleanup_free_ char *copy = NULL;
    const char *first = lines + strspn(lines, " \t\r");
    size_t rest = size - (size_t) (first - lines);
    int r;

    if (first[0] == '\n' || first[0] == '#' || first[0] == ';' || rest == 0) {
        buffer_append(&converter->text, lines, size);
        return 0;
    }
    if (first[0] == '[')
        return convert_header(converter, first, lines, size);
    copy = strndup(lines, size);
    r = copy ? unit_lines_parse(copy, size, converter->source, &parsed, NULL) : -ENOMEM;
    if (r < 0 || parsed.count != 1)
        return r == -ENOMEM ? r
                            : error_set(error, -EINVAL, "%s:%u: neither KEY=VALUE nor a [Section] header",
                                        converter->source, number);
    convert_assignment(converter, &parsed.items[0], number, lines, size);
    return 0;
}

/* Whether the logical line goes on behind this physical one. */
static bool continues(const char *line, size_t length, bool is_first)
{
    size_t blank = strspn(line, " \t");

    if (blank < length && strchr("#;", line[blank]))
        return !is_first; /* a comment between continued lines does not end them */
    return length > 0 && line[length - 1] == '\\';
}

static int convert_all(Converter *converter, const char *text, size_t size, Error *error)
{
    const char *end = text + size;
    unsigned number = 1, first_number = 1;
    int r = 0;

    for (const char *start = text, *cursor = text; cursor < end && r == 0;) {
        const char *newline = memchr(cursor, '\n', (size_t) (end - cursor));
        size_t length = (size_t) ((newline ? newline : end) - cursor);
        bool goes_on = newline && continues(cursor, length, start == cursor);

        cursor = newline ? newline + 1 : end;
        number++;
        if (goes_on && cursor < end)
            continue;
        r = convert_lines(converter, first_number, start, (size_t) (cursor - start), error);
        start = cursor;
        first_number = number;
    }
    return r;
}

int quadlet_convert(const char *text, size_t size, const char *source, const char *directory, char **ret_text,
                    char ***ret_notes, Error *error)
{
    _cleanup_(converter_done) Converter converter = {.source = source, .directory = directory, .section = strdup("")};
    _cleanup_unit_lines_ UnitLines lines = {};
    const UnitLine *group;
    int r = converter.section ? unit_lines_parse(text, size, source, &lines, error) : -ENOMEM;

    if (r < 0)
        return r;
    group = unit_lines_find(&lines, "Container", "Group");
    converter.group = group ? group->value : NULL;
    converter.has_user = unit_lines_find(&lines, "Container", "User");
    buffer_append_format(&converter.text, "# Converted by berthctl import-quadlet from %s\n", source);
    r = convert_all(&converter, text, size, error);
    if (r < 0)
        return r;
    *ret_text = buffer_take(&converter.text);
    if (!*ret_text)
        return -ENOMEM;
    *ret_notes = TAKE_PTR(converter.notes);
    return 0;
}
