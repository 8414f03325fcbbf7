/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/runtime.h"

#include "base/option.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const RuntimeVerb runtime_verbs[] = {
    {"create", "ID", "make a container of the bundle, which then waits for its start", VERB_CREATE, 1, 1, verb_create},
    {"start", "ID", "run the program of a container that was created", VERB_OTHER, 1, 1, verb_start},
    {"run", "ID", "create and start, and wait for the end", VERB_RUN, 1, 1, verb_run},
    {"state", "ID", "tell what a container is, in JSON", VERB_OTHER, 1, 1, verb_state},
    {"kill", "ID [SIGNAL]", "send a signal to its first process; default SIGTERM", VERB_KILL, 1, 2, verb_kill},
    {"delete", "ID", "remove what is left of a stopped container", VERB_DELETE, 1, 1, verb_delete},
    {"list", "", "list the containers", VERB_LIST, 0, 0, verb_list},
    {"ps", "ID", "list the processes of a container", VERB_PS, 1, 1, verb_ps},
    {"pause", "ID", "stop all its processes where they are", VERB_OTHER, 1, 1, verb_pause},
    {"resume", "ID", "let them go on", VERB_OTHER, 1, 1, verb_resume},
    {"spec", "", "write a config.json to begin with", VERB_SPEC, 0, 0, verb_spec},
    {"features", "", "tell what is supported, in JSON", VERB_OTHER, 0, 0, verb_features},
};
const size_t runtime_verbs_count = ELEMENTSOF(runtime_verbs);

typedef struct RuntimeOption {
    const char *name;
    char letter;
    OptionArgument argument;
    size_t offset; /* in Runtime: const char * or bool */
    unsigned verbs; /* RuntimeVerbFlags */
    const char *metavar, *help;
} RuntimeOption;

#define AT(member) offsetof(Runtime, member)
#define MAKES      (VERB_CREATE | VERB_RUN)

static const RuntimeOption options[] = {
    {"root", 0, OPTION_ARGUMENT_REQUIRED, AT(root), VERB_GLOBAL, "DIRECTORY", "where containers are recorded; default " RUNTIME_ROOT},
    {"log", 0, OPTION_ARGUMENT_REQUIRED, AT(log_file), VERB_GLOBAL, "FILE", "append messages to a file, too"},
    {"log-format", 0, OPTION_ARGUMENT_REQUIRED, AT(log_format), VERB_GLOBAL, "FORMAT", "of that file: text (default) or json"},
    {"log-level", 0, OPTION_ARGUMENT_REQUIRED, AT(log_level), VERB_GLOBAL, "LEVEL", "taken and without effect: errors and warnings are told"},
    {"debug", 0, OPTION_ARGUMENT_BOOLEAN, AT(debug), VERB_GLOBAL, NULL, "taken and without effect"},
    {"systemd-cgroup", 0, OPTION_ARGUMENT_BOOLEAN, AT(systemd_cgroup), VERB_GLOBAL, NULL, "not supported yet"},
    {"cgroup-manager", 0, OPTION_ARGUMENT_REQUIRED, AT(cgroup_manager), VERB_GLOBAL, "MANAGER", "cgroupfs"},
    {"rootless", 0, OPTION_ARGUMENT_REQUIRED, AT(rootless), VERB_GLOBAL, "BOOL", "auto or false"},
    {"help", 'h', OPTION_ARGUMENT_BOOLEAN, AT(help), VERB_GLOBAL, NULL, "show this help"},
    {"version", 'v', OPTION_ARGUMENT_BOOLEAN, AT(version), VERB_GLOBAL, NULL, "show the version"},

    {"bundle", 'b', OPTION_ARGUMENT_REQUIRED, AT(bundle), MAKES | VERB_SPEC, "DIRECTORY", "the bundle; default: here"},
    {"config", 'f', OPTION_ARGUMENT_REQUIRED, AT(config), MAKES, "FILE", "its configuration; default config.json"},
    {"console-socket", 0, OPTION_ARGUMENT_REQUIRED, AT(console_socket), MAKES, "SOCKET", "where the terminal is sent"},
    {"pid-file", 0, OPTION_ARGUMENT_REQUIRED, AT(pid_file), MAKES, "FILE", "write the pid of the first process to a file"},
    {"preserve-fds", 0, OPTION_ARGUMENT_REQUIRED, AT(preserve_fds), MAKES, "N", "0 only: more is not supported yet"},
    {"no-pivot", 0, OPTION_ARGUMENT_BOOLEAN, AT(no_pivot), MAKES, NULL, "not supported"},
    {"no-new-keyring", 0, OPTION_ARGUMENT_BOOLEAN, AT(no_new_keyring), MAKES, NULL, "not supported yet"},
    {"detach", 'd', OPTION_ARGUMENT_BOOLEAN, AT(detach), VERB_RUN, NULL, "do not wait for the end"},
    {"keep", 0, OPTION_ARGUMENT_BOOLEAN, AT(keep), VERB_RUN, NULL, "do not delete it at the end"},
    {"force", 'f', OPTION_ARGUMENT_BOOLEAN, AT(force), VERB_DELETE, NULL, "kill it where it runs; one that is not there is no error"},
    {"all", 'a', OPTION_ARGUMENT_BOOLEAN, AT(all), VERB_KILL, NULL, "all of its processes"},
    {"format", 'f', OPTION_ARGUMENT_REQUIRED, AT(format), VERB_LIST | VERB_PS, "FORMAT", "table (default) or json"},
    {"quiet", 'q', OPTION_ARGUMENT_BOOLEAN, AT(quiet), VERB_LIST, NULL, "ids only"},
};
/* clang-format on */

