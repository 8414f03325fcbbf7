/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps/steps.h"

#include "base/buffer.h"
#include "base/text.h"

#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>

typedef struct FlagName {
    uint64_t flag;
    const char *name;
} FlagName;

static const FlagName mount_flags[] = {
    {MOUNT_ATTR_RDONLY, "ro"},
    {MOUNT_ATTR_NOSUID, "nosuid"},
    {MOUNT_ATTR_NODEV, "nodev"},
    {MOUNT_ATTR_NOEXEC, "noexec"},
    {MOUNT_ATTR_NOATIME, "noatime"},
    {MOUNT_ATTR_STRICTATIME, "strictatime"},
    {MOUNT_ATTR_NODIRATIME, "nodiratime"},
    {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"},
};

static const FlagName namespace_flags[] = {
    {CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"},   {CLONE_NEWNET, "net"},       {CLONE_NEWIPC, "ipc"},
    {CLONE_NEWUTS, "uts"},  {CLONE_NEWUSER, "user"}, {CLONE_NEWCGROUP, "cgroup"}, {0x80, "time"},
};

static void describe_flags(Buffer *line, uint64_t flags, const FlagName *names, size_t count)
{
    const char *separator = "";

    for (size_t i = 0; i < count; i++)
        if (flags & names[i].flag) {
            buffer_append_format(line, "%s%s", separator, names[i].name);
            separator = ",";
            flags &= ~names[i].flag;
        }
    if (flags || !*separator)
        buffer_append_format(line, "%s%#llx", separator, (unsigned long long) flags);
}

static void describe_list(Buffer *line, const char *const *list, bool is_secret)
{
    buffer_append_string(line, "[");
    for (size_t i = 0; list[i]; i++) {
        _cleanup_free_ char *key = is_secret ? strndup(list[i], strcspn(list[i], "=")) : NULL;
        _cleanup_free_ char *quoted = is_secret && !key ? NULL : text_quote_word(key ? key : list[i]);

        buffer_append_format(line, "%s%s", i > 0 ? " " : "", quoted ? quoted : "?");
    }
    buffer_append_string(line, "]");
}

static bool is_default(const void *member, StepFieldType type)
{
    if (type == STEP_FIELD_STRING || type == STEP_FIELD_LIST || type == STEP_FIELD_SECRETS)
        return *(const void *const *) member == NULL;
    if (type == STEP_FIELD_BYTES) /* its size is behind the pointer */
        return *(const uint64_t *) ((const char *) member + sizeof(void *)) == 0;
    return *(const uint64_t *) member == 0;
}

static void describe_field(Buffer *line, const StepField *field, const void *member)
{
    bool is_pointer =
        field->type == STEP_FIELD_STRING || field->type == STEP_FIELD_LIST || field->type == STEP_FIELD_SECRETS;
    unsigned long long number = is_pointer ? 0 : *(const uint64_t *) member;

    buffer_append_format(line, " %s=", field->name);
    switch (field->type) {
    case STEP_FIELD_STRING: {
        _cleanup_free_ char *quoted = text_quote_word(*(const char *const *) member);

        buffer_append_string(line, quoted ? quoted : "?");
        break;
    }
    case STEP_FIELD_LIST:
    case STEP_FIELD_SECRETS:
        describe_list(line, *(const char *const *const *) member, field->type == STEP_FIELD_SECRETS);
        break;
    case STEP_FIELD_BYTES:
        buffer_append_format(line, "%llu bytes",
                             (unsigned long long) *(const uint64_t *) ((const char *) member + sizeof(void *)));
        break;
    case STEP_FIELD_OCTAL:
        buffer_append_format(line, "0%llo", number);
        break;
    case STEP_FIELD_HEX:
    case STEP_FIELD_FLAGS_CAPABILITY:
        buffer_append_format(line, "%#llx", number);
        break;
    case STEP_FIELD_FLAGS_MOUNT:
        describe_flags(line, number, mount_flags, ELEMENTSOF(mount_flags));
        break;
    case STEP_FIELD_FLAGS_NAMESPACE:
        describe_flags(line, number, namespace_flags, ELEMENTSOF(namespace_flags));
        break;
    case STEP_FIELD_IPV4:
        buffer_append_format(line, "%llu.%llu.%llu.%llu", number >> 24 & 255, number >> 16 & 255, number >> 8 & 255,
                             number & 255);
        break;
    case STEP_FIELD_NUMBER:
        buffer_append_format(line, "%llu", number);
    }
}

char *step_describe(const Step *step)
{
    static const char *const places[] = {[STEP_HOST] = "host", [STEP_INNER] = "inner", [STEP_OUTER] = "outer"};
    const StepKindRow *row = &step_kinds[step->kind];
    _cleanup_buffer_ Buffer line = {};

    buffer_append_format(&line, "%-5s %s", places[step_where(step)], row->name);
    for (size_t i = 0; i < row->fields_count; i++) {
        const void *member = (const char *) step + row->fields[i].offset;

        if (!is_default(member, row->fields[i].type))
            describe_field(&line, &row->fields[i], member);
    }
    return buffer_take(&line);
}

char *step_label(const Step *step)
{
    static const char *const subjects[] = {"target", "path", "host_path", "name", "user", "profile"};
    const StepKindRow *row = &step_kinds[step->kind];

    for (size_t i = 0; i < ELEMENTSOF(subjects); i++)
        for (size_t k = 0; k < row->fields_count; k++) {
            const void *member = (const char *) step + row->fields[k].offset;

            if (row->fields[k].type == STEP_FIELD_STRING && strcmp(row->fields[k].name, subjects[i]) == 0 &&
                *(const char *const *) member)
                return text_format("%s %s", row->name, *(const char *const *) member);
        }
    return strdup(row->name);
}
