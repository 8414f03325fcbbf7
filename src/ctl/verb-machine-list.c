/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-images, image-status, show-image. */

#include "ctl/machine-image.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIST_NAME, LIST_TYPE, LIST_READ_ONLY, LIST_USAGE, LIST_CHANGED, LIST_PATH };

static const TableColumn columns[] = {
    [LIST_NAME] = {"NAME", "name", 0},
    [LIST_TYPE] = {"TYPE", "type", 0},
    [LIST_READ_ONLY] = {"RO", "read_only", 0},
    [LIST_USAGE] = {"USAGE", "usage_bytes", TABLE_RIGHT},
    [LIST_CHANGED] = {"CHANGED", "changed_usec", 0},
    [LIST_PATH] = {"PATH", "path", TABLE_TRUNCATE},
};

static json_t *json_usage(const MachineImage *image)
{
    return image->usage_bytes == UINT64_MAX ? json_null() : json_integer((json_int_t) image->usage_bytes);
}

static char *format_usage(const MachineImage *image)
{
    return image->usage_bytes == UINT64_MAX ? strdup("-") : text_format_size(image->usage_bytes);
}

static int add_image(Table *table, const MachineImage *image)
{
    _cleanup_free_ char *usage = format_usage(image), *changed = time_format(image->changed_usec);
    int r = usage && changed ? table_add_row(table) : -ENOMEM;

    if (r == 0)
        r = table_set(table, LIST_NAME, image->name);
    if (r == 0)
        r = table_set(table, LIST_TYPE, machine_image_kind_to_string(image->kind));
    if (r == 0)
        r = table_set(table, LIST_READ_ONLY, image->is_read_only ? "yes" : "no");
    if (r == 0)
        r = table_set_json(table, LIST_READ_ONLY, json_boolean(image->is_read_only));
    if (r == 0)
        r = table_set(table, LIST_USAGE, usage);
    if (r == 0)
        r = table_set_json(table, LIST_USAGE, json_usage(image));
    if (r == 0)
        r = table_set(table, LIST_CHANGED, changed);
    if (r == 0)
        r = table_set_json(table, LIST_CHANGED, json_integer((json_int_t) image->changed_usec));
    if (r == 0)
        r = table_set(table, LIST_PATH, image->path);
    return r;
}

int verb_list_images(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    MachineImage **images = NULL;
    size_t count = 0;
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = table ? machine_image_list(ctl->all, &images, &count, error) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_image(table, images[i]);
    if (r == 0)
        r = ctl->json ? table_print_json(table) : table_print(table, !ctl->no_legend);
    machine_image_list_free(images, count);
    return r;
}

static json_t *build(const MachineImage *image)
{
    _cleanup_free_ char *os = machine_image_read_os(image);

    return json_pack("{s:o, s:o, s:s, s:b, s:I, s:o, s:o}", "name", json_safe_string(image->name), "path",
                     json_safe_string(image->path), "type", machine_image_kind_to_string(image->kind), "read_only",
                     image->is_read_only, "changed_usec", (json_int_t) image->changed_usec, "usage_bytes",
                     json_usage(image), "os", os ? json_safe_string(os) : json_null());
}

static int print_property(const char *name, const json_t *value)
{
    _cleanup_free_ char *text = json_is_string(value)    ? strdup(json_string_value(value))
                                : json_is_boolean(value) ? strdup(json_is_true(value) ? "yes" : "no")
                                : json_is_integer(value) ? text_format("%lld", (long long) json_integer_value(value))
                                                         : strdup("");
    _cleanup_free_ char *escaped = text ? text_escape(text, SIZE_MAX) : NULL;

    if (!escaped)
        return -ENOMEM;
    printf("%s=%s\n", name, escaped);
    return 0;
}

static int show_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_machine_image_ MachineImage *image = NULL;
    _cleanup_json_ json_t *object = NULL;
    unsigned *shown = userdata;
    const char *key;
    json_t *value;
    int r = machine_image_find(name, &image, error);

    if (r < 0)
        return r;
    object = build(image);
    if (!object)
        return -ENOMEM;
    if (ctl->json) {
        printf("%s", (*shown)++ > 0 ? ",\n" : "");
        return json_dumpf(object, stdout, JSON_INDENT(2)) < 0 ? -EIO : 0;
    }
    if ((*shown)++ > 0)
        putchar('\n');
    json_object_foreach(object, key, value)
    {
        if (ctl->properties && !strv_contains(ctl->properties, key))
            continue;
        r = print_property(key, value);
        if (r < 0)
            return r;
    }
    return 0;
}

int verb_show_image(Ctl *ctl, Error *error)
{
    unsigned shown = 0;
    int r = output_format_check(ctl->output, "table json", error);

    if (r < 0)
        return r;
    if (ctl->json)
        printf("[");
    r = ctl_for_each_word(ctl, show_one, &shown, error);
    if (ctl->json)
        printf("]\n");
    return r;
}

static int print_line(const char *label, const char *text)
{
    _cleanup_free_ char *escaped = text_escape(text, SIZE_MAX);

    if (!escaped)
        return -ENOMEM;
    printf("%12s: %s\n", label, escaped);
    return 0;
}

static int status_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_machine_image_ MachineImage *image = NULL;
    int r = machine_image_find(name, &image, error);
    _cleanup_free_ char *os = r == 0 ? machine_image_read_os(image) : NULL;
    _cleanup_free_ char *usage = r == 0 ? format_usage(image) : NULL;
    _cleanup_free_ char *changed = r == 0 ? time_format(image->changed_usec) : NULL;
    unsigned *shown = userdata;

    if (r < 0)
        return r;
    if (!usage || !changed)
        return -ENOMEM;
    printf("%s%s\n", (*shown)++ > 0 ? "\n" : "", image->name);
    r = print_line("Type", machine_image_kind_to_string(image->kind));
    if (r == 0)
        r = print_line("Path", image->path);
    if (r == 0 && os)
        r = print_line("OS", os);
    if (r == 0)
        r = print_line("RO", image->is_read_only ? "read-only" : "writable");
    if (r == 0)
        r = print_line("Changed", changed);
    if (r == 0 && image->usage_bytes != UINT64_MAX)
        r = print_line("Usage", usage);
    return r;
}

int verb_image_status(Ctl *ctl, Error *error)
{
    unsigned shown = 0;

    return ctl_for_each_word(ctl, status_one, &shown, error);
}
