/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that is said about the command line, from the tables. */

#include "ctl/remote.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 38

static void print_option(const char *name, char letter, const char *metavar, const char *help)
{
    _cleanup_free_ char *option = NULL;

    if (letter)
        option = text_format("-%c, --%s%s%s", letter, name, metavar ? "=" : "", metavar ? metavar : "");
    else
        option = text_format("    --%s%s%s", name, metavar ? "=" : "", metavar ? metavar : "");
    if (option)
        printf("  %-*s%s %s\n", HELP_COLUMN, option,
               strlen(option) > HELP_COLUMN ? "\n                                        " : "", help);
}

void print_help(void)
{
    printf("berthctl [COMMAND] [OPTIONS...] [ARGUMENTS...]\n\n"
           "Run containers the way systemd runs services.\n\nCommands:\n");
    for (size_t i = 0; i < verbs_count; i++) {
        _cleanup_free_ char *usage = text_format("%s %s", verbs[i].name, verbs[i].arguments);

        if (usage)
            printf("  %-*s  %s\n", HELP_COLUMN + 4, usage, verbs[i].help);
    }
    printf("\nBefore the command:\n");
    for (size_t i = 0; i < remote_options_count; i++)
        print_option(remote_options[i].name, remote_options[i].letter, remote_options[i].metavar,
                     remote_options[i].help);
    printf("\n  berthctl COMMAND --help tells about one command; --version and --introspect (JSON) about the "
           "program.\n");
}

void print_verb_help(const Verb *verb)
{
    const char *section = NULL;

    printf("berthctl %s [OPTIONS...] %s\n\n%c%s.\n\nOptions:\n", verb->name, verb->arguments, verb->help[0] - 32,
           verb->help + 1);
    for (size_t i = 0; i < ctl_options_count; i++)
        if (ctl_option_applies(&ctl_options[i], verb))
            print_option(ctl_options[i].name, ctl_options[i].letter, ctl_options[i].metavar, ctl_options[i].help);
    for (size_t i = 0; i < settings_count; i++) {
        const Setting *setting = &settings[i];

        if (!ctl_setting_applies(setting, verb))
            continue;
        if (setting->section && (!section || strcmp(section, setting->section) != 0)) {
            section = setting->section;
            printf("\n%s:\n", section);
        }
        print_option(setting->option, setting->short_option, setting->metavar, setting->help);
    }
}

static json_t *describe_option(const char *name, char letter, const char *metavar, const char *help)
{
    char short_name[2] = {letter, 0};

    return json_pack("{s:s, s:s*, s:s*, s:s}", "name", name, "short", letter ? short_name : NULL, "argument", metavar,
                     "help", help);
}

static json_t *describe_verb(const Verb *verb)
{
    json_t *options = json_array(), *aliases = json_array();

    for (size_t i = 0; i < verb_aliases_count; i++)
        if (strcmp(verb_aliases[i].verb, verb->name) == 0)
            json_array_append_new(aliases, json_string(verb_aliases[i].name));
    for (size_t i = 0; i < ctl_options_count; i++)
        if (ctl_option_applies(&ctl_options[i], verb))
            json_array_append_new(options, describe_option(ctl_options[i].name, ctl_options[i].letter,
                                                           ctl_options[i].metavar, ctl_options[i].help));
    /* Those of all settings are told once, in a list of their own. */
    for (size_t i = 0; i < settings_count && (verb->flags & VERB_RESOURCES); i++)
        if (ctl_setting_applies(&settings[i], verb))
            json_array_append_new(options, describe_option(settings[i].option, settings[i].short_option,
                                                           settings[i].metavar, settings[i].help));
    return json_pack("{s:s, s:o, s:s, s:s, s:b, s:b, s:b, s:o}", "name", verb->name, "aliases", aliases, "arguments",
                     verb->arguments, "help", verb->help, "settings", (verb->flags & VERB_SETTINGS) != 0, "machines",
                     (verb->flags & VERB_NAMES_MACHINES) != 0, "images", (verb->flags & VERB_NAMES_IMAGES) != 0,
                     "options", options);
}

static json_t *describe_setting(const Setting *setting)
{
    char short_name[2] = {setting->short_option, 0};

    return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:b, s:s*, s:s}", "option", setting->option, "short",
                     setting->short_option ? short_name : NULL, "section", setting->section, "key", setting->key,
                     "imageKey", setting->image_key, "trustedFromImage", setting->least_trust == TRUST_IMAGE,
                     "argument", setting->metavar, "help", setting->help);
}

int print_introspection(Error *error)
{
    _cleanup_json_ json_t *json = json_object();
    json_t *verb_list = json_array(), *setting_list = json_array(), *option_list = json_array();
    _cleanup_free_ char *text = NULL;

    for (size_t i = 0; i < verbs_count; i++)
        json_array_append_new(verb_list, describe_verb(&verbs[i]));
    for (size_t i = 0; i < settings_count; i++)
        if (!settings[i].pointer)
            json_array_append_new(setting_list, describe_setting(&settings[i]));
    json_object_set_new(json, "version", json_string(BERTH_VERSION));
    for (size_t i = 0; i < remote_options_count; i++)
        json_array_append_new(option_list, describe_option(remote_options[i].name, remote_options[i].letter,
                                                           remote_options[i].metavar, remote_options[i].help));
    json_object_set_new(json, "options", option_list);
    json_object_set_new(json, "verbs", verb_list);
    json_object_set_new(json, "settings", setting_list);
    text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (!text)
        return error_set(error, -ENOMEM, "out of memory");
    puts(text);
    return 0;
}