static bool lookup(const char *name, char letter, void *userdata, OptionMatch *ret)
{
    const Runtime *runtime = userdata;
    unsigned flag = runtime->verb ? (unsigned) runtime->verb->flag : VERB_GLOBAL;

    for (size_t i = 0; i < ELEMENTSOF(options); i++) {
        if (!(options[i].verbs & flag) || (name ? strcmp(options[i].name, name) != 0 : options[i].letter != letter))
            continue;
        *ret = (OptionMatch){.argument = options[i].argument, .row = &options[i]};
        return true;
    }
    return false;
}

static const char *suggest(const char *name, void *userdata)
{
    Nearest nearest = {};

    (void) userdata;
    for (size_t i = 0; i < ELEMENTSOF(options); i++)
        text_nearest_consider(&nearest, name, options[i].name);
    return nearest.best;
}

static int set_option(Runtime *runtime, const OptionEvent *event, Error *error)
{
    const RuntimeOption *option = event->match.row;
    void *member = (char *) runtime + option->offset;

    if (option->argument == OPTION_ARGUMENT_REQUIRED) {
        *(const char **) member = event->value;
        return 0;
    }
    return text_parse_bool(event->value, member) < 0
               ? error_set(error, -EINVAL, "%s: '%s' is not a boolean", event->spelled, event->value)
               : 0;
}

static int find_verb(Runtime *runtime, const char *name, Error *error)
{
    for (size_t i = 0; i < runtime_verbs_count; i++)
        if (strcmp(runtime_verbs[i].name, name) == 0)
            runtime->verb = &runtime_verbs[i];
    return runtime->verb ? 0
                         : error_hint(error, error_set(error, -EINVAL, "'%s' is not a command", name),
                                      "berth-runtime --help lists them");
}

static int check(const Runtime *runtime, Error *error)
{
    int count = (int) strv_length(runtime->words);

    if (runtime->log_format && strcmp(runtime->log_format, "json") != 0 && strcmp(runtime->log_format, "text") != 0)
        return error_set(error, -EINVAL, "--log-format: '%s' is neither text nor json", runtime->log_format);
    if (runtime->systemd_cgroup || (runtime->cgroup_manager && strcmp(runtime->cgroup_manager, "cgroupfs") != 0))
        return error_hint(error, error_set(error, -EOPNOTSUPP, "the only manager of cgroups is cgroupfs as yet"),
                          "podman: --cgroup-manager=cgroupfs; containerd: SystemdCgroup = false");
    if (runtime->rootless && strcmp(runtime->rootless, "auto") != 0 && strcmp(runtime->rootless, "false") != 0)
        return error_set(error, -EOPNOTSUPP, "--rootless: only root can start containers");
    if (!runtime->verb || runtime->help || runtime->version)
        return 0;
    if (count < runtime->verb->least_arguments || count > runtime->verb->most_arguments)
        return error_set(error, -EINVAL, "usage: berth-runtime %s %s", runtime->verb->name, runtime->verb->arguments);
    return 0;
}

int runtime_parse(Runtime *runtime, int argc, char *argv[], Error *error)
{
    OptionParser parser = {.argc = argc, .argv = argv, .lookup = lookup, .suggest = suggest, .userdata = runtime};
    int r;

    parser.at = 1;
    for (;;) {
        OptionEvent event;

        r = option_next(&parser, &event, error);
        if (r < 0)
            return r;
        if (event.kind == OPTION_EVENT_END)
            return check(runtime, error);
        if (event.kind == OPTION_EVENT_OPTION)
            r = set_option(runtime, &event, error);
        else if (!runtime->verb)
            r = find_verb(runtime, event.value, error);
        else
            r = strv_append(&runtime->words, event.value);
        if (r < 0)
            return r;
    }
}

static void print_options(unsigned flag)
{
    for (size_t i = 0; i < ELEMENTSOF(options); i++) {
        _cleanup_free_ char *name = text_format("--%s%s%s", options[i].name, options[i].metavar ? "=" : "",
                                                options[i].metavar ? options[i].metavar : "");

        if (options[i].verbs & flag)
            printf("  %-28s %s\n", name ? name : "", options[i].help);
    }
}

void runtime_help(void)
{
    printf("berth-runtime [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\nThe OCI runtime command line of Berth.\n\n");
    print_options(VERB_GLOBAL);
    for (size_t i = 0; i < runtime_verbs_count; i++) {
        printf("\n%s %s\n  %s\n", runtime_verbs[i].name, runtime_verbs[i].arguments, runtime_verbs[i].help);
        if (runtime_verbs[i].flag != VERB_OTHER)
            print_options(runtime_verbs[i].flag);
    }
}
