/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show: everything that is known, for programs.
 *
 * The name of a property follows from the name of the member in the state file by one rule: every part
 * between underscores begins with a capital letter, and the parts "id", "oom" and "usec" are ID, OOM and
 * USec. So started_usec is StartedUSec, image_id is ImageID, and code of the exit record is ExitCode.
 * --property= takes either name. */

#include "ctl/container.h"
#include "ctl/table.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *property_name(const char *member)
{
    static const char *const special[][2] = {{"id", "ID"}, {"oom", "OOM"}, {"usec", "USec"}};
    _cleanup_buffer_ Buffer name = {};

    while (*member) {
        size_t length = strcspn(member, "_");
        char first = *member >= 'a' && *member <= 'z' ? (char) (*member - 32) : *member;
        bool is_special = false;

        for (size_t i = 0; i < ELEMENTSOF(special) && !is_special; i++) {
            is_special = strlen(special[i][0]) == length && strncmp(member, special[i][0], length) == 0;
            if (is_special)
                buffer_append_string(&name, special[i][1]);
        }
        if (!is_special && length > 0) {
            buffer_append(&name, &first, 1);
            buffer_append(&name, member + 1, length - 1);
        }
        member += length + (member[length] == '_');
    }
    return buffer_take(&name);
}

/* The member that a person means by a property's name. */
static int find_member(char *const *members, const char *wanted, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    Nearest nearest = {};

    STRV_FOREACH (member, members) {
        int r = strv_push(&names, property_name(*member));

        if (r < 0)
            return r;
        if (strcmp(*member, wanted) == 0 || strcmp(names[strv_length(names) - 1], wanted) == 0)
            return strv_contains(*ret, *member) ? 0 : strv_append(ret, *member);
    }
    STRV_FOREACH (name, names)
        text_nearest_consider(&nearest, wanted, *name);
    (void) error_set(error, -EINVAL, "--property: containers have no property '%s'", wanted);
    return nearest.best ? error_hint(error, -EINVAL, "did you mean '%s'?", nearest.best)
                        : error_hint(error, -EINVAL, "berthctl show --all NAME shows all of them");
}

/* -p A,B -p C. */
static int parse_properties(char *const *options, char ***ret, Error *error)
{
    _cleanup_strv_ char **members = NULL, **wanted = NULL;
    int r = container_list_members(&members);

    STRV_FOREACH (option, options)
        for (const char *word = *option; r == 0 && *word;) {
            size_t length = strcspn(word, ",");
            _cleanup_free_ char *name = strndup(word, length);

            r = name ? find_member(members, name, &wanted, error) : -ENOMEM;
            word += length + (word[length] == ',');
        }
    if (r == 0)
        *ret = TAKE_PTR(wanted);
    return r;
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

/* A list is one line of words, each quoted where it has to be. */
static char *format_list(const json_t *list)
{
    _cleanup_strv_ char **words = NULL;
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (json_is_string(item) &&
                                          strv_push(&words, text_quote_word(json_string_value(item))) < 0) return NULL;
    return words ? strv_join(words, " ") : strdup("");
}

static char *format_value(const char *member, const json_t *value)
{
    if (is_empty(value))
        return strdup("");
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_array(value))
        return format_list(value);
    if (!json_is_integer(value))
        return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (strcmp(member, "capabilities") == 0)
        return capability_format_mask((uint64_t) json_integer_value(value));
    /* The largest number that JSON has stands for "for ever". */
    if (text_has_suffix(member, "_usec") && json_integer_value(value) == INT64_MAX)
        return strdup("infinity");
    return text_format("%lld", (long long) json_integer_value(value));
}

static int print_property(const Ctl *ctl, const char *member, const json_t *value)
{
    _cleanup_free_ char *name = property_name(member), *text = format_value(member, value), *safe = NULL;

    if (!name || !text)
        return -ENOMEM;
    /* Words are quoted already, and doubling the backslashes of that would say something else. */
    safe = json_is_array(value) ? text_escape_prose(text, SIZE_MAX) : text_escape(text, SIZE_MAX);
    if (!safe)
        return -ENOMEM;
    if (ctl->value)
        puts(safe);
    else
        printf("%s=%s\n", name, safe);
    return 0;
}

static int print_properties(const Ctl *ctl, json_t *object, char *const *wanted)
{
    const char *member;
    json_t *value;
    int r = 0;

    STRV_FOREACH (name, wanted)
        if (r == 0)
            r = print_property(ctl, *name, json_object_get(object, *name));
    if (wanted)
        return r;
    json_object_foreach(object, member, value) if (r == 0 && (ctl->all || !is_empty(value))) r =
        print_property(ctl, member, value);
    return r;
}

/* Only what was asked for; all when nothing was. */
static json_t *select_members(json_t *object, char *const *wanted)
{
    json_t *selected = wanted ? json_object() : json_incref(object);

    STRV_FOREACH (name, wanted) {
        json_t *value = json_object_get(object, *name);

        (void) json_object_set_new(selected, *name, value ? json_incref(value) : json_null());
    }
    return selected;
}

int verb_show(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **running = NULL, **wanted = NULL;
    _cleanup_json_ json_t *array = json_array();
    bool is_first = true;
    int r = output_format_check(ctl->output, "text json", error);

    if (r == 0)
        r = parse_properties(ctl->properties, &wanted, error);
    if (r == 0 && !ctl->words)
        r = container_list_names(ctl, false, &running, error);
    STRV_FOREACH (name, ctl->words ? ctl->words : running) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_json_ json_t *object = NULL;

        if (r == 0)
            r = container_load(ctl, *name, &container, error);
        if (r < 0)
            return r;
        object = container_build(container);
        if (!object)
            return -ENOMEM;
        if (ctl->json) {
            r = json_array_append_new(array, select_members(object, wanted));
            continue;
        }
        if (!is_first)
            putchar('\n');
        is_first = false;
        r = print_properties(ctl, object, wanted);
    }
    if (r < 0)
        return r;
    return ctl->json ? json_print(array) : 0;
}
