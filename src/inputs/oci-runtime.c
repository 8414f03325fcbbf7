/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/oci-runtime.h"

#include "base/json.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/oci-internal.h"

#include <errno.h>
#include <string.h>

#define AT(member) offsetof(ContainerSpec, member)

/* "/" and "~" of a key are escaped in a pointer (RFC 6901). */
static char *pointer_below(const char *pointer, const char *key)
{
    _cleanup_free_ char *escaped = malloc(2 * strlen(key) + 1);
    char *end = escaped;

    if (!escaped)
        return NULL;
    for (const char *c = key; *c; c++) {
        if (*c == '~' || *c == '/') {
            *end++ = '~';
            *end++ = *c == '~' ? '0' : '1';
        } else
            *end++ = *c;
    }
    *end = 0;
    return text_format("%s/%s", pointer, escaped);
}

int oci_wrong(const char *pointer, const char *wanted, Error *error)
{
    return error_set(error, -EINVAL, "%s: is not %s", pointer, wanted);
}

static int not_supported(const char *pointer, Error *error)
{
    return error_set(error, -EOPNOTSUPP, "%s: is not supported", pointer);
}

int oci_add(OciReader *reader, size_t offset, const char *value, const char *pointer)
{
    return spec_layer_add(reader->layer, setting_of(offset), value, pointer);
}

int oci_read_text(const json_t *value, const char *pointer, const char **ret, Error *error)
{
    if (!json_is_string(value))
        return oci_wrong(pointer, "a string", error);
    /* Nothing that the kernel takes can hold one. */
    if (strlen(json_string_value(value)) != json_string_length(value))
        return error_set(error, -EINVAL, "%s: holds a NUL", pointer);
    *ret = json_string_value(value);
    return 0;
}

int oci_read_number(const json_t *value, const char *pointer, int64_t *ret, Error *error)
{
    if (!json_is_integer(value))
        return oci_wrong(pointer, "an integer", error);
    *ret = json_integer_value(value);
    return 0;
}

int oci_read_texts(const json_t *value, const char *pointer, char ***ret, Error *error)
{
    _cleanup_strv_ char **list = NULL;

    if (!json_is_array(value))
        return oci_wrong(pointer, "an array", error);
    for (size_t i = 0; i < json_array_size(value); i++) {
        _cleanup_free_ char *place = text_format("%s/%zu", pointer, i);
        const char *text = NULL;
        int r = place ? oci_read_text(json_array_get(value, i), place, &text, error) : -ENOMEM;

        if (r == 0)
            r = strv_append(&list, text);
        if (r < 0)
            return r;
    }
    *ret = list ? TAKE_PTR(list) : calloc(1, sizeof(char *));
    return *ret ? 0 : -ENOMEM;
}

/* Whether a property asks for anything: what is off, empty or null is as if it were not there. */
static bool says_nothing(const json_t *value)
{
    return json_is_null(value) || json_is_false(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_integer(value) && json_integer_value(value) == 0);
}

static int read_value(OciReader *reader, const OciField *field, const json_t *value, const char *pointer, Error *error)
{
    _cleanup_strv_ char **texts = NULL;
    _cleanup_free_ char *number_text = NULL;
    const char *text = NULL;
    int64_t number = 0;
    int r;

    switch (field->kind) {
    case OCI_OBJECT:
        return oci_read_object(reader, value, field->fields, field->fields_count, pointer, error);
    case OCI_READ:
        return field->read(reader, value, pointer, error);
    case OCI_BOOLEAN:
        if (!json_is_boolean(value))
            return oci_wrong(pointer, "a boolean", error);
        return oci_add(reader, field->offset, json_is_true(value) ? "yes" : "no", pointer);
    case OCI_TEXT:
        r = oci_read_text(value, pointer, &text, error);
        return r < 0 || !*text ? r : oci_add(reader, field->offset, text, pointer);
    case OCI_NUMBER:
        r = oci_read_number(value, pointer, &number, error);
        if (r < 0)
            return r;
        number_text = text_format("%lld", (long long) number);
        return number_text ? oci_add(reader, field->offset, number_text, pointer) : -ENOMEM;
    case OCI_LIST:
    case OCI_WORDS:
        r = oci_read_texts(value, pointer, &texts, error);
        if (r < 0 || (field->kind == OCI_LIST && !texts[0]))
            return r;
        return spec_layer_add_values(reader->layer, setting_of(field->offset), texts, pointer);
    case OCI_ELSEWHERE:
        return 0;
    case OCI_REFUSED:
        return says_nothing(value) ? 0 : not_supported(pointer, error);
    }
    return -EINVAL;
}

