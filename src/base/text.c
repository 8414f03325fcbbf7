/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include "base/strv.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *text_after_prefix(const char *string, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(string, prefix, length) == 0 ? string + length : NULL;
}

bool text_has_suffix(const char *string, const char *suffix)
{
    size_t length = strlen(string), suffix_length = strlen(suffix);

    return length >= suffix_length && strcmp(string + length - suffix_length, suffix) == 0;
}

char *text_format(const char *format, ...)
{
    char *string = NULL;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vasprintf(&string, format, arguments);
    va_end(arguments);
    return n < 0 ? NULL : string;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Length of the well-formed UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *s, size_t size, uint32_t *ret)
{
    uint32_t point = 0, least = 0;
    size_t length = 0;

    if (size == 0)
        return 0;
    if (s[0] < 0x80) {
        *ret = s[0];
        return 1;
    }
    if ((s[0] & 0xe0) == 0xc0) {
        length = 2;
        point = s[0] & 0x1f;
        least = 0x80;
    } else if ((s[0] & 0xf0) == 0xe0) {
        length = 3;
        point = s[0] & 0x0f;
        least = 0x800;
    } else if ((s[0] & 0xf8) == 0xf0) {
        length = 4;
        point = s[0] & 0x07;
        least = 0x10000;
    } else
        return 0;
    if (length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        point = (point << 6) | (s[i] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret = point;
    return length;
}

bool text_is_utf8(const char *string, size_t size)
{
    uint32_t point;

    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence((const unsigned char *) string + i, size - i, &point);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

/* Controls, and what can reorder or hide text on a terminal: bidirectional marks, line separators, BOM, tags. */
static bool is_unsafe(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xad || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

char *text_escape(const char *string, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *escaped, *end;

    if (size == SIZE_MAX)
        size = strlen(string);
    if (size > SIZE_MAX / 4 - 1)
        return NULL;
    escaped = end = malloc(size * 4 + 1);
    if (!escaped)
        return NULL;

    for (size_t i = 0; i < size;) {
        uint32_t point = 0;
        size_t length = utf8_sequence((const unsigned char *) string + i, size - i, &point);

        if (length > 0 && !is_unsafe(point)) {
            if (point == '\\')
                *end++ = '\\';
            end = mempcpy(end, string + i, length);
            i += length;
            continue;
        }
        for (length = MAX(length, 1U); length > 0; length--, i++) {
            unsigned char byte = (unsigned char) string[i];

            *end++ = '\\';
            *end++ = 'x';
            *end++ = digits[byte >> 4];
            *end++ = digits[byte & 15];
        }
    }
    *end = 0;
    return escaped;
}

int text_parse_u64(const char *string, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (text_is_empty(string))
        return -EINVAL;
    for (const char *c = string; *c; c++) {
        if (!is_digit(*c))
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, (uint64_t) (*c - '0'), &value))
            value = UINT64_MAX, max = MIN(max, UINT64_MAX - 1);
        if (value > max) {
            /* Malformed wins over too large, so the message is the right one. */
            for (c++; *c; c++)
                if (!is_digit(*c))
                    return -EINVAL;
            return -ERANGE;
        }
    }
    *ret = value;
    return 0;
}

int text_parse_i64(const char *string, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = string && string[0] == '-';
    uint64_t magnitude = 0;
    int64_t value;
    int r;

    r = text_parse_u64(string + (negative ? 1 : 0), INT64_MAX, &magnitude);
    if (r < 0)
        return r;
    value = negative ? -(int64_t) magnitude : (int64_t) magnitude;
    if (value < min || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

int text_parse_bool(const char *string, bool *ret)
{
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
    static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

    if (!string)
        return -EINVAL;
    for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
        if (strcasecmp(string, yes[i]) == 0) {
            *ret = true;
            return 0;
        }
        if (strcasecmp(string, no[i]) == 0) {
            *ret = false;
            return 0;
        }
    }
    return -EINVAL;
}

/* A decimal number with an optional fraction, scaled by `unit`, added to *total. */
static int parse_scaled(const char **cursor, uint64_t unit, size_t digits, uint64_t *total)
{
    uint64_t whole = 0, part = 0, divisor = 1;
    const char *c = *cursor, *end = *cursor + digits;

    for (; c < end && *c != '.'; c++)
        if (__builtin_mul_overflow(whole, 10U, &whole) || __builtin_add_overflow(whole, (uint64_t) (*c - '0'), &whole))
            return -ERANGE;
    if (c < end)
        for (c++; c < end; c++)
            if (divisor < 1000000) {
                part = part * 10 + (uint64_t) (*c - '0');
                divisor *= 10;
            }
    if (__builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(*total, whole, total) ||
        __builtin_add_overflow(*total, (uint64_t) ((__uint128_t) part * unit / divisor), total) || *total == UINT64_MAX)
        return -ERANGE;
    *cursor = end;
    return 0;
}

/* Digits with at most one inner point at the start of `string`; 0 when malformed. */
static size_t number_span(const char *string, bool *ret_fraction)
{
    size_t n = 0;

    *ret_fraction = false;
    while (is_digit(string[n]) || (string[n] == '.' && n > 0 && !*ret_fraction && is_digit(string[n + 1]))) {
        if (string[n] == '.')
            *ret_fraction = true;
        n++;
    }
    return n;
}

int text_parse_size_bytes(const char *string, uint64_t *ret)
{
    static const char suffixes[] = "KMGTPE";
    uint64_t unit = 1, total = 0;
    const char *c = string, *found = NULL;
    bool fraction = false;
    size_t digits;
    int r;

    if (text_is_empty(string))
        return -EINVAL;
    if (strcmp(string, "infinity") == 0 || strcmp(string, "max") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }

    digits = number_span(string, &fraction);
    if (digits == 0)
        return -EINVAL;
    c += digits;
    if (*c) {
        found = strchr(suffixes, *c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        if (found) {
            unit = UINT64_C(1) << (10 * (unsigned) (found - suffixes + 1));
            c++;
            if (c[0] == 'i' && c[1] == 'B')
                c++;
        }
        if (*c == 'B' || (*c == 'b' && !found))
            c++;
    }
    if (*c || (fraction && unit == 1))
        return -EINVAL;

    c = string;
    r = parse_scaled(&c, unit, digits, &total);
    if (r < 0)
        return r;
    *ret = total;
    return 0;
}

static const struct {
    const char *name;
    uint64_t usec;
} time_units[] = {
    /* Longest names first within one first letter: the scan takes the first that fits. */
    {"seconds", 1000000},
    {"second", 1000000},
    {"sec", 1000000},
    {"s", 1000000},
    {"minutes", 60000000},
    {"minute", 60000000},
    {"min", 60000000},
    {"msec", 1000},
    {"ms", 1000},
    {"m", 60000000},
    {"hours", 3600000000},
    {"hour", 3600000000},
    {"hr", 3600000000},
    {"h", 3600000000},
    {"days", 86400000000},
    {"day", 86400000000},
    {"d", 86400000000},
    {"weeks", 604800000000},
    {"week", 604800000000},
    {"w", 604800000000},
    {"usec", 1},
    {"us", 1},
    {"\xce\xbcs", 1},
};

int text_parse_timespan_usec(const char *string, uint64_t *ret)
{
    uint64_t total = 0;
    bool something = false;
    const char *c = string;

    if (!string)
        return -EINVAL;
    if (strcmp(string, "infinity") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }

    for (;;) {
        uint64_t unit = 1000000;
        bool fraction = false;
        const char *number;
        size_t digits;
        int r;

        while (is_space(*c))
            c++;
        if (!*c)
            break;
        number = c;
        digits = number_span(c, &fraction);
        if (digits == 0)
            return -EINVAL;
        c += digits;
        while (is_space(*c))
            c++;
        if (is_alpha(*c) || (unsigned char) *c == 0xce) {
            size_t i = 0;

            while (i < ELEMENTSOF(time_units) && !text_after_prefix(c, time_units[i].name))
                i++;
            if (i == ELEMENTSOF(time_units))
                return -EINVAL;
            unit = time_units[i].usec;
            c += strlen(time_units[i].name);
            if (is_alpha(*c))
                return -EINVAL;
        }
        r = parse_scaled(&number, unit, digits, &total);
        if (r < 0)
            return r;
        something = true;
    }
    if (!something)
        return -EINVAL;
    *ret = total;
    return 0;
}

char *text_format_timespan(uint64_t usec)
{
    static const struct {
        const char *name;
        uint64_t usec;
    } units[] = {{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};
    _cleanup_strv_ char **parts = NULL;

    if (usec == UINT64_MAX)
        return strdup("infinity");
    if (usec == 0)
        return strdup("0");
    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        if (usec < units[i].usec)
            continue;
        if (strv_append_format(&parts, "%" PRIu64 "%s", usec / units[i].usec, units[i].name) < 0)
            return NULL;
        usec %= units[i].usec;
    }
    return strv_join(parts, " ");
}

char *text_format_size(uint64_t size_bytes)
{
    static const char suffixes[] = "BKMGTPE";
    unsigned i = 0;
    uint64_t scaled = size_bytes, rest = 0;

    if (size_bytes == UINT64_MAX)
        return strdup("infinity");
    while (scaled >= 1024) {
        rest = scaled % 1024;
        scaled /= 1024;
        i++;
    }
    if (i == 0)
        return text_format("%" PRIu64 "B", size_bytes);
    return text_format("%" PRIu64 ".%" PRIu64 "%c", scaled, rest * 10 / 1024, suffixes[i]);
}

bool text_is_name(const char *string)
{
    size_t n = 0;

    if (text_is_empty(string) || string[0] == '.' || string[0] == '-')
        return false;
    for (; string[n]; n++)
        if (n >= TEXT_NAME_MAX || (!is_alpha(string[n]) && !is_digit(string[n]) && !strchr("_+.-", string[n])))
            return false;
    return true;
}

bool text_is_hostname(const char *string)
{
    bool inner = false;
    size_t n = 0;

    if (text_is_empty(string))
        return false;
    for (; string[n]; n++) {
        char c = string[n];

        if (n >= TEXT_NAME_MAX)
            return false;
        if (is_alpha(c) || is_digit(c) || c == '_')
            inner = true;
        else if (c == '-' || c == '.') {
            if (!inner || (c == '.' && string[n - 1] == '-'))
                return false;
            inner = c == '-';
        } else
            return false;
    }
    return inner && string[n - 1] != '-' && string[n - 1] != '.';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads what follows a backslash at *c, leaves *c on the last character read. */
static int unescape(const char **c, char *ret)
{
    static const char from[] = "abfnrtvse0", to[] = "\a\b\f\n\r\t\v \033\0";
    const char *found;

    (*c)++;
    if (!**c)
        return -EINVAL;
    if (**c == 'x') {
        int high = hex_digit((*c)[1]), low = high < 0 ? -1 : hex_digit((*c)[2]);

        if (low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        *ret = (char) (high << 4 | low);
        *c += 2;
        return 0;
    }
    if (**c == '0')
        return -EINVAL;
    found = strchr(from, **c);
    *ret = found ? to[found - from] : **c;
    return 0;
}

int text_split_words(const char *string, char ***ret)
{
    _cleanup_strv_ char **words = NULL;
    _cleanup_free_ char *word = malloc(strlen(string) + 1);
    size_t length = 0;
    bool in_word = false;
    char quote = 0;
    int r;

    if (!word)
        return -ENOMEM;
    for (const char *c = string;; c++) {
        if (*c == 0 || (!quote && is_space(*c))) {
            if (quote)
                return -EINVAL;
            if (in_word) {
                word[length] = 0;
                r = strv_append(&words, word);
                if (r < 0)
                    return r;
            }
            length = 0;
            in_word = false;
            if (*c == 0)
                break;
            continue;
        }
        in_word = true;
        if (quote && *c == quote)
            quote = 0;
        else if (!quote && (*c == '"' || *c == '\''))
            quote = *c;
        else if (*c == '\\' && quote != '\'') {
            r = unescape(&c, &word[length++]);
            if (r < 0)
                return r;
        } else
            word[length++] = *c;
    }
    *ret = TAKE_PTR(words);
    return 0;
}

char *text_quote_word(const char *word)
{
    static const char digits[] = "0123456789abcdef";
    bool plain = word[0] != 0;
    char *quoted, *end;

    for (const char *c = word; *c && plain; c++)
        plain = is_alpha(*c) || is_digit(*c) || (unsigned char) *c >= 0x80 || strchr("_+-./:=,@%^", *c);
    if (plain)
        return strdup(word);

    quoted = end = malloc(strlen(word) * 4 + 3);
    if (!quoted)
        return NULL;
    *end++ = '"';
    for (const char *c = word; *c; c++) {
        if ((unsigned char) *c < 0x20 || *c == 0x7f) {
            *end++ = '\\';
            *end++ = 'x';
            *end++ = digits[(unsigned char) *c >> 4];
            *end++ = digits[*c & 15];
            continue;
        }
        if (*c == '"' || *c == '\\')
            *end++ = '\\';
        *end++ = *c;
    }
    *end++ = '"';
    *end = 0;
    return quoted;
}

static unsigned edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned row[65];

    if (n > 64 || m > 64)
        return UINT_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned) j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned) i;
        for (size_t j = 1; j <= m; j++) {
            unsigned above = row[j];
            unsigned change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);

            row[j] = MIN(change, MIN(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[m];
}

void text_nearest_consider(Nearest *nearest, const char *word, const char *candidate)
{
    unsigned distance = edit_distance(word, candidate);

    if (distance > strlen(word) / 3 + 1 || (nearest->best && distance >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}
