/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp-json.h"

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#define POINTER_MAX 128
#define NAMES_MAX   2048
#define ERRNO_MAX   4095 /* SECCOMP_RET_DATA of the kernel takes more, libc does not */
#define ERRNO_KNOWN 256

/* What a profile calls the processor that this is built for. */
#if defined(__x86_64__)
#define NATIVE        "SCMP_ARCH_X86_64"
#define NATIVE_DOCKER "amd64"
#elif defined(__aarch64__)
#define NATIVE        "SCMP_ARCH_AARCH64"
#define NATIVE_DOCKER "arm64"
#elif defined(__riscv)
#define NATIVE        "SCMP_ARCH_RISCV64"
#define NATIVE_DOCKER "riscv64"
#elif defined(__s390x__)
#define NATIVE        "SCMP_ARCH_S390X"
#define NATIVE_DOCKER "s390x"
#elif defined(__powerpc64__)
#define NATIVE        "SCMP_ARCH_PPC64LE"
#define NATIVE_DOCKER "ppc64le"
#else
#define NATIVE        ""
#define NATIVE_DOCKER ""
#endif

/* An object and where it is. */
typedef struct Place {
    const json_t *value;
    char pointer[POINTER_MAX];
} Place;

static void rule_done(SeccompJsonRule *rule)
{
    strv_free(rule->names);
    free(rule->arguments);
    *rule = (SeccompJsonRule){};
}

void seccomp_json_done(SeccompJson *json)
{
    strv_free(json->architectures);
    for (size_t i = 0; i < json->rules_count; i++)
        rule_done(&json->rules[i]);
    free(json->rules);
    *json = (SeccompJson){};
}

static int refuse(Error *error, const Place *place, const char *key, const char *what)
{
    return error_set(error, -EINVAL, "%s%s%s: %s", place->pointer, key ? "/" : "", key ? key : "", what);
}

/* 0: the member is there and of the type; 1: it is not there, or null. */
static int get(const Place *place, const char *key, json_type type, Place *ret, Error *error)
{
    static const char *const names[] = {[JSON_OBJECT] = "an object",
                                        [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a string",
                                        [JSON_INTEGER] = "an integer"};
    const json_t *value = json_object_get(place->value, key);

    if (!value || json_is_null(value))
        return 1;
    if (json_typeof(value) != type)
        return error_set(error, -EINVAL, "%s/%s: is not %s", place->pointer, key, names[type]);
    ret->value = value;
    (void) snprintf(ret->pointer, sizeof(ret->pointer), "%.90s/%.30s", place->pointer, key);
    return 0;
}

static int get_item(const Place *array, size_t number, json_type type, Place *ret, Error *error)
{
    const json_t *value = json_array_get(array->value, number);

    (void) snprintf(ret->pointer, sizeof(ret->pointer), "%.90s/%zu", array->pointer, number);
    if (json_typeof(value) != type)
        return error_set(error, -EINVAL, "%s: is not %s", ret->pointer, type == JSON_OBJECT ? "an object" : "a string");
    ret->value = value;
    return 0;
}

/* A member that is not understood could be one that takes something away. */
static int check_members(const Place *place, const char *const *known, Error *error)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *) (uintptr_t) place->value, key, value)
    {
        bool is_known = false;

        for (size_t i = 0; known[i]; i++)
            is_known = is_known || strcmp(known[i], key) == 0;
        if (!is_known)
            return refuse(error, place, key, "is not a member that is known here");
    }
    return 0;
}

static int get_strings(const Place *place, const char *key, char ***ret, Error *error)
{
    _cleanup_strv_ char **list = NULL;
    Place array = {}, item = {};
    int r = get(place, key, JSON_ARRAY, &array, error);

    if (r != 0)
        return r < 0 ? r : 0;
    if (json_array_size(array.value) > NAMES_MAX)
        return refuse(error, &array, NULL, "has too many items");
    for (size_t i = 0; r == 0 && i < json_array_size(array.value); i++) {
        r = get_item(&array, i, JSON_STRING, &item, error);
        if (r == 0)
            r = strv_append(&list, json_string_value(item.value));
    }
    if (r == 0)
        *ret = TAKE_PTR(list);
    return r;
}

static int get_unsigned(const Place *place, const char *key, uint64_t most, uint64_t *ret, Error *error)
{
    Place member = {};
    int r = get(place, key, JSON_INTEGER, &member, error);

    if (r != 0)
        return r;
    if (json_integer_value(member.value) < 0 || (uint64_t) json_integer_value(member.value) > most)
        return refuse(error, &member, NULL, "is out of range");
    *ret = (uint64_t) json_integer_value(member.value);
    return 0;
}

