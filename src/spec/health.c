/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/health.h"

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int check_form(char *const *command, Error *error)
{
    const char *kind = command[0];
    size_t length = strv_length(command);

    if (strcmp(kind, "NONE") == 0 && length == 1)
        return 0;
    if ((strcmp(kind, "CMD") == 0 && length >= 2) || (strcmp(kind, "CMD-SHELL") == 0 && length == 2))
        return 0;
    return error_hint(error, error_set(error, -EINVAL, "'%s' is not a health check", kind),
                      "[\"CMD\",PROGRAM,...], [\"CMD-SHELL\",TEXT] or [\"NONE\"]");
}

static int parse_array(const char *text, char ***ret, Error *error)
{
    _cleanup_json_ json_t *array = json_loads(text, 0, NULL);
    _cleanup_strv_ char **command = NULL;
    int r = 0;

    if (!json_is_array(array) || json_array_size(array) == 0)
        return error_set(error, -EINVAL, "'%s' is not a JSON array of strings", text);
    for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));

        r = word ? strv_append(&command, word) : error_set(error, -EINVAL, "'%s' is not a JSON array of strings", text);
    }
    /* docker's and podman's array without a first word for its kind is one of words. */
    if (r == 0 && strcmp(command[0], "CMD") != 0 && strcmp(command[0], "CMD-SHELL") != 0 &&
        strcmp(command[0], "NONE") != 0) {
        _cleanup_strv_ char **words = strv_new("CMD", NULL);

        r = words ? strv_extend(&words, command) : -ENOMEM;
        if (r == 0)
            *ret = TAKE_PTR(words);
        return r;
    }
    if (r == 0)
        r = check_form(command, error);
    if (r == 0)
        *ret = TAKE_PTR(command);
    return r;
}

int health_command_parse(char *const *values, char ***ret, Error *error)
{
    char **command;
    int r;

    if (!values[1] && values[0][0] == '[')
        return parse_array(values[0], ret, error);
    if (!values[1] && strcasecmp(values[0], "none") == 0)
        command = strv_new("NONE", NULL);
    else if (!values[1])
        command = strv_new("CMD-SHELL", values[0], NULL);
    else {
        r = check_form(values, error);
        if (r < 0)
            return r;
        command = strv_copy(values);
    }
    if (!command)
        return -ENOMEM;
    *ret = command;
    return 0;
}

char *health_command_format(char *const *command)
{
    _cleanup_json_ json_t *array = NULL;

    if (strcmp(command[0], "NONE") == 0)
        return strdup("none");
    if (strcmp(command[0], "CMD-SHELL") == 0 && command[1][0] && command[1][0] != '[' &&
        strcasecmp(command[1], "none") != 0)
        return strdup(command[1]);
    array = json_array();
    STRV_FOREACH (word, command)
        if (!array || json_array_append_new(array, json_safe_string(*word)) < 0)
            return NULL;
    return json_dumps(array, JSON_COMPACT);
}

char **health_command_argv(char *const *command)
{
    if (strcmp(command[0], "CMD-SHELL") == 0)
        return strv_new("/bin/sh", "-c", command[1], NULL);
    return strv_copy(command + 1);
}
