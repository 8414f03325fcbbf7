/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/specifier.h"

#include "base/buffer.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Those of systemd.unit(5), version 257. */
#define KNOWN "aAbBcCdDEfgGhHiIjJlLmMnNopPqrRsStTuUvVwWyY"

void specifiers_done(Specifiers *specifiers)
{
    for (size_t i = 0; i < ELEMENTSOF(specifiers->values); i++)
        free(specifiers->values[i]);
}

int specifiers_set(Specifiers *specifiers, char letter, const char *value)
{
    char **place = &specifiers->values[(unsigned char) letter & 127];
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*place);
    *place = copy;
    return 0;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The inverse of systemd-escape(1): "-" is a slash, "\x2d" a byte. */
static char *unescape_name(const char *name)
{
    _cleanup_buffer_ Buffer text = {};

    for (const char *c = name; *c; c++) {
        int high = c[0] == '\\' && c[1] == 'x' ? hex_value(c[2]) : -1;
        int low = high >= 0 ? hex_value(c[3]) : -1;
        char byte = *c == '-' ? '/' : *c;

        if (low >= 0 && (high > 0 || low > 0)) {
            byte = (char) (high * 16 + low);
            c += 3;
        }
        buffer_append(&text, &byte, 1);
    }
    return buffer_take(&text);
}

static int set_with_unescaped(Specifiers *specifiers, char letter, char unescaped_letter, const char *value)
{
    _cleanup_free_ char *unescaped = unescape_name(value);
    int r = unescaped ? specifiers_set(specifiers, letter, value) : -ENOMEM;

    return r < 0 ? r : specifiers_set(specifiers, unescaped_letter, unescaped);
}

int specifiers_set_unit(Specifiers *specifiers, const char *name)
{
    static const char *const system[][2] = {
        {"t", "/run"},     {"S", "/var/lib"}, {"C", "/var/cache"}, {"L", "/var/log"}, {"E", "/etc"}, {"T", "/tmp"},
        {"V", "/var/tmp"}, {"h", "/root"},    {"u", "root"},       {"U", "0"},        {"g", "root"}, {"G", "0"},
    };
    const char *at = strchr(name, '@'), *dash;
    _cleanup_free_ char *prefix = at ? strndup(name, (size_t) (at - name)) : strdup(name);
    _cleanup_free_ char *unit = text_format("%s.service", name);
    int r = prefix && unit ? specifiers_set(specifiers, 'n', unit) : -ENOMEM;

    if (r == 0)
        r = specifiers_set(specifiers, 'N', name);
    if (r == 0)
        r = set_with_unescaped(specifiers, 'p', 'P', prefix);
    if (r == 0)
        r = set_with_unescaped(specifiers, 'i', 'I', at ? at + 1 : "");
    dash = prefix ? strrchr(prefix, '-') : NULL;
    if (r == 0)
        r = set_with_unescaped(specifiers, 'j', 'J', dash ? dash + 1 : prefix);
    for (size_t i = 0; i < ELEMENTSOF(system) && r == 0; i++)
        r = specifiers_set(specifiers, system[i][0][0], system[i][1]);
    return r;
}

int specifier_expand(const Specifiers *specifiers, const char *text, char **ret, Error *error)
{
    _cleanup_buffer_ Buffer expanded = {};

    for (const char *c = text; *c; c++) {
        const char *value = NULL;

        if (c[0] != '%' || c[1] == 0) {
            buffer_append(&expanded, c, 1);
            continue;
        }
        if (specifiers && c[1] > 0)
            value = specifiers->values[(unsigned char) c[1] & 127];
        if (c[1] == '%')
            value = "%";
        else if (specifiers && !value && strchr(KNOWN, c[1]))
            return error_hint(error, error_set(error, -EOPNOTSUPP, "the specifier '%%%c' is not supported here", c[1]),
                              "write %%%% for a percent sign");
        if (value) {
            buffer_append_string(&expanded, value);
            c++;
        } else
            buffer_append(&expanded, c, 1);
    }
    *ret = buffer_take(&expanded);
    return *ret ? 0 : -ENOMEM;
}

int specifier_expand_layer(const Specifiers *specifiers, SpecLayer *layer, Error *error)
{
    for (size_t i = 0; i < layer->count; i++)
        for (char **value = layer->assignments[i].values; value && *value; value++) {
            char *expanded = NULL;
            int r;

            if (!strchr(*value, '%'))
                continue;
            r = specifier_expand(specifiers, *value, &expanded, error);
            if (r < 0)
                return error_prefix(error, r, "%s", layer->assignments[i].origin);
            free(*value);
            *value = expanded;
        }
    return 0;
}

char *specifier_escape(const char *text)
{
    _cleanup_buffer_ Buffer escaped = {};

    for (const char *c = text; *c; c++)
        buffer_append(&escaped, *c == '%' ? "%%" : c, *c == '%' ? 2 : 1);
    return buffer_take(&escaped);
}
