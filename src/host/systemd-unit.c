/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd-internal.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UNIT_PATH_PREFIX "/org/freedesktop/systemd1/unit"
/* Generators and unit files of the whole host. */
#define RELOAD_TIMEOUT_USEC (300 * UINT64_C(1000000))

int systemd_unit_kill(Systemd *systemd, const char *unit, const char *who, int signal_number, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_free_ char *what = text_format("kill %s", unit);
    int r = systemd_new_call(systemd, "KillUnit", &message);

    if (!what)
        return -ENOMEM;
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "ssi", unit, who, signal_number);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    return systemd_call(systemd, message, 0, what, &reply, error);
}

int systemd_unit_thaw(Systemd *systemd, const char *unit, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_free_ char *what = text_format("thaw %s", unit);
    int r = systemd_new_call(systemd, "ThawUnit", &message);

    if (!what)
        return -ENOMEM;
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "s", unit);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    return systemd_call(systemd, message, 0, what, &reply, error);
}

int systemd_unit_reset_failed(Systemd *systemd, const char *unit, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_error_ Error cause = {0};
    _cleanup_free_ char *what = text_format("reset %s", unit);
    int r = systemd_new_call(systemd, "ResetFailedUnit", &message);

    if (!what)
        return -ENOMEM;
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "s", unit);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    r = systemd_call(systemd, message, 0, what, &reply, &cause);
    if (r == -ENOENT)
        return 0;
    error_move(error, &cause);
    return r;
}

static int get_property(Systemd *systemd, const char *path, const char *interface, const char *property,
                        sd_bus_message **ret, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL;
    int r = sym_sd_bus_message_new_method_call(systemd->bus, &message, SYSTEMD_DESTINATION, path,
                                               "org.freedesktop.DBus.Properties", "Get");

    if (r >= 0)
        r = sym_sd_bus_message_append(message, "ss", interface, property);
    if (r < 0)
        return systemd_set_connection_error(error, r, "read a property");
    return systemd_call(systemd, message, 0, "read a property", ret, error);
}

/* "…systemd1.Scope" for "x.scope"; NULL when memory is short or the name has no suffix. */
static char *interface_of_unit(const char *unit)
{
    const char *dot = strrchr(unit, '.');

    if (!dot || dot[1] < 'a' || dot[1] > 'z')
        return NULL;
    return text_format("org.freedesktop.systemd1.%c%s", dot[1] - 'a' + 'A', dot + 2);
}

static int get_unit_property(Systemd *systemd, const char *unit, const char *property, sd_bus_message **ret,
                             Error *error)
{
    _cleanup_free_ char *path = NULL, *interface = interface_of_unit(unit);
    _cleanup_error_ Error cause = {0};
    int r = 0;

    if (!interface)
        return error_set(error, -EINVAL, "'%s' is not the name of a unit", unit);
    r = sym_sd_bus_path_encode(UNIT_PATH_PREFIX, unit, &path);
    if (r < 0)
        return error_set(error, r, "'%s' is not the name of a unit", unit);
    r = get_property(systemd, path, interface, property, ret, &cause);
    if (r == -EINVAL) { /* unknown there: perhaps common to all units */
        error_done(&cause);
        cause = (Error){0};
        r = get_property(systemd, path, "org.freedesktop.systemd1.Unit", property, ret, &cause);
        if (r == -EINVAL)
            return error_set(error, -ENODATA, "%s has no property %s", unit, property);
    }
    error_move(error, &cause);
    return error_prefix(error, r, "%s: %s", unit, property);
}

/* A basic value, already at the reply's variant. -EBADMSG for other types. */
static int read_basic(sd_bus_message *m, char type, uint64_t *ret_number, const char **ret_text)
{
    union {
        uint8_t y;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        const char *s;
    } value = {0};
    int r = strchr("ybnqiuxtsog", type) ? sym_sd_bus_message_read_basic(m, type, &value) : -EBADMSG;

    if (r < 0)
        return r;
    *ret_text = strchr("sog", type) ? value.s : NULL;
    *ret_number = type == 'y'                  ? value.y
                  : type == 'n'                ? (uint64_t) value.n
                  : type == 'q'                ? value.q
                  : type == 'i'                ? (uint64_t) value.i
                  : type == 'u' || type == 'b' ? value.u
                  : type == 'x'                ? (uint64_t) value.x
                                               : value.t;
    return 0;
}

static char *format_hex(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size * 2 + 1);

    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    text[size * 2] = 0;
    return text;
}

