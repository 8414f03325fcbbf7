/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/prompt.h"

#include "base/log.h"
#include "base/text.h"
#include "kernel/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What the terminal's driver does in its usual mode, as far as a line without echo needs it: 1 when the line is complete. */
static int take_character(char c, char *line, size_t *length)
{
    switch (c) {
    case '\r':
    case '\n':
        return 1;
    case 'C' - '@': /* Ctrl-C, Ctrl-D, Ctrl-\, Ctrl-Z */
    case 'D' - '@':
    case '\\' - '@':
    case 'Z' - '@':
        return -ECANCELED;
    case 'U' - '@':
        *length = 0;
        return 0;
    case '\b':
    case 0x7f:
        *length -= *length > 0;
        return 0;
    default:
        if (*length >= PROMPT_MAX_BYTES)
            return -E2BIG;
        line[(*length)++] = c;
        return 0;
    }
}

static void show(const char *question)
{
    fprintf(stderr, "%s", question);
    (void) fflush(stderr);
}

/* No key makes a signal in raw mode, and one that somebody sends waits until the terminal is as it was. The question comes
 * when nothing is echoed any more. */
static int read_secret(const char *question, char *line, size_t *length)
{
    struct termios saved;
    sigset_t all, before;
    int r;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    r = tty_set_raw(STDIN_FILENO, &saved);
    if (r == 0) {
        show(question);
        do {
            char c = 0;
            ssize_t n = read(STDIN_FILENO, &c, 1);

            r = n == 1 ? take_character(c, line, length) : n == 0 ? -ECANCELED : -errno;
        } while (r == 0);
        tty_restore(STDIN_FILENO, &saved);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    fputc('\n', stderr);
    return MIN(r, 0);
}

/* The driver gives one line a time. */
static int read_plain(const char *question, char *line, size_t *length)
{
    ssize_t n;

    show(question);
    n = read(STDIN_FILENO, line, PROMPT_MAX_BYTES);
    if (n <= 0)
        return n < 0 ? -errno : -ECANCELED;
    *length = (size_t) n - (line[n - 1] == '\n');
    return 0;
}

int prompt_line(const char *question, bool is_secret, char **ret, Error *error)
{
    size_t length = 0;
    char *line;
    int r;

    if (!isatty(STDIN_FILENO))
        return error_set(error, -ENOTTY, "nobody can be asked: standard input is no terminal");
    line = calloc(1, PROMPT_MAX_BYTES + 1);
    if (!line)
        return -ENOMEM;
    r = is_secret ? read_secret(question, line, &length) : read_plain(question, line, &length);
    if (r < 0) {
        explicit_bzero(line, PROMPT_MAX_BYTES);
        free(line);
        return error_set(error, r, r == -ECANCELED ? "not answered" : "reading the answer: %s", strerror(-r));
    }
    line[length] = 0;
    *ret = line;
    return 0;
}