static const OciField *find_field(const OciField *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

int oci_read_object(OciReader *reader, const json_t *object, const OciField *fields, size_t count, const char *pointer,
                    Error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return oci_wrong(pointer, "an object", error);
    json_object_foreach((json_t *) (uintptr_t) object, key, value)
    {
        const OciField *field = find_field(fields, count, key);
        _cleanup_free_ char *place = pointer_below(pointer, key);
        int r = place ? 0 : -ENOMEM;

        if (r == 0 && !field)
            r = strv_append_format(&reader->notices, "%s: is not known and ignored", place);
        else if (r == 0 && !json_is_null(value))
            r = read_value(reader, field, value, place, error);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_required && !json_object_get(object, fields[i].name))
            return error_set(error, -EINVAL, "%s/%s: is missing", pointer, fields[i].name);
    return 0;
}

int oci_read_array(OciReader *reader, const json_t *array,
                   int (*read)(OciReader *reader, const json_t *value, const char *pointer, Error *error),
                   const char *pointer, Error *error)
{
    int r = json_is_array(array) ? 0 : oci_wrong(pointer, "an array", error);

    for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
        _cleanup_free_ char *place = text_format("%s/%zu", pointer, i);

        r = place ? read(reader, json_array_get(array, i), place, error) : -ENOMEM;
    }
    return r;
}

/* A path that may be relative to the bundle. */
static char *from_bundle(const OciReader *reader, const char *path)
{
    return path_is_absolute(path) ? strdup(path) : text_format("%s/%s", reader->bundle_path, path);
}

/* MAJOR.MINOR.PATCH: 1 is the major version that is understood, and within it newer ones only add. */
static int read_version(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    const char *version = NULL;
    int r = oci_read_text(value, pointer, &version, error);

    if (r < 0)
        return r;
    if (!text_after_prefix(version, "1."))
        return error_set(error, -EOPNOTSUPP, "%s: '%s' is not a version that is understood: 1.0 to 1.3", pointer,
                         version);
    return oci_add(reader, AT(bundle), "yes", pointer);
}

static int read_root_path(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    _cleanup_free_ char *path = NULL;
    const char *text = NULL;
    int r = oci_read_text(value, pointer, &text, error);

    if (r < 0)
        return r;
    if (!*text)
        return error_set(error, -EINVAL, "%s: is empty", pointer);
    path = from_bundle(reader, text);
    return path ? oci_add(reader, AT(host_directory), path, pointer) : -ENOMEM;
}

typedef struct MountWords {
    const char *type, *source, *target;
    char **options;
} MountWords;

/* A bind mount by its type or by its options. */
static bool is_bind(const MountWords *mount)
{
    return (mount->type && strcmp(mount->type, "bind") == 0) || strv_contains(mount->options, "bind") ||
           strv_contains(mount->options, "rbind");
}

static int add_mount(OciReader *reader, const MountWords *mount, const char *pointer)
{
    _cleanup_free_ char *source = NULL, *target = NULL;
    _cleanup_strv_ char **words = NULL;
    int r;

    source = is_bind(mount) && mount->source ? from_bundle(reader, mount->source)
                                             : strdup(mount->source ? mount->source : "none");
    target = text_format("%s%s", path_is_absolute(mount->target) ? "" : "/", mount->target);
    if (!source || !target)
        return -ENOMEM;
    r = strv_append(&words, mount->type ? mount->type : "");
    if (r == 0)
        r = strv_append(&words, source);
    if (r == 0)
        r = strv_append(&words, target);
    if (r == 0)
        r = strv_extend(&words, mount->options);
    return r < 0 ? r : spec_layer_add_values(reader->layer, setting_of_pointer("/mounts"), words, pointer);
}

