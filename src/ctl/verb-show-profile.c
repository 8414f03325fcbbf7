/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show-profile: what the isolation profiles are, from the tables that containers are made by. */

#include "ctl/ctl.h"
#include "ctl/table.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/seccomp-profile.h"
#include "spec/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH 22
#define LINE_WIDTH  110

enum { LIST_NAME, LIST_DESCRIPTION };

static const TableColumn columns[] = {
    [LIST_NAME] = {"PROFILE", "name", 0},
    [LIST_DESCRIPTION] = {"DESCRIPTION", "description", 0},
};

/* A profile in the form that is shown. Lists may be NULL, which is empty. */
typedef struct Shown {
    const Profile *profile;
    char **capabilities, **masked, **read_only, **devices, **unit_properties, **namespaces;
    char **allowed, **checked, **refused; /* system calls; "NAME: how" but for the allowed ones */
} Shown;

static void shown_done(Shown *shown)
{
    strv_free(shown->capabilities);
    strv_free(shown->masked);
    strv_free(shown->read_only);
    strv_free(shown->devices);
    strv_free(shown->unit_properties);
    strv_free(shown->namespaces);
    strv_free(shown->allowed);
    strv_free(shown->checked);
    strv_free(shown->refused);
}

static int add_call(Shown *shown, SeccompProfile filter, const char *name)
{
    SeccompVerdict verdict = seccomp_profile_decide(filter, shown->profile->capabilities, name);

    if (verdict.refusal != 0)
        return strv_append_format(&shown->refused, "%s: %s", name, strerrorname_np(verdict.refusal));
    if (verdict.check)
        return strv_append_format(&shown->checked, "%s: %s", name, verdict.check->name);
    return strv_append(&shown->allowed, name);
}

/* Every call that the table names, once. */
static int add_calls(Shown *shown)
{
    SeccompProfile filter = seccomp_profile_from_string(shown->profile->seccomp);
    _cleanup_strv_ char **names = NULL;
    size_t count = 0;
    const SeccompRow *rows = seccomp_profile_rows(&count);
    int r = 0;

    if (filter == SECCOMP_PROFILE_UNCONFINED)
        return 0;
    for (size_t i = 0; i < count && r == 0; i++)
        for (const char *at = rows[i].names; *at && r == 0; at += strspn(at, " ")) {
            size_t length = strcspn(at, " ");
            _cleanup_free_ char *name = strndup(at, length);

            if (!name)
                return -ENOMEM;
            if (!strv_contains(names, name))
                r = strv_push(&names, TAKE_PTR(name));
            at += length;
        }
    strv_sort(names);
    for (size_t i = 0; r == 0 && names && names[i]; i++)
        r = add_call(shown, filter, names[i]);
    return r;
}

static int add_unit_properties(Shown *shown)
{
    const Profile *profile = shown->profile;
    int r = strv_append_format(&shown->unit_properties, "TasksMax=%s", profile->tasks_max);

    if (r == 0 && profile->device_policy)
        r = strv_append_format(&shown->unit_properties, "DevicePolicy=%s", profile->device_policy);
    if (r == 0 && profile->devices_allow)
        r = strv_append_format(&shown->unit_properties, "DeviceAllow=%s", profile->devices_allow);
    return r;
}

static int shown_make(const Profile *profile, Shown *ret)
{
    Shown *shown = ret;
    int r = 0;

    shown->profile = profile;
    for (unsigned i = 0; i <= CAPABILITY_LAST && r == 0; i++)
        if (profile->capabilities & (UINT64_C(1) << i))
            r = strv_append(&shown->capabilities, capability_name(i));
    if (r == 0)
        r = strv_extend(&shown->masked, (char *const *) (uintptr_t) profile->masked_paths);
    if (r == 0)
        r = strv_extend(&shown->read_only, (char *const *) (uintptr_t) profile->read_only_paths);
    if (r == 0 && !profile->has_writable_sys)
        r = strv_append(&shown->read_only, "/sys");
    if (r == 0 && !profile->has_writable_cgroup)
        r = strv_append(&shown->read_only, "/sys/fs/cgroup");
    for (const ProfileDevice *device = profile_devices; device->path && r == 0; device++)
        r = strv_append_format(&shown->devices, "%s %u:%u", device->path, device->major, device->minor);
    if (r == 0)
        r = add_unit_properties(shown);
    if (r == 0)
        r = strv_extend(&shown->namespaces, (char *const *) (uintptr_t) profile_namespaces);
    return r == 0 ? add_calls(shown) : r;
}

