/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/challenge.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define TOKEN        ALPHANUMERIC "!#$%&'*+-.^_`|~"
#define TOKEN68      ALPHANUMERIC "-._~+/"
#define BLANK        " \t"

void challenges_done(Challenges *challenges)
{
    for (size_t i = 0; i < challenges->count; i++) {
        Challenge *challenge = &challenges->items[i];

        free(challenge->realm);
        free(challenge->service);
        free(challenge->scope);
        free(challenge->problem);
    }
    *challenges = (Challenges){};
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* A token, or a string in quotes with backslashes. */
static int read_value(const char **at, char **ret)
{
    size_t length = strspn(*at, TOKEN), n = 0;
    char *value;

    if (**at != '"') {
        if (length == 0)
            return -EINVAL;
        value = strndup(*at, length);
        *at += length;
        *ret = value;
        return value ? 0 : -ENOMEM;
    }
    value = malloc(strlen(*at) + 1);
    if (!value)
        return -ENOMEM;
    for ((*at)++; **at && **at != '"'; (*at)++) {
        if (**at == '\\' && (*at)[1])
            (*at)++;
        value[n++] = **at;
    }
    value[n] = 0;
    if (**at != '"') {
        free(value);
        return -EINVAL;
    }
    (*at)++;
    *ret = value;
    return 0;
}

/* Parameters that nobody asks for are read over. */
static int keep(Challenge *challenge, const char *name, size_t length, char *value)
{
    char **place = is_word(name, length, "realm")     ? &challenge->realm
                   : is_word(name, length, "service") ? &challenge->service
                   : is_word(name, length, "scope")   ? &challenge->scope
                   : is_word(name, length, "error")   ? &challenge->problem
                                                      : NULL;

    if (!place || *place) {
        free(value);
        return place ? -EINVAL : 0;
    }
    *place = value;
    return 0;
}

/* The "=" behind a parameter's name; NULL when what follows makes it something else. */
static const char *find_equals(const char *after_name)
{
    const char *equals = after_name + strspn(after_name, BLANK), *value = equals + 1;

    if (*equals != '=')
        return NULL;
    value += strspn(value, BLANK);
    return *value == '"' || strspn(value, TOKEN) > 0 ? equals : NULL;
}

static int read_parameter(Challenge *challenge, const char **at, size_t length, const char *equals)
{
    const char *name = *at;
    char *value = NULL;
    int r;

    *at = equals + 1 + strspn(equals + 1, BLANK);
    r = read_value(at, &value);
    return r < 0 ? r : keep(challenge, name, length, value);
}

static int read_scheme(Challenges *challenges, const char **at, size_t length)
{
    const char *name = *at, *next = *at + length + strspn(*at + length, BLANK);
    size_t token, token68;

    if (challenges->count == CHALLENGES_MAX)
        return -E2BIG;
    challenges->items[challenges->count++] = (Challenge){
        .scheme = is_word(name, length, "Basic")    ? CHALLENGE_BASIC
                  : is_word(name, length, "Bearer") ? CHALLENGE_BEARER
                                                    : CHALLENGE_OTHER,
    };
    *at = next;
    token = strspn(next, TOKEN);
    if (token > 0 && find_equals(next + token))
        return 0;
    /* Negotiate and the like: one word instead of parameters. */
    token68 = strspn(next, TOKEN68);
    token68 += strspn(next + token68, "=");
    *at += token68;
    return 0;
}

int challenges_add(Challenges *challenges, const char *value)
{
    const char *at = value;
    bool is_first = true;
    int r = 0;

    if (strlen(value) > CHALLENGE_HEADER_MAX)
        return -E2BIG;
    while (r == 0) {
        const char *equals;
        size_t length;

        at += strspn(at, BLANK ",");
        if (*at == 0)
            return 0;
        length = strspn(at, TOKEN);
        if (length == 0)
            return -EINVAL;
        equals = find_equals(at + length);
        if (equals && is_first)
            return -EINVAL;
        r = equals ? read_parameter(&challenges->items[challenges->count - 1], &at, length, equals)
                   : read_scheme(challenges, &at, length);
        if (r == 0 && equals) {
            at += strspn(at, BLANK);
            if (*at && *at != ',')
                return -EINVAL;
        }
        is_first = false;
    }
    return r;
}

const Challenge *challenges_find(const Challenges *challenges, ChallengeScheme scheme)
{
    for (size_t i = 0; i < challenges->count; i++)
        if (challenges->items[i].scheme == scheme)
            return &challenges->items[i];
    return NULL;
}
