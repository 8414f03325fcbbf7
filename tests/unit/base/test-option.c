/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of the command line. THREATS A10: what stands where data stands is data, whatever it looks like. */
#include "base/buffer.h"
#include "base/option.h"

#include "../test.h"

#include <errno.h>

typedef struct Row {
    const char *name;
    char letter;
    OptionArgument argument;
} Row;

static const Row rows[] = {
    {"memory", 'm', OPTION_ARGUMENT_REQUIRED}, {"env", 'e', OPTION_ARGUMENT_REQUIRED},
    {"tty", 't', OPTION_ARGUMENT_BOOLEAN},     {"interactive", 'i', OPTION_ARGUMENT_BOOLEAN},
    {"help", 'h', OPTION_ARGUMENT_NONE},
};

static bool lookup(const char *name, char letter, void *userdata, OptionMatch *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (name ? strcmp(rows[i].name, name) == 0 : rows[i].letter == letter) {
            *ret = (OptionMatch){.argument = rows[i].argument, .row = &rows[i]};
            return true;
        }
    return false;
}

static const char *suggest(const char *name, void *userdata)
{
    return name[0] == 'm' ? "memory" : NULL;
}

/* The events as text: "--memory(64M)", positionals in quotes; "!TEXT" for an error. */
static char *parse(const char *line, bool stop_at_positional)
{
    _cleanup_free_ char *copy = strdup(line);
    _cleanup_buffer_ Buffer seen = {};
    _cleanup_error_ Error error = {};
    char *argv[20], *state = NULL;
    OptionParser parser = {
        .argv = argv, .stop_at_positional = stop_at_positional, .lookup = lookup, .suggest = suggest};

    for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
        argv[parser.argc++] = strcmp(word, "EMPTY") == 0 ? (char *) "" : word;
    for (;;) {
        OptionEvent event;
        int r = option_next(&parser, &event, &error);

        if (r < 0) {
            buffer_append_format(&seen, "!%s", error.text);
            if (error.hint)
                buffer_append_format(&seen, " (%s)", error.hint);
            return r == -EINVAL ? buffer_take(&seen) : NULL;
        }
        if (event.kind == OPTION_EVENT_END)
            return buffer_take(&seen);
        if (event.kind == OPTION_EVENT_POSITIONAL)
            buffer_append_format(&seen, "'%s' ", event.value);
        else
            buffer_append_format(&seen, "%s%s(%s) ", event.spelled, event.match.row ? "" : "?",
                                 event.value ? event.value : "-");
    }
}

static void words(void)
{
    static const struct {
        const char *line;
        bool stop;
        const char *seen;
    } table[] = {
        {"", false, ""},
        {"--memory 64M", false, "--memory(64M) "},
        {"--memory=64M", false, "--memory(64M) "},
        {"--memory=", false, "--memory() "},
        {"--memory=a=b", false, "--memory(a=b) "},
        {"-m 64M", false, "-m(64M) "},
        {"-m64M", false, "-m(64M) "},
        {"-m=64M", false, "-m(64M) "},
        {"-e A=b", false, "-e(A=b) "},
        {"-eA=b", false, "-e(A=b) "},
        {"-ti", false, "-t(yes) -i(yes) "},
        {"-tim 64M", false, "-t(yes) -i(yes) -m(64M) "},
        {"-tm64M", false, "-t(yes) -m(64M) "},
        {"--tty", false, "--tty(yes) "},
        {"--tty=no", false, "--tty(no) "},
        {"--tty no", false, "--tty(yes) 'no' "},
        {"--help", false, "--help(-) "},
        {"-h", false, "-h(-) "},
        {"a -t b", false, "'a' -t(yes) 'b' "},
        {"-t a -t --nope", true, "-t(yes) 'a' '-t' '--nope' "},
        {"a -- -t", true, "'a' '--' '-t' "},
        {"-- -t -- x", false, "'-t' '--' 'x' "},
        {"- EMPTY", false, "'-' '' "},
        /* An option's argument is taken as it is. */
        {"--memory --tty", false, "--memory(--tty) "},
        {"-m -t", false, "-m(-t) "},
        {"--memory -- x", false, "--memory(--) 'x' "},
        {"--memory", false, "!option '--memory' needs an argument"},
        {"-tm", false, "-t(yes) !option '-m' needs an argument"},
        {"--help=x", false, "!option '--help' takes no argument"},
        {"--memroy=1", false, "!unknown option '--memroy' (did you mean '--memory'?)"},
        {"--bogus", false, "!unknown option '--bogus' (--help lists the options)"},
        {"--mem 1", false, "!unknown option '--mem' (did you mean '--memory'?)"}, /* no abbreviations */
        {"-x", false, "!unknown option '-x' (--help lists the options)"},
        {"-t=yes", false, "-t(yes) !unknown option '-=' (--help lists the options)"},
        {"---tty", false, "!unknown option '---tty' (--help lists the options)"},
        {"--=x", false, "!unknown option '--' (--help lists the options)"},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_free_ char *seen = parse(table[i].line, table[i].stop);

        if (!seen || strcmp(seen, table[i].seen) != 0)
            TEST_FAIL("'%s': \"%s\", expected \"%s\"", table[i].line, seen, table[i].seen);
    }
}

static void endless_names(void)
{
    char word[5000];
    char *argv[] = {word};
    OptionParser parser = {.argc = 1, .argv = argv, .lookup = lookup, .suggest = suggest};
    _cleanup_error_ Error error = {};
    OptionEvent event = {};

    memset(word, 'm', sizeof(word) - 1);
    memcpy(word, "--", 2);
    word[sizeof(word) - 1] = 0;
    ASSERT_ERROR(option_next(&parser, &event, &error), EINVAL);
    ASSERT_TRUE(strlen(error.text) < 200);
}

int main(void)
{
    TEST_RUN(words);
    TEST_RUN(endless_names);
    return test_finish();
}