/* "     label: one two three" in as many lines as it takes. */
static void print_list(const char *label, char *const *items, const char *when_empty)
{
    size_t column = LABEL_WIDTH + 1;

    printf("%*s:", LABEL_WIDTH, label);
    if (!items || !items[0])
        printf(" %s", when_empty);
    STRV_FOREACH (item, items) {
        size_t width = strlen(*item) + 1 + (item[1] ? 1 : 0);

        if (column + width > LINE_WIDTH && column > LABEL_WIDTH + 1) {
            printf("\n%*s", LABEL_WIDTH + 1, "");
            column = LABEL_WIDTH + 1;
        }
        printf(" %s%s", *item, item[1] ? "," : "");
        column += width;
    }
    puts("");
}

static void print_shown(const Shown *shown)
{
    const Profile *profile = shown->profile;
    bool has_filter = shown->allowed != NULL;

    printf("%*s: %s\n", LABEL_WIDTH, "Profile", profile->name);
    printf("%*s: %s\n", LABEL_WIDTH, "Description", profile->description);
    print_list("Capabilities", shown->capabilities, "none");
    printf("%*s: %s\n", LABEL_WIDTH, "No new privileges", profile->no_new_privileges ? "yes" : "no");
    print_list("Own namespaces", shown->namespaces, "none");
    print_list("Masked paths", shown->masked, "none");
    print_list("Read-only paths", shown->read_only, "none");
    print_list("Device nodes", shown->devices, "none");
    print_list("Unit properties", shown->unit_properties, "none");
    printf("%*s: %s\n", LABEL_WIDTH, "System call filter", profile->seccomp);
    if (!has_filter)
        return;
    print_list("Calls allowed", shown->allowed, "none");
    print_list("By their arguments", shown->checked, "none");
    print_list("Refused", shown->refused, "none");
    printf("%*s: %s\n", LABEL_WIDTH, "All others", "ENOSYS");
}

static json_t *list_json(char *const *items)
{
    json_t *array = json_array();

    STRV_FOREACH (item, items)
        if (json_array_append_new(array, json_string(*item)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* "NAME: how" as members. */
static json_t *calls_json(char *const *items)
{
    json_t *object = json_object();

    STRV_FOREACH (item, items) {
        size_t length = strcspn(*item, ":");
        _cleanup_free_ char *name = strndup(*item, length);

        if (!name || json_object_set_new(object, name, json_string(*item + length + 2)) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *shown_json(const Shown *shown)
{
    const Profile *profile = shown->profile;

    return json_pack("{s:s, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:o, s:o, s:o, s:s?}}", "name",
                     profile->name, "description", profile->description, "capabilities", list_json(shown->capabilities),
                     "no_new_privileges", profile->no_new_privileges, "needs_user_namespace",
                     profile->needs_user_namespace, "namespaces", list_json(shown->namespaces), "masked_paths",
                     list_json(shown->masked), "read_only_paths", list_json(shown->read_only), "devices",
                     list_json(shown->devices), "unit_properties", list_json(shown->unit_properties), "seccomp",
                     "profile", profile->seccomp, "allowed", list_json(shown->allowed), "checked",
                     calls_json(shown->checked), "refused", calls_json(shown->refused), "otherwise",
                     shown->allowed ? "ENOSYS" : NULL);
}

static int show_one(const Profile *profile, json_t *array)
{
    _cleanup_(shown_done) Shown shown = {};
    int r = shown_make(profile, &shown);

    if (r < 0)
        return r;
    if (array)
        return json_array_append_new(array, shown_json(&shown)) < 0 ? -ENOMEM : 0;
    print_shown(&shown);
    return 0;
}

static int list_all(const Ctl *ctl)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = 0;

    for (size_t i = 0; i < profiles_count && r == 0; i++) {
        r = table ? table_add_row(table) : -ENOMEM;
        if (r == 0)
            r = table_set(table, LIST_NAME, profiles[i].name);
        if (r == 0)
            r = table_set(table, LIST_DESCRIPTION, profiles[i].description);
    }
    return r < 0 ? r : table_print(table, !ctl->no_legend);
}

static int show_words(const Ctl *ctl, json_t *array, Error *error)
{
    int r = 0;

    STRV_FOREACH (word, ctl->words) {
        const Profile *profile = profile_find(*word);

        if (!profile)
            return error_hint(error, error_set(error, -ENOENT, "there is no profile '%s'", *word),
                              "berthctl show-profile lists them");
        if (word != ctl->words && !array)
            puts("");
        r = show_one(profile, array);
        if (r < 0)
            break;
    }
    return r;
}

int verb_show_profile(Ctl *ctl, Error *error)
{
    _cleanup_json_ json_t *array = ctl->json ? json_array() : NULL;
    int r = output_format_check(ctl->output, "table json", error);

    if (r < 0)
        return r;
    if (strv_length(ctl->words) > 0)
        r = show_words(ctl, array, error);
    else if (!array)
        return list_all(ctl);
    for (size_t i = 0; strv_length(ctl->words) == 0 && r == 0 && i < profiles_count; i++)
        r = show_one(&profiles[i], array);
    return r == 0 && array ? json_print(array) : r;
}
