/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "config.md#process" and "config.md#posix-platform-hooks" of the OCI runtime specification. */

#include "inputs/oci-internal.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define AT(member) offsetof(ContainerSpec, member)
#define UMASK_MAX  0777

static int read_id(const json_t *object, const char *pointer, const char *name, int64_t *ret, Error *error)
{
    _cleanup_free_ char *place = text_format("%s/%s", pointer, name);
    const json_t *value = json_object_get(object, name);
    int r = place ? 0 : -ENOMEM;

    if (r == 0 && value)
        r = oci_read_number(value, place, ret, error);
    if (r == 0 && (*ret < 0 || *ret >= UINT32_MAX))
        r = oci_wrong(place, "an id", error);
    return r;
}

static int read_group(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    char text[24];
    int64_t gid = 0;
    int r = oci_read_number(value, pointer, &gid, error);

    if (r == 0 && (gid < 0 || gid >= UINT32_MAX))
        r = oci_wrong(pointer, "an id", error);
    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%lld", (long long) gid);
    return oci_add(reader, AT(additional_gids), text, pointer);
}

static int read_groups(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_group, pointer, error);
}

static int read_umask(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    char text[24];
    int64_t mask = 0;
    int r = oci_read_number(value, pointer, &mask, error);

    if (r == 0 && (mask < 0 || mask > UMASK_MAX))
        r = oci_wrong(pointer, "a file mode creation mask", error);
    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%lld", (long long) mask);
    return oci_add(reader, AT(umask), text, pointer);
}

static int read_user(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "uid", .kind = OCI_ELSEWHERE},
        {.name = "gid", .kind = OCI_ELSEWHERE},
        {.name = "umask", .kind = OCI_READ, .read = read_umask},
        {.name = "additionalGids", .kind = OCI_READ, .read = read_groups},
        {.name = "username", .kind = OCI_REFUSED}, /* of Windows */
    };
    int64_t uid = 0, gid = 0;
    char text[48];
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = read_id(value, pointer, "uid", &uid, error);
    if (r == 0)
        r = read_id(value, pointer, "gid", &gid, error);
    if (r < 0)
        return r;
    snprintf(text, sizeof(text), "%lld:%lld", (long long) uid, (long long) gid);
    return oci_add(reader, AT(user), text, pointer);
}

/* RLIMIT_NOFILE: "nofile=SOFT:HARD" here. */
static int read_limit(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "type", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "soft", .kind = OCI_ELSEWHERE, .is_required = true},
        {.name = "hard", .kind = OCI_ELSEWHERE, .is_required = true},
    };
    _cleanup_free_ char *text = NULL;
    const char *type, *name;
    json_t *soft = json_object_get(value, "soft"), *hard = json_object_get(value, "hard");
    int r = oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);

    if (r == 0)
        r = oci_read_text(json_object_get(value, "type"), pointer, &type, error);
    if (r < 0)
        return r;
    name = text_after_prefix(type, "RLIMIT_");
    if (!name || strchr(name, '='))
        return error_set(error, -EINVAL, "%s/type: '%s' is not a resource limit", pointer, type);
    if (!json_is_integer(soft) || !json_is_integer(hard))
        return oci_wrong(pointer, "a pair of integers", error);
    text =
        text_format("%s=%lld:%lld", name, (long long) json_integer_value(soft), (long long) json_integer_value(hard));
    if (!text)
        return -ENOMEM;
    for (char *c = text; *c != '='; c++)
        *c = (char) tolower((unsigned char) *c);
    return oci_add(reader, AT(limits), text, pointer);
}

static int read_limits(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_array(reader, value, read_limit, pointer, error);
}

static const OciField capabilities_fields[] = {
    {.name = "bounding", .kind = OCI_LIST, .offset = AT(capability_names[CAPABILITY_SET_BOUNDING])},
    {.name = "effective", .kind = OCI_LIST, .offset = AT(capability_names[CAPABILITY_SET_EFFECTIVE])},
    {.name = "inheritable", .kind = OCI_LIST, .offset = AT(capability_names[CAPABILITY_SET_INHERITABLE])},
    {.name = "permitted", .kind = OCI_LIST, .offset = AT(capability_names[CAPABILITY_SET_PERMITTED])},
    {.name = "ambient", .kind = OCI_LIST, .offset = AT(capability_names[CAPABILITY_SET_AMBIENT])},
};

/* Whoever calls reads it beside the spec: it is the size of a window. */
static const OciField process_fields[] = {
    {.name = "terminal", .kind = OCI_BOOLEAN, .offset = AT(tty)},
    {.name = "consoleSize", .kind = OCI_ELSEWHERE},
    {.name = "cwd", .kind = OCI_TEXT, .offset = AT(working_directory), .is_required = true},
    {.name = "env", .kind = OCI_LIST, .offset = AT(environment)},
    {.name = "args", .kind = OCI_WORDS, .offset = AT(command), .is_required = true},
    {.name = "commandLine", .kind = OCI_REFUSED}, /* of Windows */
    {.name = "rlimits", .kind = OCI_READ, .read = read_limits},
    {.name = "apparmorProfile", .kind = OCI_REFUSED},
    {.name = "capabilities", .kind = OCI_OBJECT, OCI_FIELDS(capabilities_fields)},
    {.name = "noNewPrivileges", .kind = OCI_BOOLEAN, .offset = AT(no_new_privileges)},
    {.name = "oomScoreAdj", .kind = OCI_NUMBER, .offset = AT(oom_score_adjust)},
    {.name = "scheduler", .kind = OCI_REFUSED},
    {.name = "selinuxLabel", .kind = OCI_TEXT, .offset = AT(label_process)},
    {.name = "ioPriority", .kind = OCI_REFUSED},
    {.name = "execCPUAffinity", .kind = OCI_REFUSED},
    {.name = "user", .kind = OCI_READ, .read = read_user},
};

int oci_read_process(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    return oci_read_object(reader, value, process_fields, ELEMENTSOF(process_fields), pointer, error);
}

int oci_read_hooks(OciReader *reader, const json_t *value, const char *pointer, Error *error)
{
    static const OciField fields[] = {
        {.name = "prestart", .kind = OCI_REFUSED},        {.name = "createRuntime", .kind = OCI_REFUSED},
        {.name = "createContainer", .kind = OCI_REFUSED}, {.name = "startContainer", .kind = OCI_REFUSED},
        {.name = "poststart", .kind = OCI_REFUSED},       {.name = "poststop", .kind = OCI_REFUSED},
    };

    return oci_read_object(reader, value, fields, ELEMENTSOF(fields), pointer, error);
}