static int read_mount(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "destination", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "type", .kind = OCI_ELSEWHERE},
        {.name = "source", .kind = OCI_ELSEWHERE},
        {.name = "options", .kind = OCI_ELSEWHERE},
        {.name = "uidMappings", .kind = OCI_REFUSED},
        {.name = "gidMappings", .kind = OCI_REFUSED},
    };
    MountWords mount = {};
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"destination", &mount.target}, {"type", &mount.type}, {"source", &mount.source}};
    json_t *options = json_object_get(value, "options");
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    for (size_t i = 0; i < ELEMENTSOF(texts) && r == 0; i++) {
        _cleanup_free_ char *place = pointer_below(pointer, texts[i].name);
        json_t *text = json_object_get(value, texts[i].name);

        if (text && !json_is_null(text))
            r = place ? oci_read_text(text, place, texts[i].text, error) : -ENOMEM;
    }
    if (r == 0 && options && !json_is_null(options)) {
        _cleanup_free_ char *place = pointer_below(pointer, "options");

        r = place ? oci_read_texts(options, place, &mount.options, error) : -ENOMEM;
    }
    if (r == 0 && !mount.target)
        r = error_set(error, -EINVAL, "%s/destination: is missing", pointer);
    if (r == 0)
        r = add_mount(reader, &mount, pointer);
    strv_free(mount.options);
    return r;
}

static int read_mounts(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_mount, pointer, error);
}

static const OciField root_fields[] = {
    {.name = "path", .kind = OCI_READ, .read = read_root_path, .is_required = true},
    {.name = "readonly", .kind = OCI_BOOLEAN, .offset = AT(read_only)},
};

static const OciField top_fields[] = {
    {.name = "ociVersion", .kind = OCI_READ, .read = read_version, .is_required = true},
    {.name = "root", .kind = OCI_OBJECT, OCI_FIELDS(root_fields), .is_required = true},
    {.name = "mounts", .kind = OCI_READ, .read = read_mounts},
    {.name = "process", .kind = OCI_READ, .read = oci_read_process, .is_required = true},
    {.name = "hostname", .kind = OCI_TEXT, .offset = AT(hostname)},
    {.name = "domainname", .kind = OCI_TEXT, .offset = AT(domainname)},
    {.name = "hooks", .kind = OCI_READ, .read = oci_read_hooks},
    {.name = "annotations", .kind = OCI_ELSEWHERE}, /* `state` tells them */
    {.name = "linux", .kind = OCI_READ, .read = oci_read_linux, .is_required = true},
    /* Of other systems: a configuration that has one of them is none for Linux. */
    {.name = "solaris", .kind = OCI_REFUSED},
    {.name = "windows", .kind = OCI_REFUSED},
    {.name = "vm", .kind = OCI_REFUSED},
    {.name = "zos", .kind = OCI_REFUSED},
    {.name = "freebsd", .kind = OCI_REFUSED},
};

/* Infinity is written as the largest number of 64 bits, which is one bit more than the parser has; here it is -1, as elsewhere
 * in the configuration. In place: the text becomes no longer. */
static void shorten_infinity(char *text)
{
    static const char infinity[] = "18446744073709551615";
    bool is_string = false;
    char *to = text;

    for (const char *from = text; *from;) {
        if (*from == '\\' && is_string && from[1])
            *to++ = *from++;
        else if (*from == '"')
            is_string = !is_string;
        else if (!is_string && text_after_prefix(from, infinity) &&
                 (from == text || !strchr("0123456789.-+eE", to[-1])) &&
                 !strchr("0123456789.eE", from[sizeof(infinity) - 1])) {
            *to++ = '-';
            *to++ = '1';
            from += sizeof(infinity) - 1;
            continue;
        }
        *to++ = *from++;
    }
    *to = 0;
}

static int parse(const char *text, size_t size, json_t **ret, Error *error)
{
    _cleanup_free_ char *copy = NULL;
    int r;

    if (size > OCI_RUNTIME_CONFIG_MAX_BYTES)
        return error_set(error, -EFBIG, "config.json: is larger than %u bytes", OCI_RUNTIME_CONFIG_MAX_BYTES);
    if (memchr(text, 0, size))
        return error_set(error, -EBADMSG, "config.json: holds a NUL");
    copy = strndup(text, size);
    if (!copy)
        return -ENOMEM;
    shorten_infinity(copy);
    r = json_parse_object(copy, strlen(copy), ret, error);
    return r < 0 ? error_prefix(error, r, "config.json") : 0;
}

int oci_runtime_parse(const char *text, size_t size, const char *bundle_path, SpecLayer **ret, char ***ret_notices,
                      Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(TRUST_ADMIN);
    OciReader reader = {.layer = layer, .bundle_path = bundle_path};
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (!layer)
        return -ENOMEM;
    r = parse(text, size, &json, error);
    if (r < 0)
        return r;
    r = oci_read_object(&reader, json, top_fields, ELEMENTSOF(top_fields), "config.json#", error);
    if (r < 0) {
        strv_free(reader.notices);
        return r;
    }
    *ret = TAKE_PTR(layer);
    *ret_notices = reader.notices;
    return 0;
}