/* The variant of a Get reply as text; bytes in hexadecimal (InvocationID). */
static int read_variant_text(sd_bus_message *m, char **ret)
{
    const char *contents = NULL, *text = NULL;
    const void *bytes = NULL;
    uint64_t number = 0;
    size_t size = 0;
    char type = 0;
    int r = sym_sd_bus_message_peek_type(m, &type, &contents);

    if (r < 0)
        return r;
    r = sym_sd_bus_message_enter_container(m, 'v', contents);
    if (r < 0)
        return r;
    if (strcmp(contents, "ay") == 0) {
        r = sym_sd_bus_message_read_array(m, 'y', &bytes, &size);
        if (r >= 0)
            *ret = format_hex(bytes, size);
        return r < 0 ? r : *ret ? 0 : -ENOMEM;
    }
    if (strlen(contents) != 1)
        return -EBADMSG;
    r = read_basic(m, contents[0], &number, &text);
    if (r < 0)
        return r;
    *ret = text                         ? strdup(text)
           : contents[0] == 'b'         ? strdup(number ? "yes" : "no")
           : strchr("nix", contents[0]) ? text_format("%" PRId64, (int64_t) number)
                                        : text_format("%" PRIu64, number);
    return *ret ? 0 : -ENOMEM;
}

int systemd_unit_property_string(Systemd *systemd, const char *unit, const char *property, char **ret, Error *error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r = get_unit_property(systemd, unit, property, &reply, error);

    if (r < 0)
        return r;
    r = read_variant_text(reply, ret);
    if (r < 0)
        return error_set(error, r, "%s: the property %s is not a plain value", unit, property);
    return 0;
}

int systemd_unit_property_u64(Systemd *systemd, const char *unit, const char *property, uint64_t *ret, Error *error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    const char *contents = NULL, *text = NULL;
    uint64_t number = 0;
    char type = 0;
    int r = get_unit_property(systemd, unit, property, &reply, error);

    if (r < 0)
        return r;
    r = sym_sd_bus_message_peek_type(reply, &type, &contents);
    if (r >= 0)
        r = sym_sd_bus_message_enter_container(reply, 'v', contents);
    if (r >= 0)
        r = strlen(contents) == 1 ? read_basic(reply, contents[0], &number, &text) : -EBADMSG;
    if (r < 0 || text)
        return error_set(error, r < 0 ? r : -EBADMSG, "%s: the property %s is not a number", unit, property);
    *ret = number;
    return 0;
}

int systemd_unit_cgroup(Systemd *systemd, const char *unit, char **ret, Error *error)
{
    _cleanup_free_ char *cgroup = NULL;
    int r = systemd_unit_property_string(systemd, unit, "ControlGroup", &cgroup, error);

    if (r < 0)
        return r;
    if (cgroup[0] == 0)
        return error_set(error, -ENOENT, "%s is not active and has no cgroup", unit);
    *ret = TAKE_PTR(cgroup);
    return 0;
}

int systemd_unit_active_state(Systemd *systemd, const char *unit, char **ret, Error *error)
{
    return systemd_unit_property_string(systemd, unit, "ActiveState", ret, error);
}

int systemd_unit_of_pid(Systemd *systemd, pid_t pid, char **ret, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL, *id = NULL;
    const char *path = NULL;
    int r = systemd_new_call(systemd, "GetUnitByPID", &message);

    if (r >= 0)
        r = sym_sd_bus_message_append(message, "u", (uint32_t) pid);
    if (r < 0)
        return systemd_set_connection_error(error, r, "find a process's unit");
    r = systemd_call(systemd, message, 0, "find a process's unit", &reply, error);
    if (r < 0)
        return r;
    r = sym_sd_bus_message_read(reply, "o", &path);
    if (r >= 0)
        r = get_property(systemd, path, "org.freedesktop.systemd1.Unit", "Id", &id, error);
    if (r >= 0)
        r = read_variant_text(id, ret);
    return r < 0 ? error_set(error, r, "cannot read the name of a process's unit: %s", strerror(-r)) : 0;
}

int systemd_set_properties(Systemd *systemd, const char *unit, char *const *properties, bool runtime, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_free_ char *what = text_format("change %s", unit);
    int r = systemd_new_call(systemd, "SetUnitProperties", &message);

    if (!what)
        return -ENOMEM;
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "sb", unit, (int) runtime);
    if (r >= 0)
        r = sym_sd_bus_message_open_container(message, 'a', "(sv)");
    if (r >= 0)
        r = systemd_append_properties(message, properties, error);
    if (r >= 0)
        r = sym_sd_bus_message_close_container(message);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    return systemd_call(systemd, message, 0, what, &reply, error);
}

int systemd_daemon_reload(Systemd *systemd, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    int r = systemd_new_call(systemd, "Reload", &message);

    if (r < 0)
        return systemd_set_connection_error(error, r, "reload");
    return systemd_call(systemd, message, RELOAD_TIMEOUT_USEC, "reload", &reply, error);
}

int systemd_version(Systemd *systemd, unsigned *ret, Error *error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    _cleanup_free_ char *text = NULL;
    uint64_t version = 0;
    int r = get_property(systemd, SYSTEMD_MANAGER_PATH, SYSTEMD_MANAGER_INTERFACE, "Version", &reply, error);

    if (r < 0)
        return r;
    r = read_variant_text(reply, &text);
    if (r < 0)
        return error_set(error, r, "cannot read systemd's version: %s", strerror(-r));
    text[strspn(text, "0123456789")] = 0;
    if (text_parse_u64(text, 100000, &version) < 0)
        return error_set(error, -EBADMSG, "systemd's version is not a number");
    *ret = (unsigned) version;
    return 0;
}
