/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/line.h"

#include <stdio.h>
#include <string.h>

void line_put(Line *text, const char *data, size_t size)
{
    if (size > text->room - text->size) {
        text->is_short = true;
        return;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

void line_put_string(Line *text, const char *string)
{
    line_put(text, string, strlen(string));
}

void line_put_number(Line *text, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long) number);
    line_put_string(text, digits);
}

/* How many of the bytes at `c` are one character of UTF-8 (RFC 3629) that is no control character; 0: none. */
static size_t character_size(const unsigned char *c)
{
    uint32_t value;
    size_t size;

    if (c[0] < 0x80)
        return c[0] >= 0x20 && c[0] != 0x7f;
    size = c[0] >= 0xc2 && c[0] <= 0xdf ? 2 : (c[0] & 0xf0) == 0xe0 ? 3 : c[0] >= 0xf0 && c[0] <= 0xf4 ? 4 : 0;
    value = c[0] & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (c[i] & 0x3f);
    }
    if (size == 3 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff)))
        return 0;
    if ((size == 4 && (value < 0x10000 || value > 0x10ffff)) || (size == 2 && value < 0xa0))
        return 0;
    return size;
}

/* A value that may come from a container or an image: what is no text becomes \xNN, as text_escape() has it; with
 * `json` quotes and backslashes are escaped for that. */
void line_put_value(Line *text, const char *string, bool json)
{
    for (const unsigned char *c = (const unsigned char *) string; *c;) {
        size_t size = character_size(c);
        char escape[8];

        if (json && (*c == '"' || *c == '\\'))
            line_put_string(text, "\\");
        if (size == 0) {
            snprintf(escape, sizeof(escape), "%s\\x%02x", json ? "\\" : "", *c);
            line_put_string(text, escape);
            size = 1;
        } else
            line_put(text, (const char *) c, size);
        c += size;
    }
}
