/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int unknown_option(const OptionParser *parser, const char *spelled, const char *name, Error *error)
{
    const char *nearest = name && parser->suggest ? parser->suggest(name, parser->userdata) : NULL;

    (void) error_set(error, -EINVAL, "unknown option '%s'", spelled);
    return nearest ? error_hint(error, -EINVAL, "did you mean '--%s'?", nearest)
                   : error_hint(error, -EINVAL, "--help lists the options");
}

static int take_argument(OptionParser *parser, OptionEvent *event, Error *error)
{
    if (parser->at >= parser->argc)
        return error_set(error, -EINVAL, "option '%s' needs an argument", event->spelled);
    event->value = parser->argv[parser->at++];
    return 0;
}

static int parse_long(OptionParser *parser, const char *word, OptionEvent *event, Error *error)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t) (equals - word) : strlen(word);
    char name[64];

    snprintf(event->spelled, sizeof(event->spelled), "--%.*s", (int) MIN(length, (size_t) 70), word);
    if (length >= sizeof(name))
        return unknown_option(parser, event->spelled, NULL, error);
    memcpy(name, word, length);
    name[length] = 0;
    if (!parser->lookup(name, 0, parser->userdata, &event->match))
        return unknown_option(parser, event->spelled, name, error);

    if (equals) {
        if (event->match.argument == OPTION_ARGUMENT_NONE)
            return error_set(error, -EINVAL, "option '%s' takes no argument", event->spelled);
        event->value = equals + 1;
        return 0;
    }
    if (event->match.argument == OPTION_ARGUMENT_REQUIRED)
        return take_argument(parser, event, error);
    event->value = event->match.argument == OPTION_ARGUMENT_BOOLEAN ? "yes" : NULL;
    return 0;
}

static int parse_letter(OptionParser *parser, OptionEvent *event, Error *error)
{
    char letter = *parser->cluster++;

    snprintf(event->spelled, sizeof(event->spelled), "-%c", letter);
    if (*parser->cluster == 0)
        parser->cluster = NULL;
    if (!parser->lookup(NULL, letter, parser->userdata, &event->match))
        return unknown_option(parser, event->spelled, NULL, error);
    if (event->match.argument != OPTION_ARGUMENT_REQUIRED) {
        event->value = event->match.argument == OPTION_ARGUMENT_BOOLEAN ? "yes" : NULL;
        return 0;
    }
    if (!parser->cluster)
        return take_argument(parser, event, error);
    event->value = parser->cluster + (*parser->cluster == '=');
    parser->cluster = NULL;
    return 0;
}

int option_next(OptionParser *parser, OptionEvent *ret, Error *error)
{
    OptionEvent event = {.kind = OPTION_EVENT_OPTION};
    const char *word;
    int r = 0;

    if (parser->cluster) {
        r = parse_letter(parser, &event, error);
    } else if (parser->at >= parser->argc) {
        event.kind = OPTION_EVENT_END;
    } else {
        word = parser->argv[parser->at++];
        if (!parser->is_ended && strcmp(word, "--") == 0) {
            parser->is_ended = true;
            return option_next(parser, ret, error);
        }
        if (parser->is_ended || word[0] != '-' || word[1] == 0) {
            event.kind = OPTION_EVENT_POSITIONAL;
            event.value = word;
            parser->is_ended = parser->is_ended || parser->stop_at_positional;
        } else if (word[1] == '-')
            r = parse_long(parser, word + 2, &event, error);
        else {
            parser->cluster = word + 1;
            r = parse_letter(parser, &event, error);
        }
    }
    if (r < 0)
        return r;
    *ret = event;
    return 0;
}
