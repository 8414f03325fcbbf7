/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"

#include "base/log.h"
#include "base/option.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/remote.h"
#include "inputs/environment.h"
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A verb's failure that is not the payload's; run, start and exec speak docker's 125 instead. */
#define EXIT_VERB_FAILED 1

/* Cookies of OptionMatch.row: which table the row is of is told by where it points. */
static bool is_setting_row(const void *row)
{
    return (const Setting *) row >= settings && (const Setting *) row < settings + settings_count;
}

static bool lookup(const char *name, char letter, void *userdata, OptionMatch *ret)
{
    const Ctl *ctl = userdata;
    const Setting *setting;

    for (size_t i = 0; i < ctl_options_count; i++) {
        const CtlOption *option = &ctl_options[i];

        if (!ctl_option_applies(option, ctl->verb) ||
            (name ? strcmp(option->name, name) != 0 : option->letter != letter))
            continue;
        *ret = (OptionMatch){.row = option,
                             .argument =
                                 option->type == CTL_OPTION_BOOL ? OPTION_ARGUMENT_BOOLEAN : OPTION_ARGUMENT_REQUIRED};
        return true;
    }
    if (!(ctl->verb->flags & (VERB_SETTINGS | VERB_RESOURCES)))
        return false;
    setting = name ? setting_find_option(name) : setting_find_short(letter);
    if (!setting || !ctl_setting_applies(setting, ctl->verb))
        return false;
    *ret =
        (OptionMatch){.row = setting,
                      .argument = setting_takes_argument(setting) ? OPTION_ARGUMENT_REQUIRED : OPTION_ARGUMENT_BOOLEAN};
    return true;
}

static const char *suggest(const char *name, void *userdata)
{
    const Ctl *ctl = userdata;
    Nearest nearest = {};

    for (size_t i = 0; i < ctl_options_count; i++)
        if (ctl_option_applies(&ctl_options[i], ctl->verb))
            text_nearest_consider(&nearest, name, ctl_options[i].name);
    for (size_t i = 0; i < settings_count; i++)
        if (ctl_setting_applies(&settings[i], ctl->verb))
            text_nearest_consider(&nearest, name, settings[i].option);
    return nearest.best;
}

/* Values of the command line that mean something only here: --env KEY, --entrypoint as one string, relative paths. */
static int add_setting(Ctl *ctl, const Setting *setting, const OptionEvent *event, Error *error)
{
    _cleanup_strv_ char **words = NULL;
    const char *value = event->value;

    if (setting->type == SETTING_WORDS) {
        if (text_split_words(value, &words) < 0)
            return error_set(error, -EINVAL, "%s: '%s' has an open quote", event->spelled, value);
        return spec_layer_add_values(ctl->layer, setting, words, event->spelled);
    }
    /* A relative path means here; a definition file has no such place and takes absolute ones only. */
    if (setting->type == SETTING_HOST_PATH && !path_is_absolute(value)) {
        _cleanup_free_ char *here = getcwd(NULL, 0), *path = here ? path_join(here, value) : NULL;

        return path ? spec_layer_add(ctl->layer, setting, path, event->spelled) : -ENOMEM;
    }
    if (setting->type == SETTING_ENVIRONMENT) {
        value = environment_resolve(value, environ);
        if (!value)
            return 0;
    }
    return spec_layer_add(ctl->layer, setting, value, event->spelled);
}

static int add_option(Ctl *ctl, const CtlOption *option, const OptionEvent *event, Error *error)
{
    void *member = (char *) ctl + option->offset;

    switch (option->type) {
    case CTL_OPTION_BOOL:
        if (text_parse_bool(event->value, member) < 0)
            return error_set(error, -EINVAL, "%s: '%s' is not a boolean", event->spelled, event->value);
        return 0;
    case CTL_OPTION_STRING:
        *(const char **) member = event->value;
        return 0;
    default:
        return strv_append(member, event->value);
    }
}

static int check_words(const Ctl *ctl, Error *error)
{
    int count = (int) strv_length(ctl->words);
    const Verb *verb = ctl->verb;

    if (count < verb->least_arguments)
        return error_hint(error, error_set(error, -EINVAL, "'%s' needs more arguments", verb->name), "berthctl %s %s",
                          verb->name, verb->arguments);
    if (verb->most_arguments >= 0 && count > verb->most_arguments)
        return error_hint(
            error,
            error_set(error, -EINVAL, "'%s' takes no argument '%s'", verb->name, ctl->words[verb->most_arguments]),
            "berthctl %s %s", verb->name, verb->arguments);
    return 0;
}

