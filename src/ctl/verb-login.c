/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login, logout: passwords of registries. */

#include "ctl/ctl.h"
#include "ctl/prompt.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "pull/client.h"
#include "pull/credentials-files.h"
#include "pull/registries.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The host's one spelling, as in references; -EINVAL for what is no host. */
static int parse_host(const char *text, char **ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *whole = text_format("%s/x/y", text);

    if (!whole)
        return -ENOMEM;
    if (strchr(text, '/') || reference_parse(whole, &reference, NULL) < 0 || !reference.domain ||
        strcmp(reference.repository, "x/y") != 0)
        return error_set(error, -EINVAL, "'%s' is not a registry: HOST[:PORT] or localhost is meant", text);
    *ret = TAKE_PTR(reference.domain);
    return 0;
}

/* A container may be called like a host: the one that runs is meant, unless something says otherwise. */
static bool means_registry(Ctl *ctl, const char *word)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_free_ char *host = NULL;

    if (ctl->username || ctl->password_stdin)
        return true;
    return parse_host(word, &host, NULL) == 0 &&
           !(text_is_name(word) && ctl_load_machine(ctl, word, &machine, NULL) == 0);
}

/* --- what is asked --- */

static int read_password(char **ret, Error *error)
{
    char *text = calloc(1, PROMPT_MAX_BYTES + 2);
    ssize_t n = text ? file_read_all(STDIN_FILENO, text, PROMPT_MAX_BYTES + 1) : -ENOMEM;
    int r = (int) MIN(n, 0);

    if (n > (ssize_t) PROMPT_MAX_BYTES)
        r = error_set(error, -E2BIG, "the password is longer than %u bytes", PROMPT_MAX_BYTES);
    if (r < 0) {
        free(text);
        return r;
    }
    /* Only the end of its line: blanks may belong to it. */
    if (n > 0 && text[n - 1] == '\n')
        text[--n] = 0;
    if (n > 0 && text[n - 1] == '\r')
        text[--n] = 0;
    *ret = text;
    return strlen(text) == (size_t) n ? 0 : error_set(error, -EINVAL, "there is a NUL in the password");
}

static int check_credentials(const Credentials *credentials, Error *error)
{
    if (text_is_empty(credentials->user) || strchr(credentials->user, ':'))
        return error_set(error, -EINVAL, "'%s' cannot be a user of a registry", credentials->user);
    if (!text_is_utf8(credentials->user, strlen(credentials->user)) ||
        !text_is_utf8(credentials->password, strlen(credentials->password)))
        return error_set(error, -EINVAL, "user or password is not UTF-8, and cannot be kept in JSON");
    if (text_is_empty(credentials->password) || strpbrk(credentials->password, "\r\n"))
        return error_set(error, -EINVAL, "the password is empty or more than one line");
    return 0;
}

static int ask_credentials(const Ctl *ctl, const char *host, Credentials *ret, Error *error)
{
    _cleanup_free_ char *user = text_format("User of %s: ", host), *password = text_format("Password: ");
    int r = user && password ? 0 : -ENOMEM;

    if (r == 0 && ctl->password_stdin && !ctl->username)
        r = error_set(error, -EINVAL, "--password-stdin needs --username=");
    if (r == 0 && ctl->username) {
        ret->user = strdup(ctl->username);
        r = ret->user ? 0 : -ENOMEM;
    } else if (r == 0)
        r = prompt_line(user, false, &ret->user, error);
    if (r == 0)
        r = ctl->password_stdin ? read_password(&ret->password, error)
                                : prompt_line(password, true, &ret->password, error);
    if (r == -ENOTTY)
        return error_hint(error, r, "berthctl login --username=USER --password-stdin %s <FILE", host);
    return r < 0 ? r : check_credentials(ret, error);
}

/* --- login --- */

/* The registry says whether they are right before they are kept. */
static int try_credentials(const Ctl *ctl, const char *host, const Credentials *credentials, Error *error)
{
    _cleanup_pull_client_ PullClient *client = NULL;
    _cleanup_free_ char *name = text_format("%s/x", host);
    PullOptions options = {.name = name, .tls_verify = ctl->tls_verify, .is_writing = true};
    const WireRequest request = {.kind = WIRE_PING};
    char *json = NULL;
    unsigned id = 0;
    int r = name ? credentials_edit(NULL, 0, host, credentials, &json, error) : -ENOMEM;

    if (r < 0)
        return r;
    options.auth_json = json;
    r = pull_client_start(&options, &client, error);
    explicit_bzero(json, strlen(json));
    free(json);
    if (r == 0)
        r = pull_client_send(client, &request, -EBADF, &id, error);
    return r < 0 ? r : pull_client_wait(client, id, NULL, error);
}

static int login_to_registry(Ctl *ctl, Error *error)
{
    _cleanup_credentials_ Credentials credentials = {};
    _cleanup_free_ char *host = NULL, *place = NULL;
    _cleanup_strv_ char **files = NULL;
    bool flag;
    int r = parse_host(ctl->words[0], &host, error);

    if (r == 0 && geteuid() != 0)
        r = error_hint(error, error_set(error, -EPERM, "only root can use registries"), "use sudo");
    if (r == 0 && ctl->tls_verify && text_parse_bool(ctl->tls_verify, &flag) < 0)
        r = error_set(error, -EINVAL, "--tls-verify=%s: use yes or no", ctl->tls_verify);
    if (r == 0)
        r = credentials_list_files(ctl->auth_file, &files);
    if (r == 0)
        r = ask_credentials(ctl, host, &credentials, error);
    if (r == 0)
        r = try_credentials(ctl, host, &credentials, error);
    if (r == 0)
        r = credentials_save(files[0], host, &credentials, &place, error);
    if (r < 0)
        return error_prefix(error, r, "logging in to %s", host ? host : ctl->words[0]);
    printf("Logged in to %s; the password is kept in %s\n", host, place);
    return 0;
}

int verb_login(Ctl *ctl, Error *error)
{
    return means_registry(ctl, ctl->words[0]) ? login_to_registry(ctl, error) : ctl_login_machine(ctl, error);
}

/* --- logout --- */

/* Wherever a pull would find it. */
static int logout_one(Ctl *ctl, const char *word, void *userdata, Error *error)
{
    char *const *files = userdata;
    _cleanup_free_ char *host = NULL;
    bool is_removed = false;
    int r = parse_host(word, &host, error);

    (void) ctl;
    STRV_FOREACH (file, files) {
        _cleanup_free_ char *place = NULL;

        if (r >= 0)
            r = credentials_remove(*file, host, &place, error);
        if (r == 0) {
            is_removed = true;
            printf("Removed the password of %s from %s\n", host, place);
        }
    }
    if (r < 0)
        return error_prefix(error, r, "logging out of %s", word);
    return is_removed ? 0 : error_set(error, -ENOENT, "no password of %s is kept", host);
}

int verb_logout(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **files = NULL;
    int r = credentials_list_files(ctl->auth_file, &files);

    return r < 0 ? r : ctl_for_each_word(ctl, logout_one, files, error);
}
