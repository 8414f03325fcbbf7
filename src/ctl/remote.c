/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/remote.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define HOST_CHARACTERS WORD_CHARACTERS "._-%:[]"
#define USER_CHARACTERS WORD_CHARACTERS "._-"

const CtlOption remote_options[] = {
    {"host", 'H', CTL_OPTION_STRING, offsetof(Remote, host), NULL, "[USER@]HOST",
     "run the command on another host, by ssh"},
    {"machine", 'M', CTL_OPTION_STRING, offsetof(Remote, machine), NULL, "NAME", "run the command in a container"},
};
const size_t remote_options_count = ELEMENTSOF(remote_options);

/* The argument of "-H HOST", "-HHOST", "--host HOST" or "--host=HOST" in its first or second word. 0: it is something else,
 * else how many words it was. */
static int parse_one(int argc, char *const *argv, const CtlOption *option, const char **ret)
{
    const char *word = argv[0], *rest;

    if (word[0] != '-')
        return 0;
    if (word[1] == option->letter && word[2]) {
        *ret = word + 2;
        return 1;
    }
    rest = word[1] == '-' ? text_after_prefix(word + 2, option->name) : NULL;
    if (rest && *rest == '=') {
        *ret = rest + 1;
        return 1;
    }
    if ((word[1] != option->letter || word[2]) && !(rest && *rest == 0))
        return 0;
    if (argc < 2)
        return -EINVAL;
    *ret = argv[1];
    return 2;
}

static int parse_any(int argc, char *const *argv, Remote *remote)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < remote_options_count; i++)
        r = parse_one(argc, argv, &remote_options[i], (const char **) ((char *) remote + remote_options[i].offset));
    return r;
}

int remote_parse(int argc, char *const *argv, Remote *ret, int *ret_count, Error *error)
{
    Remote remote = {};
    int count = 0, r = 1;

    while (r > 0 && count < argc) {
        r = parse_any(argc - count, argv + count, &remote);
        if (r < 0)
            return error_set(error, r, "'%s' needs an argument", argv[count]);
        count += r;
    }
    if (remote.machine && !text_is_name(remote.machine))
        return error_set(error, -EINVAL, "--machine: '%s' is not a container name", remote.machine);
    *ret = remote;
    *ret_count = count;
    return 0;
}

/* --- another host --- */

/* The far end's shell reads the words again: in quotes, each stays one and means nothing. */
static char *quote_for_shell(const char *word)
{
    _cleanup_free_ char *quoted = NULL;
    size_t length = 0;

    if (*word && strspn(word, WORD_CHARACTERS "._-+=:,@%/") == strlen(word))
        return strdup(word);
    quoted = malloc(strlen(word) * 4 + 3);
    if (!quoted)
        return NULL;
    quoted[length++] = '\'';
    for (; *word; word++) {
        if (*word == '\'') {
            memcpy(quoted + length, "'\\''", 4);
            length += 4;
        } else
            quoted[length++] = *word;
    }
    quoted[length++] = '\'';
    quoted[length] = 0;
    return TAKE_PTR(quoted);
}

/* [USER@]HOST[:PORT][/CONTAINER], cut up. What begins with a dash would be an option of ssh. */
typedef struct Destination {
    char *where; /* USER@HOST */
    char *port, *container;
} Destination;

static void destination_done(Destination *destination)
{
    free(destination->where);
    free(destination->port);
    free(destination->container);
}

static bool is_part(const char *text, size_t length, const char *characters)
{
    return length > 0 && text[0] != '-' && strspn(text, characters) >= length;
}