static int parse(Ctl *ctl, int argc, char *argv[], Error *error)
{
    OptionParser parser = {
        .argc = argc,
        .argv = argv,
        .stop_at_positional = ctl->verb->flags & VERB_STOP_AT_POSITIONAL,
        .lookup = lookup,
        .suggest = suggest,
        .userdata = ctl,
    };

    ctl->layer = spec_layer_new(TRUST_ADMIN);
    if (!ctl->layer)
        return -ENOMEM;
    for (;;) {
        OptionEvent event;
        int r = option_next(&parser, &event, error);

        if (r < 0)
            return r;
        if (event.kind == OPTION_EVENT_END)
            break;
        if (event.kind == OPTION_EVENT_POSITIONAL)
            r = strv_append(&ctl->words, event.value);
        else if (is_setting_row(event.match.row))
            r = add_setting(ctl, event.match.row, &event, error);
        else
            r = add_option(ctl, event.match.row, &event, error);
        if (r < 0)
            return r;
    }
    if (ctl->output)
        ctl->json = strcmp(ctl->output, "json") == 0;
    return ctl->help ? 0 : check_words(ctl, error);
}

static const Verb *find_verb(const char *name, Error *error)
{
    Nearest nearest = {};

    for (size_t i = 0; i < verb_aliases_count; i++)
        if (strcmp(name, verb_aliases[i].name) == 0)
            name = verb_aliases[i].verb;
    for (size_t i = 0; i < verbs_count; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
        text_nearest_consider(&nearest, name, verbs[i].name);
    }
    (void) error_set(error, -EINVAL, "unknown command '%s'", name);
    (void) (nearest.best ? error_hint(error, -EINVAL, "did you mean '%s'?", nearest.best)
                         : error_hint(error, -EINVAL, "berthctl --help lists the commands"));
    return NULL;
}

static bool speaks_docker(const Verb *verb)
{
    return verb && (verb->run == verb_run || verb->run == verb_exec || verb->run == verb_shell);
}

static int run(int argc, char *argv[], Ctl *ctl, Error *error)
{
    const char *word;
    Remote remote = {};
    int count = 0, r = remote_parse(argc - MIN(argc, 1), argv + MIN(argc, 1), &remote, &count, error);

    if (r < 0)
        return r;
    if (count > 0)
        return remote_run(ctl, &remote, argv + 1 + count, error);
    word = argc > 1 ? argv[1] : "list";

    if (strcmp(word, "--version") == 0) {
        printf("berth %s\n%s\n", BERTH_VERSION, BERTH_FEATURES);
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(word, "--introspect") == 0)
        return print_introspection(error);
    ctl->verb = find_verb(word, error);
    if (!ctl->verb)
        return -EINVAL;
    r = parse(ctl, argc - MIN(argc, 2), argv + MIN(argc, 2), error);
    if (r < 0)
        return r;
    if (ctl->help) {
        print_verb_help(ctl->verb);
        return 0;
    }
    return ctl->verb->run(ctl, error);
}

/* A closed 0, 1 or 2 would be taken by the next open(): messages would be written to a file of ours, and the payload would
 * get that file, or a directory of the host, as its standard stream (CVE-2015-3627). */
static int secure_stdio(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return -EBADF;
    return 0;
}

int main(int argc, char *argv[])
{
    _cleanup_error_ Error error = {};
    _cleanup_(ctl_done) Ctl ctl = {};
    int r;

    ctl.begun_usec = launch_now_usec();
    if (secure_stdio() < 0)
        return 125;
    log_set_program("berthctl");
    /* An ignored SIGCHLD would take the executor's exit from us. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    r = run(argc, argv, &ctl, &error);
    if (r >= 0) {
        if (fflush(stdout) != 0 || ferror(stdout)) {
            log_error("cannot write to standard output: %s", strerror(errno));
            return EXIT_VERB_FAILED;
        }
        return r;
    }
    error_report(&error, r);
    /* A verb that found out the payload's own code keeps it beside the error. */
    return speaks_docker(ctl.verb) ? (ctl.exit_status ? ctl.exit_status : 125) : EXIT_VERB_FAILED;
}
