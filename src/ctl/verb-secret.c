/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* secret: create, list, inspect, rm. */

#include "ctl/ctl.h"
#include "ctl/table.h"

#include "base/file.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/time.h"
#include "host/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- create --- */

/* Of a file, a pipe or whatever else `fd` is. */
static int read_input(int fd, const char *what, char **ret, size_t *ret_size, Error *error)
{
    char *data = malloc(SECRET_MAX_BYTES + 1);
    ssize_t n = data ? file_read_all(fd, data, SECRET_MAX_BYTES + 1) : -ENOMEM;

    if (n < 0) {
        free(data);
        return error_set(error, (int) n, "cannot read %s: %s", what, strerror((int) -n));
    }
    *ret = data;
    *ret_size = (size_t) n;
    return 0;
}

static int create(Ctl *ctl, int secrets_fd, char *const *words, Error *error)
{
    const char *name = words[0], *file = words[1] ? words[1] : "-";
    bool is_stdin = strcmp(file, "-") == 0;
    _cleanup_close_ int file_fd = is_stdin ? -EBADF : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int fd = is_stdin ? STDIN_FILENO : file_fd, r;
    char *data = NULL;
    size_t size = 0;

    if (fd < 0)
        return error_set(error, -errno, "cannot open '%s': %s", file, strerror(errno));
    if (is_stdin && isatty(fd))
        return error_hint(error, error_set(error, -ENOTTY, "a terminal would show the secret"),
                          "name a file, or: systemd-ask-password -n | berthctl secret create %s", name);
    r = read_input(fd, is_stdin ? "standard input" : file, &data, &size, error);
    if (r == 0)
        r = secret_write(secrets_fd, name, ctl->replace ? SECRET_REPLACE : SECRET_CREATE, ctl->with_key, data, size,
                         error);
    if (data)
        explicit_bzero(data, SECRET_MAX_BYTES + 1);
    free(data);
    if (r < 0)
        return r;
    if (r > 0)
        log_warning("the secret '%s' is not encrypted, only root can read its file: there is no systemd-creds here",
                    name);
    if (!ctl->quiet)
        printf("%s\n", name);
    return 0;
}

/* --- list and inspect --- */

static const TableColumn columns[] = {
    {"NAME", "name", TABLE_TRUNCATE},
    {"ENCRYPTION", "encryption", 0},
    {"CREATED", "created_usec", 0},
    {"UPDATED", "updated_usec", 0},
};

static int set_time(Table *table, size_t column, uint64_t usec)
{
    _cleanup_free_ char *age = time_format_relative(usec, time_now_usec());
    int r = table_set(table, column, age);

    return r < 0 ? r : table_set_json(table, column, json_integer((json_int_t) usec));
}

static int add_secret(Table *table, int secrets_fd, const char *name, Error *error)
{
    _cleanup_secret_info_ SecretInfo info = {};
    int r = secret_load_info(secrets_fd, name, &info, error);

    if (r == 0)
        r = table_add_row(table);
    if (r == 0)
        r = table_set(table, 0, name);
    if (r == 0)
        r = table_set(table, 1, info.encryption);
    if (r == 0)
        r = set_time(table, 2, info.created_usec);
    return r < 0 ? r : set_time(table, 3, info.updated_usec);
}

static int list(Ctl *ctl, int secrets_fd, char *const *unused, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    _cleanup_strv_ char **names = NULL;
    int r = !table ? -ENOMEM : secrets_fd < 0 ? 0 : secrets_list(secrets_fd, &names);

    if (r < 0)
        return error_set(error, r, "cannot read the list of secrets: %s", strerror(-r));
    STRV_FOREACH (name, names) {
        _cleanup_error_ Error problem = {};

        if (ctl->quiet && !ctl->json) {
            printf("%s\n", *name);
            continue;
        }
        /* One that is damaged, or was removed meanwhile, hides no other. */
        r = add_secret(table, secrets_fd, *name, &problem);
        if (r < 0 && r != -ENOENT)
            error_report(&problem, r);
    }
    if (ctl->json)
        return table_print_json(table);
    if (ctl->quiet)
        return 0;
    r = table_count_rows(table) > 0 ? table_print(table, !ctl->no_legend) : 0;
    if (r == 0 && !ctl->no_legend)
        printf("%s%zu secret%s.\n", table_count_rows(table) > 0 ? "\n" : "", table_count_rows(table),
               table_count_rows(table) == 1 ? "" : "s");
    return r;
}

static int inspect(Ctl *ctl, int secrets_fd, char *const *names, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = table ? 0 : -ENOMEM;

    STRV_FOREACH (name, names)
        if (r == 0)
            r = add_secret(table, secrets_fd, *name, error);
    return r < 0 ? r : table_print_json(table);
}

/* --- rm --- */

static int rm(Ctl *ctl, int secrets_fd, char *const *names, Error *error)
{
    STRV_FOREACH (name, names) {
        int r = secret_remove(secrets_fd, *name, error);

        if (r == -ENOENT && ctl->force) {
            error_done(error);
            continue;
        }
        if (r < 0)
            return r;
        if (!ctl->quiet)
            printf("%s\n", *name);
    }
    return 0;
}

static const struct {
    const char *name, *takes;
    size_t least_words, most_words;
    int (*run)(Ctl *ctl, int secrets_fd, char *const *words, Error *error);
} actions[] = {
    {"create", "a name, and the file that holds the secret or - for standard input", 1, 2, create},
    {"list", "no names", 0, 0, list},
    {"ls", "no names", 0, 0, list},
    {"inspect", "the names of secrets", 1, SIZE_MAX, inspect},
    {"rm", "the names of secrets", 1, SIZE_MAX, rm},
    {"remove", "the names of secrets", 1, SIZE_MAX, rm},
};

int verb_secret(Ctl *ctl, Error *error)
{
    size_t count = strv_length(ctl->words + 1);
    int r = output_format_check(ctl->output, "table json", error);

    for (size_t i = 0; i < ELEMENTSOF(actions) && r == 0; i++) {
        _cleanup_close_ int secrets_fd = -EBADF;

        if (strcmp(ctl->words[0], actions[i].name) != 0)
            continue;
        if (count < actions[i].least_words || count > actions[i].most_words)
            return error_set(error, -EINVAL, "secret %s takes %s", actions[i].name, actions[i].takes);
        r = ctl_open_roster(ctl, error);
        if (r < 0)
            return r;
        r = secrets_open(ctl->roster->data_fd, actions[i].run == create, &secrets_fd);
        if (r < 0 && r != -ENOENT)
            return error_set(error, r, "cannot open the secrets: %s", strerror(-r));
        return actions[i].run(ctl, secrets_fd, ctl->words + 1, error);
    }
    return r < 0 ? r
                 : error_hint(error, error_set(error, -EINVAL, "'%s' is nothing to do with secrets", ctl->words[0]),
                              "create, list, inspect or rm");
}