static int parse_destination(const char *text, Destination *ret)
{
    _cleanup_(destination_done) Destination destination = {};
    size_t length = strcspn(text, "/"), host_length;
    const char *at = memchr(text, '@', length), *host = at ? at + 1 : text, *colon;

    if (text[length] == '/') {
        destination.container = strdup(text + length + 1);
        if (!destination.container)
            return -ENOMEM;
        if (!text_is_name(destination.container))
            return -EINVAL;
    }
    host_length = length - (size_t) (host - text);
    /* An address of IPv6 has several of them and no port, or stands in brackets. */
    colon = memrchr(host, ':', host_length);
    if (colon && (host[0] == '[' ? colon[-1] == ']' : memchr(host, ':', host_length) == colon)) {
        uint64_t port = 0;

        destination.port = strndup(colon + 1, host_length - (size_t) (colon + 1 - host));
        if (!destination.port)
            return -ENOMEM;
        if (text_parse_u64(destination.port, 65535, &port) < 0 || port == 0)
            return -EINVAL;
        host_length = (size_t) (colon - host);
    }
    if ((at && !is_part(text, (size_t) (at - text), USER_CHARACTERS)) || !is_part(host, host_length, HOST_CHARACTERS))
        return -EINVAL;
    destination.where = strndup(text, (size_t) (host + host_length - text));
    if (!destination.where)
        return -ENOMEM;
    *ret = destination;
    destination = (Destination){};
    return 0;
}

int remote_build_ssh(const Remote *remote, char *const *words, bool has_terminal, char ***ret, Error *error)
{
    _cleanup_(destination_done) Destination destination = {};
    _cleanup_strv_ char **argv = strv_new("ssh", has_terminal ? "-t" : "-T", NULL);
    int r = parse_destination(remote->host, &destination);

    if (r == -EINVAL || (r == 0 && destination.container && remote->machine))
        return error_hint(error, error_set(error, -EINVAL, "--host: '%s' is not a host", remote->host),
                          "[USER@]HOST[:PORT][/CONTAINER]");
    if (r < 0 || !argv)
        return -ENOMEM;
    if (destination.port)
        r = strv_append_format(&argv, "-p%s", destination.port);
    if (r == 0)
        r = strv_append(&argv, "--");
    if (r == 0)
        r = strv_append(&argv, destination.where);
    if (r == 0)
        r = strv_append(&argv, "berthctl");
    if (r == 0 && (remote->machine || destination.container))
        r = strv_append_format(&argv, "--machine=%s", remote->machine ? remote->machine : destination.container);
    STRV_FOREACH (word, words)
        if (r == 0)
            r = strv_push(&argv, quote_for_shell(*word));
    if (r == 0)
        *ret = TAKE_PTR(argv);
    return r;
}

static int run_at_host(const Remote *remote, char *const *words, Error *error)
{
    _cleanup_strv_ char **argv = NULL;
    /* Everything that speaks ssh for systemd's tools does it for us. */
    const char *program = secure_getenv("SYSTEMD_SSH");
    int r = remote_build_ssh(remote, words, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO), &argv, error);

    if (r < 0)
        return r;
    execvp(text_is_empty(program) ? "ssh" : program, argv);
    return error_hint(error, error_set(error, -errno, "cannot run ssh: %s", strerror(errno)),
                      "the package openssh-client has it");
}

/* --- in a container --- */

/* As `exec` does it, by the container's own berthctl. */
static int run_in_machine(Ctl *ctl, const char *machine, char *const *words, Error *error)
{
    int r = strv_append(&ctl->words, machine);

    if (r == 0)
        r = strv_append(&ctl->words, "berthctl");
    if (r == 0)
        r = strv_extend(&ctl->words, words);
    if (r < 0)
        return r;
    for (size_t i = 0; i < verbs_count; i++)
        if (verbs[i].run == verb_exec)
            ctl->verb = &verbs[i];
    ctl->user = "0:0";
    ctl->interactive = true;
    ctl->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return verb_exec(ctl, error);
}

int remote_run(Ctl *ctl, const Remote *remote, char *const *words, Error *error)
{
    return remote->host ? run_at_host(remote, words, error) : run_in_machine(ctl, remote->machine, words, error);
}
