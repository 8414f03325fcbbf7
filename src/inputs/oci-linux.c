/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "config-linux.md" of the OCI runtime specification, but for resources. */

#include "inputs/oci-internal.h"

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define AT(member) offsetof(ContainerSpec, member)

/* What it means that a namespace is named without a path, with one, and not at all. */
typedef struct NamespaceRow {
    const char *type;
    size_t offset;         /* of the setting that says whose it is; NO_SETTING: none */
    bool is_required;      /* no container without one of its own */
    bool is_refused;       /* not to be had at all */
    bool may_be_of_others; /* by path */
} NamespaceRow;

#define NO_SETTING SIZE_MAX

static const NamespaceRow namespace_rows[] = {
    {"mount", NO_SETTING, .is_required = true},
    {"pid", AT(pid)},
    {"ipc", AT(ipc)},
    {"network", AT(network), .may_be_of_others = true},
    {"uts", AT(uts), .may_be_of_others = true},
    {"cgroup", AT(shares_cgroup_namespace)},
    {"user", NO_SETTING, .is_refused = true},
    {"time", NO_SETTING, .is_refused = true},
};

static int find_namespace(const char *type, size_t *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(namespace_rows); i++)
        if (strcmp(namespace_rows[i].type, type) == 0) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

static int add_namespace(OciReader *reader, const NamespaceRow *row, const char *path, const char *pointer,
                         Error *error)
{
    _cleanup_free_ char *value = NULL;

    if (row->is_refused)
        return error_set(error, -EOPNOTSUPP, "%s: a namespace of the type '%s' is not supported", pointer, row->type);
    if (text_is_empty(path))
        return 0;
    if (!row->may_be_of_others)
        return error_set(error, -EOPNOTSUPP, "%s/path: the %s namespace of others cannot be joined", pointer,
                         row->type);
    value = text_format("ns:%s", path);
    return value ? oci_add(reader, row->offset, value, pointer) : -ENOMEM;
}

static int read_namespace(OciReader *reader, const json_t *value, const char *pointer, bool *seen, Error *error)
{
    static const OciField fields[] = {
        {.name = "type", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "path", .kind = OCI_ELSEWHERE},
    };
    const char *type = NULL, *path = NULL;
    json_t *path_value = json_object_get(value, "path");
    size_t number = 0;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = oci_read_text(json_object_get(value, "type"), pointer, &type, error);
    if (r == 0 && path_value && !json_is_null(path_value))
        r = oci_read_text(path_value, pointer, &path, error);
    if (r < 0)
        return r;
    if (find_namespace(type, &number) < 0)
        return error_set(error, -EINVAL, "%s/type: '%s' is not a type of namespaces", pointer, type);
    if (seen[number])
        return error_set(error, -EINVAL, "%s/type: '%s' is there a second time", pointer, type);
    seen[number] = true;
    return add_namespace(reader, &namespace_rows[number], path, pointer, error);
}

/* What is not in the list is the host's. */
static int add_missing_namespace(OciReader *reader, const NamespaceRow *row, const char *pointer, Error *error)
{
    if (row->is_required)
        return error_set(error, -EOPNOTSUPP, "%s: a container without a %s namespace of its own is not supported",
                         pointer, row->type);
    if (row->is_refused)
        return 0;
    return oci_add(reader, row->offset, row->offset == AT(shares_cgroup_namespace) ? "yes" : "host", pointer);
}

static int read_namespaces(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    bool seen[ELEMENTSOF(namespace_rows)] = {};
    int r = json_is_array(value) ? 0 : oci_wrong(pointer, "an array", error);

    for (size_t i = 0; i < json_array_size(value) && r == 0; i++) {
        _cleanup_free_ char *place = text_format("%s/%zu", pointer, i);

        r = place ? read_namespace(reader, json_array_get(value, i), place, seen, error) : -ENOMEM;
    }
    for (size_t i = 0; i < ELEMENTSOF(namespace_rows) && r == 0; i++)
        if (!seen[i])
            r = add_missing_namespace(reader, &namespace_rows[i], pointer, error);
    return r;
}

static int number_of(const json_t *object, const char *pointer, const char *name, int64_t *ret, Error *error)
{
    _cleanup_free_ char *place = text_format("%s/%s", pointer, name);
    const json_t *value = json_object_get(object, name);

    if (!place)
        return -ENOMEM;
    return value && !json_is_null(value) ? oci_read_number(value, place, ret, error) : 0;
}