/* As a number under one key (docker), or by name under another (podman). */
static int get_errno(const Place *place, const char *number_key, const char *name_key, uint32_t *ret, Error *error)
{
    Place name = {};
    uint64_t number = EPERM;
    int r = get_unsigned(place, number_key, ERRNO_MAX, &number, error);

    if (r < 0)
        return r;
    *ret = (uint32_t) number;
    r = get(place, name_key, JSON_STRING, &name, error);
    if (r != 0 || json_string_length(name.value) == 0)
        return r < 0 ? r : 0;
    for (int i = 1; i < ERRNO_KNOWN; i++) {
        const char *known = strerrorname_np(i);

        if (known && strcmp(known, json_string_value(name.value)) == 0) {
            *ret = (uint32_t) i;
            return 0;
        }
    }
    return refuse(error, &name, NULL, "is not the name of an error");
}

static int get_action(const Place *place, const char *key, uint32_t number, uint32_t *ret, Error *error)
{
    const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
        {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(number)},
        {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
        {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
        {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"SCMP_ACT_LOG", SCMP_ACT_LOG},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    };
    Place member = {};
    int r = get(place, key, JSON_STRING, &member, error);

    if (r != 0)
        return r < 0 ? r : refuse(error, place, key, "is missing");
    for (size_t i = 0; i < ELEMENTSOF(actions); i++)
        if (strcmp(actions[i].name, json_string_value(member.value)) == 0) {
            *ret = actions[i].action;
            return 0;
        }
    return refuse(
        error, &member, NULL,
        "is not an action that can be had: SCMP_ACT_ALLOW, ERRNO, KILL, KILL_THREAD, KILL_PROCESS, LOG or TRAP");
}

static int get_compare(const Place *place, int *ret, Error *error)
{
    static const struct {
        const char *name;
        int compare;
    } operators[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    Place member = {};
    int r = get(place, "op", JSON_STRING, &member, error);

    if (r != 0)
        return r < 0 ? r : refuse(error, place, "op", "is missing");
    for (size_t i = 0; i < ELEMENTSOF(operators); i++)
        if (strcmp(operators[i].name, json_string_value(member.value)) == 0) {
            *ret = operators[i].compare;
            return 0;
        }
    return refuse(error, &member, NULL, "is not an operator, such as SCMP_CMP_EQ");
}

static int read_argument(const Place *place, SeccompJsonArgument *ret, Error *error)
{
    static const char *const known[] = {"index", "value", "valueTwo", "op", NULL};
    uint64_t index = 0;
    int r = check_members(place, known, error);

    if (r == 0)
        r = get_unsigned(place, "index", 5, &index, error);
    if (r == 1)
        return refuse(error, place, "index", "is missing");
    ret->index = (unsigned) index;
    if (r == 0)
        r = get_unsigned(place, "value", INT64_MAX, &ret->value, error);
    if (r >= 0)
        r = get_unsigned(place, "valueTwo", INT64_MAX, &ret->value_two, error);
    return r < 0 ? r : get_compare(place, &ret->compare, error);
}

static int read_arguments(const Place *place, SeccompJsonRule *rule, Error *error)
{
    Place array = {}, item = {};
    int r = get(place, "args", JSON_ARRAY, &array, error);
    size_t count = r == 0 ? json_array_size(array.value) : 0;

    if (r < 0 || count == 0)
        return r < 0 ? r : 0;
    if (count > SECCOMP_JSON_ARGUMENTS_MAX)
        return refuse(error, &array, NULL, "has too many items");
    rule->arguments = calloc(count, sizeof(SeccompJsonArgument));
    if (!rule->arguments)
        return -ENOMEM;
    for (; rule->arguments_count < count && r == 0; rule->arguments_count++) {
        r = get_item(&array, rule->arguments_count, JSON_OBJECT, &item, error);
        if (r == 0)
            r = read_argument(&item, &rule->arguments[rule->arguments_count], error);
    }
    return r;
}

/* "4.8": whether this kernel is at least that. */
static int kernel_is_at_least(const Place *place, const SeccompJsonFacts *facts, bool *ret, Error *error)
{
    unsigned version = 0, level = 0;
    int end = 0, r;
    Place member = {};

    *ret = true;
    r = get(place, "minKernel", JSON_STRING, &member, error);
    if (r != 0 || json_string_length(member.value) == 0)
        return r < 0 ? r : 0;
    if (!isdigit((unsigned char) json_string_value(member.value)[0]) ||
        sscanf(json_string_value(member.value), "%4u.%4u%n", &version, &level, &end) != 2 ||
        json_string_value(member.value)[end] != 0)
        return refuse(error, &member, NULL, "is not the version of a kernel, such as 4.8");
    *ret = facts->kernel[0] > version || (facts->kernel[0] == version && facts->kernel[1] >= level);
    return 0;
}

/* "includes" and "excludes": what of it holds here. */
typedef struct Condition {
    bool has_architectures, has_architecture;
    bool has_capabilities, has_every_capability, has_any_capability;
    bool has_kernel, is_kernel;
} Condition;

static int read_condition(const Place *place, const char *key, const SeccompJsonFacts *facts, Condition *ret,
                          Error *error)
{
    static const char *const known[] = {"caps", "arches", "minKernel", NULL};
    _cleanup_strv_ char **capabilities = NULL, **architectures = NULL;
    Place object = {};
    int r = get(place, key, JSON_OBJECT, &object, error);

    *ret = (Condition){.has_every_capability = true};
    if (r != 0)
        return r < 0 ? r : 0;
    r = check_members(&object, known, error);
    if (r == 0)
        r = get_strings(&object, "caps", &capabilities, error);
    if (r == 0)
        r = get_strings(&object, "arches", &architectures, error);
    if (r == 0)
        r = kernel_is_at_least(&object, facts, &ret->is_kernel, error);
    for (size_t i = 0; r == 0 && capabilities && capabilities[i]; i++) {
        uint64_t mask = 0;

        r = facts->parse_capability(capabilities[i], &mask, error);
        if (r < 0)
            return error_prefix(error, r, "%s/caps/%zu", object.pointer, i);
        ret->has_any_capability = ret->has_any_capability || (facts->capabilities & mask) != 0;
        ret->has_every_capability = ret->has_every_capability && (facts->capabilities & mask) == mask;
    }
    ret->has_kernel = json_string_length(json_object_get(object.value, "minKernel")) > 0;
    ret->has_capabilities = strv_length(capabilities) > 0;
    ret->has_architectures = strv_length(architectures) > 0;
    ret->has_architecture = strv_contains(architectures, NATIVE_DOCKER);
    return r;
}

static int conditions_hold(const Place *place, const SeccompJsonFacts *facts, bool *ret, Error *error)
{
    Condition included = {}, excluded = {};
    int r = read_condition(place, "includes", facts, &included, error);

    if (r == 0)
        r = read_condition(place, "excludes", facts, &excluded, error);
    *ret = !(included.has_architectures && !included.has_architecture) && included.has_every_capability &&
           !(included.has_kernel && !included.is_kernel) && !excluded.has_architecture &&
           !excluded.has_any_capability && !(excluded.has_kernel && excluded.is_kernel);
    return r;
}

/* 0, or 1 when its conditions do not hold. */
static int read_rule(const Place *place, const SeccompJsonFacts *facts, SeccompJsonRule *rule, Error *error)
{
    static const char *const known[] = {"names", "name",    "action",   "errnoRet", "errno",
                                        "args",  "comment", "includes", "excludes", NULL};
    uint32_t number = 0;
    bool holds = false;
    Place name = {};
    int r = check_members(place, known, error);

    if (r == 0)
        r = get_strings(place, "names", &rule->names, error);
    if (r == 0)
        r = get(place, "name", JSON_STRING, &name, error);
    if (r == 0 && json_string_length(name.value) > 0)
        r = strv_append(&rule->names, json_string_value(name.value));
    if (r >= 0)
        r = get_errno(place, "errnoRet", "errno", &number, error);
    if (r == 0)
        r = get_action(place, "action", number, &rule->action, error);
    if (r == 0)
        r = read_arguments(place, rule, error);
    if (r == 0)
        r = conditions_hold(place, facts, &holds, error);
    if (r == 0 && strv_length(rule->names) == 0)
        return refuse(error, place, "names", "is missing or empty");
    return r < 0 ? r : !holds;
}

static int read_rules(const Place *top, const SeccompJsonFacts *facts, SeccompJson *json, Error *error)
{
    Place array = {}, item = {};
    int r = get(top, "syscalls", JSON_ARRAY, &array, error);
    size_t count = r == 0 ? json_array_size(array.value) : 0;

    if (r < 0 || count == 0)
        return r < 0 ? r : 0;
    if (count > NAMES_MAX)
        return refuse(error, &array, NULL, "has too many items");
    json->rules = calloc(count, sizeof(SeccompJsonRule));
    if (!json->rules)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        SeccompJsonRule rule = {.number = i};

        r = get_item(&array, i, JSON_OBJECT, &item, error);
        if (r == 0)
            r = read_rule(&item, facts, &rule, error);
        if (r == 0)
            json->rules[json->rules_count++] = rule;
        else
            rule_done(&rule);
        if (r < 0)
            return r;
    }
    return 0;
}

/* "SCMP_ARCH_X86_64" is libseccomp's "x86_64". */
static int add_architecture(char ***list, const char *name, const Place *place, Error *error)
{
    const char *last = text_after_prefix(name, "SCMP_ARCH_");
    _cleanup_free_ char *lower = NULL;

    if (!last || last[strspn(last, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != 0 || strlen(last) > 32)
        return refuse(error, place, NULL, "holds what is not an architecture, such as SCMP_ARCH_X86_64");
    lower = strdup(last);
    for (char *c = lower; c && *c; c++)
        *c = (char) tolower((unsigned char) *c);
    return lower ? strv_push(list, TAKE_PTR(lower)) : -ENOMEM;
}

static int read_map(const Place *map, char ***names, Error *error)
{
    static const char *const known[] = {"architecture", "subArchitectures", NULL};

    for (size_t i = 0; i < json_array_size(map->value); i++) {
        _cleanup_strv_ char **others = NULL;
        Place item = {}, name = {};
        int r = get_item(map, i, JSON_OBJECT, &item, error);

        if (r == 0)
            r = check_members(&item, known, error);
        if (r == 0)
            r = get(&item, "architecture", JSON_STRING, &name, error);
        if (r == 1)
            return refuse(error, &item, "architecture", "is missing");
        if (r == 0)
            r = get_strings(&item, "subArchitectures", &others, error);
        if (r == 0 && strcmp(json_string_value(name.value), NATIVE) == 0)
            r = strv_extend(names, others);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_architectures(const Place *top, SeccompJson *json, Error *error)
{
    _cleanup_strv_ char **names = strv_new(NATIVE, NULL);
    Place map = {}, list = {};
    int with_map = get(top, "archMap", JSON_ARRAY, &map, error), with_list, r;

    with_list = with_map < 0 ? with_map : get(top, "architectures", JSON_ARRAY, &list, error);
    if (with_list < 0 || !names)
        return with_list < 0 ? with_list : -ENOMEM;
    if (with_map == 0 && with_list == 0 && json_array_size(map.value) > 0 && json_array_size(list.value) > 0)
        return refuse(error, &list, NULL, "excludes archMap: both say what calls are filtered");
    r = with_map == 0 ? read_map(&map, &names, error) : 0;
    if (r == 0 && with_list == 0) {
        _cleanup_strv_ char **more = NULL;

        r = get_strings(top, "architectures", &more, error);
        STRV_FOREACH (name, more)
            if (r == 0 && !strv_contains(names, *name))
                r = strv_append(&names, *name);
    }
    STRV_FOREACH (name, names)
        if (r == 0)
            r = add_architecture(&json->architectures, *name,
                                 with_map == 0    ? &map
                                 : with_list == 0 ? &list
                                                  : top,
                                 error);
    return r;
}

int seccomp_json_parse(const char *text, size_t size, const SeccompJsonFacts *facts, SeccompJson *ret, Error *error)
{
    static const char *const known[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "archMap",
                                        "architectures", "syscalls",        "$schema",      NULL};
    _cleanup_json_ json_t *root = NULL;
    _cleanup_seccomp_json_ SeccompJson json = {};
    uint32_t number = 0;
    Place top = {};
    int r = json_parse_object(text, size, &root, error);

    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    top.value = root;
    r = check_members(&top, known, error);
    if (r == 0)
        r = get_errno(&top, "defaultErrnoRet", "defaultErrno", &number, error);
    if (r == 0)
        r = get_action(&top, "defaultAction", number, &json.default_action, error);
    if (r == 0)
        r = read_architectures(&top, &json, error);
    if (r == 0)
        r = read_rules(&top, facts, &json, error);
    if (r < 0)
        return r;
    *ret = json;
    json = (SeccompJson){};
    return 0;
}
