/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/log.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* The log is in /run, so in memory: without a word two files of this size, the older one half-used on average. */
#define MAX_BYTES_DEFAULT (UINT64_C(8) << 20)
#define MAX_FILES_DEFAULT 2
#define MAX_BYTES_LEAST   (UINT64_C(64) << 10)

static int parse_max_size(const char *value, uint64_t *ret, Error *error)
{
    uint64_t size = 0;

    /* docker's and podman's "unlimited" */
    if (strcmp(value, "-1") == 0 || strcmp(value, "0") == 0 || strcmp(value, "infinity") == 0) {
        *ret = 0;
        return 0;
    }
    if (text_parse_size_bytes(value, &size) < 0 || size < MAX_BYTES_LEAST)
        return error_set(error, -EINVAL, "max-size: '%s' is not a size of 64K or more", value);
    *ret = size;
    return 0;
}

int log_options_parse(char *const *assignments, LogOptions *ret, Error *error)
{
    LogOptions options = {.max_bytes = MAX_BYTES_DEFAULT, .max_files = MAX_FILES_DEFAULT};
    uint64_t number = 0;

    STRV_FOREACH (assignment, assignments) {
        const char *value;
        int r;

        if ((value = text_after_prefix(*assignment, "max-size="))) {
            r = parse_max_size(value, &options.max_bytes, error);
            if (r < 0)
                return r;
        } else if ((value = text_after_prefix(*assignment, "max-file="))) {
            if (text_parse_u64(value, LOG_FILES_MAX, &number) < 0 || number == 0)
                return error_set(error, -EINVAL, "max-file: '%s' is not a number from 1 to %d", value, LOG_FILES_MAX);
            options.max_files = (unsigned) number;
        } else if ((value = text_after_prefix(*assignment, "tag="))) {
            _cleanup_free_ char *tag = NULL;

            r = log_tag_format(value, "", "", "", &tag, error);
            if (r < 0)
                return r;
            options.tag = *value ? value : NULL;
        } else if ((value = text_after_prefix(*assignment, "labels=")))
            options.labels = value;
        else
            return error_hint(error, error_set(error, -EINVAL, "there is no log option '%s'", *assignment),
                              "max-size=SIZE, max-file=N, tag=TEMPLATE and labels=NAME,... are known");
    }
    *ret = options;
    return 0;
}

int log_tag_format(const char *tag, const char *name, const char *id, const char *image, char **ret, Error *error)
{
    const struct {
        const char *word, *value;
        int length;
    } words[] = {
        {"{{.Name}}", name, -1},
        {"{{.ID}}", id, 12},
        {"{{.FullID}}", id, -1},
        {"{{.ImageName}}", image ? image : "", -1},
    };
    _cleanup_buffer_ Buffer text = {};

    for (const char *c = tag; *c;) {
        size_t i = 0;

        while (i < ELEMENTSOF(words) && !text_after_prefix(c, words[i].word))
            i++;
        if (i < ELEMENTSOF(words)) {
            buffer_append_format(&text, "%.*s", words[i].length, words[i].value);
            c += strlen(words[i].word);
            continue;
        }
        if (c[0] == '{' && c[1] == '{')
            return error_hint(error, error_set(error, -EINVAL, "tag: '%s' cannot be filled in", c),
                              "{{.Name}}, {{.ID}}, {{.FullID}} and {{.ImageName}} can");
        if ((unsigned char) *c < 0x20 || *c == 0x7f)
            return error_set(error, -EINVAL, "tag: '%s' holds a control character", tag);
        buffer_append(&text, c++, 1);
    }
    *ret = buffer_take(&text);
    return *ret ? 0 : -ENOMEM;
}

/* What stands in a journal field's name: capitals, digits and underscores. */
static char field_character(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char) (c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

static int add_label_field(char ***fields, const char *name, size_t length, const char *value)
{
    char *field = text_format("CONTAINER_LABEL_%.*s=%s", (int) length, name, value);
    size_t prefix = strlen("CONTAINER_LABEL_");

    for (size_t i = prefix; field && field[i]; i++)
        if (i < prefix + length)
            field[i] = field_character(field[i]);
        else if ((unsigned char) field[i] < 0x20 || field[i] == 0x7f)
            field[i] = ' ';
    return field ? strv_push(fields, field) : -ENOMEM;
}

int log_label_fields(const char *names, char *const *labels, char ***ret)
{
    _cleanup_strv_ char **fields = NULL;

    for (const char *name = names ? names : ""; *name;) {
        size_t length = strcspn(name, ",");

        /* 64 is the longest name that journald takes. */
        STRV_FOREACH (label, labels)
            if (length > 0 && length <= 48 && strncmp(*label, name, length) == 0 && (*label)[length] == '=') {
                int r = add_label_field(&fields, name, length, *label + length + 1);
                if (r < 0)
                    return r;
            }
        name += length + (name[length] == ',');
    }
    *ret = TAKE_PTR(fields);
    return 0;
}
