/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd-internal.h"

#include "base/strv.h"
#include "host/properties.h"

#include <errno.h>
#include <string.h>

static int append_items(sd_bus_message *m, const PropertyValue *value, const char *element)
{
    int r = sym_sd_bus_message_open_container(m, 'a', element);

    for (size_t i = 0; r >= 0 && i < value->items_count; i++) {
        const PropertyItem *item = &value->items[i];

        switch (value->type) {
        case PROPERTY_TYPE_STRINGS:
        case PROPERTY_TYPE_INTERFACES:
            r = sym_sd_bus_message_append(m, "s", item->text);
            break;
        case PROPERTY_TYPE_DEVICE_NUMBERS:
            r = sym_sd_bus_message_append(m, "(st)", item->text, item->number);
            break;
        case PROPERTY_TYPE_STRING_PAIRS:
            r = sym_sd_bus_message_append(m, "(ss)", item->text, item->text2);
            break;
        case PROPERTY_TYPE_SOCKET_BINDS:
            r = sym_sd_bus_message_append(m, "(iiqq)", item->family, item->protocol, (int) item->number,
                                          (int) item->port);
            break;
        case PROPERTY_TYPE_ADDRESSES:
            r = sym_sd_bus_message_open_container(m, 'r', "iayu");
            if (r >= 0)
                r = sym_sd_bus_message_append(m, "i", item->family);
            if (r >= 0)
                r = sym_sd_bus_message_append_array(m, 'y', item->bytes, item->bytes_size);
            if (r >= 0)
                r = sym_sd_bus_message_append(m, "u", (uint32_t) item->number);
            if (r >= 0)
                r = sym_sd_bus_message_close_container(m);
            break;
        default:
            r = -EINVAL;
        }
    }
    return r < 0 ? r : sym_sd_bus_message_close_container(m);
}

static int append_interfaces(sd_bus_message *m, const PropertyValue *value)
{
    int r = sym_sd_bus_message_open_container(m, 'r', "bas");

    if (r >= 0)
        r = sym_sd_bus_message_append(m, "b", (int) value->number);
    if (r >= 0)
        r = append_items(m, value, "s");
    return r < 0 ? r : sym_sd_bus_message_close_container(m);
}

/* Inside the variant. */
static int append_value(sd_bus_message *m, const PropertyValue *value)
{
    switch (value->type) {
    case PROPERTY_TYPE_BOOL:
        return sym_sd_bus_message_append(m, "b", (int) value->number);
    case PROPERTY_TYPE_I32:
        return sym_sd_bus_message_append(m, "i", (int32_t) value->number);
    case PROPERTY_TYPE_U32:
        return sym_sd_bus_message_append(m, "u", (uint32_t) value->number);
    case PROPERTY_TYPE_U64:
        return sym_sd_bus_message_append(m, "t", value->number);
    case PROPERTY_TYPE_STRING:
        return sym_sd_bus_message_append(m, "s", value->text);
    case PROPERTY_TYPE_BYTES:
        return sym_sd_bus_message_append_array(m, 'y', value->bytes, value->bytes_size);
    case PROPERTY_TYPE_STRINGS:
        return append_items(m, value, "s");
    case PROPERTY_TYPE_DEVICE_NUMBERS:
        return append_items(m, value, "(st)");
    case PROPERTY_TYPE_STRING_PAIRS:
        return append_items(m, value, "(ss)");
    case PROPERTY_TYPE_ADDRESSES:
        return append_items(m, value, "(iayu)");
    case PROPERTY_TYPE_SOCKET_BINDS:
        return append_items(m, value, "(iiqq)");
    case PROPERTY_TYPE_INTERFACES:
        return append_interfaces(m, value);
    default:
        return -EINVAL;
    }
}

static int append_property(sd_bus_message *m, const PropertyValue *value)
{
    static const char *const signatures[_PROPERTY_TYPE_MAX] = {
        [PROPERTY_TYPE_BOOL] = "b",
        [PROPERTY_TYPE_I32] = "i",
        [PROPERTY_TYPE_U32] = "u",
        [PROPERTY_TYPE_U64] = "t",
        [PROPERTY_TYPE_STRING] = "s",
        [PROPERTY_TYPE_STRINGS] = "as",
        [PROPERTY_TYPE_BYTES] = "ay",
        [PROPERTY_TYPE_DEVICE_NUMBERS] = "a(st)",
        [PROPERTY_TYPE_STRING_PAIRS] = "a(ss)",
        [PROPERTY_TYPE_ADDRESSES] = "a(iayu)",
        [PROPERTY_TYPE_INTERFACES] = "(bas)",
        [PROPERTY_TYPE_SOCKET_BINDS] = "a(iiqq)",
    };
    int r = sym_sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sym_sd_bus_message_append(m, "s", value->bus_name);
    if (r >= 0)
        r = sym_sd_bus_message_open_container(m, 'v', signatures[value->type]);
    if (r >= 0)
        r = append_value(m, value);
    if (r >= 0)
        r = sym_sd_bus_message_close_container(m);
    return r < 0 ? r : sym_sd_bus_message_close_container(m);
}

int systemd_append_properties(sd_bus_message *m, char *const *properties, Error *error)
{
    STRV_FOREACH (assignment, properties) {
        _cleanup_property_value_ PropertyValue value = {0};
        int r = property_parse(*assignment, &value, error);

        if (r < 0)
            return r;
        r = append_property(m, &value);
        if (r < 0)
            return error_set(error, r, "cannot send the property '%s': %s", *assignment, strerror(-r));
    }
    return 0;
}