static int read_device(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "type", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "path", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "major", .kind = OCI_ELSEWHERE},
        {.name = "minor", .kind = OCI_ELSEWHERE},
        {.name = "fileMode", .kind = OCI_ELSEWHERE},
        {.name = "uid", .kind = OCI_ELSEWHERE},
        {.name = "gid", .kind = OCI_ELSEWHERE},
    };
    const char *type = NULL, *path = NULL;
    int64_t numbers[] = {0, 0, 0666, 0, 0};
    static const char *const names[] = {"major", "minor", "fileMode", "uid", "gid"};
    char text[ELEMENTSOF(names)][24];
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = oci_read_text(json_object_get(value, "type"), pointer, &type, error);
    if (r == 0)
        r = oci_read_text(json_object_get(value, "path"), pointer, &path, error);
    for (size_t i = 0; i < ELEMENTSOF(names) && r == 0; i++) {
        r = number_of(value, pointer, names[i], &numbers[i], error);
        /* A mode with the type of the file in it, as some engines write it, is that of the file. */
        snprintf(text[i], sizeof(text[i]), i == 2 ? "%llo" : "%lld",
                 (unsigned long long) (i == 2 ? numbers[i] & 07777 : numbers[i]));
    }
    if (r < 0)
        return r;
    return spec_layer_add_values(reader->layer, setting_of(AT(devices)),
                                 (char *[]){(char *) (uintptr_t) path, (char *) (uintptr_t) type, text[0], text[1],
                                            text[2], text[3], text[4], NULL},
                                 pointer);
}

static int read_devices(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_device, pointer, error);
}

static int read_sysctl(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    const char *name;
    json_t *item;

    if (!json_is_object(value))
        return oci_wrong(pointer, "an object", error);
    json_object_foreach((json_t *) (uintptr_t) value, name, item)
    {
        _cleanup_free_ char *place = text_format("%s/%s", pointer, name), *assignment = NULL;
        const char *text = NULL;
        int r = place ? oci_read_text(item, place, &text, error) : -ENOMEM;

        if (r == 0 && strchr(name, '='))
            r = error_set(error, -EINVAL, "%s: is not the name of a parameter", place);
        if (r == 0) {
            assignment = text_format("%s=%s", name, text);
            r = assignment ? oci_add(reader, AT(sysctls), assignment, place) : -ENOMEM;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Docker's profiles have the same form: one reader and one compiler for both (host/seccomp-json.h). What only this form has is
 * refused here. */
static int read_seccomp(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "defaultAction", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "defaultErrnoRet", .kind = OCI_ELSEWHERE},
        {.name = "architectures", .kind = OCI_ELSEWHERE},
        {.name = "flags", .kind = OCI_REFUSED},
        {.name = "listenerPath", .kind = OCI_REFUSED},
        {.name = "listenerMetadata", .kind = OCI_REFUSED},
        {.name = "syscalls", .kind = OCI_ELSEWHERE},
    };
    _cleanup_free_ char *text = NULL;
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r < 0)
        return r;
    text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    return text ? oci_add(reader, AT(seccomp_text), text, pointer) : -ENOMEM;
}

static int read_propagation(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    const char *text = NULL;
    int r = oci_read_text(value, pointer, &text, error);

    (void) reader;
    if (r == 0 && *text && strcmp(text, "private") != 0 && strcmp(text, "rprivate") != 0)
        r = error_set(error, -EOPNOTSUPP, "%s: '%s' is not supported: mounts are private", pointer, text);
    return r;
}

static const OciField linux_fields[] = {
    {.name = "namespaces", .kind = OCI_READ, .read = read_namespaces, .is_required = true},
    {.name = "uidMappings", .kind = OCI_REFUSED},
    {.name = "gidMappings", .kind = OCI_REFUSED},
    {.name = "timeOffsets", .kind = OCI_REFUSED},
    {.name = "devices", .kind = OCI_READ, .read = read_devices},
    {.name = "netDevices", .kind = OCI_REFUSED},
    {.name = "cgroupsPath", .kind = OCI_TEXT, .offset = AT(cgroup_path)},
    {.name = "resources", .kind = OCI_READ, .read = oci_read_resources},
    {.name = "intelRdt", .kind = OCI_REFUSED},
    {.name = "memoryPolicy", .kind = OCI_REFUSED},
    {.name = "sysctl", .kind = OCI_READ, .read = read_sysctl},
    {.name = "seccomp", .kind = OCI_READ, .read = read_seccomp},
    {.name = "rootfsPropagation", .kind = OCI_READ, .read = read_propagation},
    {.name = "maskedPaths", .kind = OCI_LIST, .offset = AT(masked_paths)},
    {.name = "readonlyPaths", .kind = OCI_LIST, .offset = AT(read_only_paths)},
    {.name = "mountLabel", .kind = OCI_TEXT, .offset = AT(label_file)},
    {.name = "personality", .kind = OCI_REFUSED},
};

int oci_read_linux(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_object(reader, value, linux_fields, ELEMENTSOF(linux_fields), pointer, error);
}
