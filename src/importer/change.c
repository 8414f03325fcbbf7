/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/change.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

typedef enum ChangeForm {
    FORM_COMMAND, /* a list, or a line for the shell */
    FORM_PAIR,    /* KEY=VALUE into a list */
    FORM_LABEL,   /* KEY=VALUE into an object */
    FORM_SET,     /* words as keys of an object */
    FORM_WORD,    /* a string */
} ChangeForm;

static const struct {
    const char *word, *key;
    ChangeForm form;
} changes[] = {
    {"CMD", "Cmd", FORM_COMMAND},
    {"ENTRYPOINT", "Entrypoint", FORM_COMMAND},
    {"ENV", "Env", FORM_PAIR},
    {"EXPOSE", "ExposedPorts", FORM_SET},
    {"LABEL", "Labels", FORM_LABEL},
    {"STOPSIGNAL", "StopSignal", FORM_WORD},
    {"USER", "User", FORM_WORD},
    {"VOLUME", "Volumes", FORM_SET},
    {"WORKDIR", "WorkingDir", FORM_WORD},
};

/* A JSON list of strings, or NULL: then it is something else. */
static json_t *read_list(const char *value)
{
    json_t *list = value[0] == '[' ? json_loads(value, 0, NULL) : NULL;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int set_new(json_t *config, const char *key, json_t *value)
{
    return value && json_object_set_new(config, key, value) == 0 ? 0 : -ENOMEM;
}

static int set_command(json_t *config, const char *key, const char *value)
{
    json_t *list = read_list(value);

    return set_new(config, key, list ? list : json_pack("[s, s, s]", "/bin/sh", "-c", value));
}

/* The member that is to grow; the image's own may be absent or null. */
static json_t *get_container(json_t *config, const char *key, bool is_object)
{
    json_t *member = json_object_get(config, key);

    if (is_object ? json_is_object(member) : json_is_array(member))
        return member;
    member = is_object ? json_object() : json_array();
    return set_new(config, key, member) == 0 ? member : NULL;
}

static int set_words(json_t *config, const char *key, const char *value)
{
    _cleanup_strv_ char **words = NULL;
    json_t *list = read_list(value), *object = get_container(config, key, true);
    int r = object ? 0 : -ENOMEM;

    for (size_t i = 0; i < json_array_size(list) && r == 0; i++)
        r = strv_append(&words, json_string_value(json_array_get(list, i)));
    for (const char *at = value; !list && *at && r == 0; at += strspn(at, " \t")) {
        size_t length = strcspn(at, " \t");
        _cleanup_free_ char *word = strndup(at, length);

        r = word ? strv_append(&words, word) : -ENOMEM;
        at += length;
    }
    json_decref(list);
    STRV_FOREACH (word, words) {
        _cleanup_free_ char *port =
            strcmp(key, "ExposedPorts") == 0 && !strchr(*word, '/') ? text_format("%s/tcp", *word) : strdup(*word);

        if (r == 0)
            r = port ? set_new(object, port, json_object()) : -ENOMEM;
    }
    return r;
}

/* "KEY=VALUE" or "KEY VALUE"; quotes around the whole value are the line's, not the value's. */
static int split_pair(const char *text, char **ret_key, char **ret_value, Error *error)
{
    size_t length = strcspn(text, "= \t"), end;
    const char *value = text + length + (text[length] != 0);

    if (length == 0 || !text[length])
        return error_set(error, -EINVAL, "'%s' is not KEY=VALUE", text);
    end = strlen(value);
    if (end >= 2 && (value[0] == '"' || value[0] == '\'') && value[end - 1] == value[0]) {
        value++;
        end -= 2;
    }
    *ret_key = strndup(text, length);
    *ret_value = strndup(value, end);
    return *ret_key && *ret_value ? 0 : -ENOMEM;
}

static int set_variable(json_t *config, const char *key, const char *name, const char *value)
{
    _cleanup_free_ char *line = text_format("%s=%s", name, value);
    json_t *list = get_container(config, key, false), *item;
    size_t length = strlen(name), i;

    if (!line || !list)
        return -ENOMEM;
    json_array_foreach(list, i, item)
    {
        const char *old = json_string_value(item);

        if (old && strncmp(old, name, length) == 0 && (old[length] == '=' || old[length] == 0))
            return json_array_set_new(list, i, json_string(line)) < 0 ? -ENOMEM : 0;
    }
    return json_array_append_new(list, json_string(line)) < 0 ? -ENOMEM : 0;
}

static int set_pair(json_t *config, const char *key, const char *text, bool is_label, Error *error)
{
    _cleanup_free_ char *name = NULL, *value = NULL;
    json_t *labels;
    int r = split_pair(text, &name, &value, error);

    if (r < 0 || !is_label)
        return r < 0 ? r : set_variable(config, key, name, value);
    labels = get_container(config, key, true);
    return labels ? set_new(labels, name, json_string(value)) : -ENOMEM;
}

static int say_unknown(const char *text, size_t length, Error *error)
{
    _cleanup_free_ char *word = strndup(text, length);
    Nearest nearest = {};

    for (size_t i = 0; i < ELEMENTSOF(changes); i++)
        text_nearest_consider(&nearest, word ? word : "", changes[i].word);
    (void) error_set(error, -EINVAL, "--change: '%s' does not begin with an instruction that can change an image",
                     text);
    return error_hint(error, -EINVAL, nearest.best ? "did you mean '%s'?" : "%s and others can",
                      nearest.best ? nearest.best : "CMD, ENV, LABEL");
}

int change_apply(json_t *config, const char *text, Error *error)
{
    size_t length = strcspn(text, "= \t");
    const char *value = text + length + strspn(text + length, " \t=");

    for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
        const char *key = changes[i].key;

        if (strlen(changes[i].word) != length || strncasecmp(changes[i].word, text, length) != 0)
            continue;
        if (!*value || !text_is_utf8(value, strlen(value)))
            return error_set(error, -EINVAL, "--change: '%s' has no value that an image can hold", text);
        switch (changes[i].form) {
        case FORM_COMMAND:
            return set_command(config, key, value);
        case FORM_PAIR:
        case FORM_LABEL:
            return set_pair(config, key, value, changes[i].form == FORM_LABEL, error);
        case FORM_SET:
            return set_words(config, key, value);
        case FORM_WORD:
            return set_new(config, key, json_string(value));
        }
    }
    return say_unknown(text, length, error);
}
