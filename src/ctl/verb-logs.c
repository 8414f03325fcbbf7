/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* logs: options into a request. */

#include "ctl/logs.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Something was shown, but not everything. */
#define EXIT_DAMAGED 2

static int parse_time(const char *option, const char *text, uint64_t *ret_usec, Error *error)
{
    int r = text ? time_parse(text, time_now_usec(), ret_usec) : 0;

    if (r == -ERANGE)
        return error_set(error, r, "%s: '%s' is out of range", option, text);
    return r < 0 ? error_hint(error, error_set(error, r, "%s: '%s' is not a point in time", option, text),
                              "like 2026-11-23 14:00, today, \"10min ago\" or @1795442400")
                 : 0;
}

/* "warning", "4", or a range "err..info"; without one all that are as urgent, as of journalctl(1). */
static int parse_priority(const char *text, size_t length, unsigned *ret)
{
    static const char *const names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

    for (unsigned i = 0; i < ELEMENTSOF(names); i++)
        if ((strlen(names[i]) == length && memcmp(names[i], text, length) == 0) ||
            (length == 1 && *text == (char) ('0' + i))) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

static int parse_priorities(const char *text, unsigned *ret, Error *error)
{
    const char *dots = strstr(text, "..");
    unsigned first = 0, last = 7;
    int r = 0;

    if (!dots)
        r = parse_priority(text, strlen(text), &last);
    else {
        if (dots > text)
            r = parse_priority(text, (size_t) (dots - text), &first);
        if (r == 0 && dots[2])
            r = parse_priority(dots + 2, strlen(dots + 2), &last);
    }
    if (r < 0)
        return error_hint(error, error_set(error, r, "--priority: '%s' is not a priority", text),
                          "0 to 7, emerg, alert, crit, err, warning, notice, info, debug, or a range FROM..TO");
    for (unsigned i = MIN(first, last); i <= MAX(first, last); i++)
        *ret |= 1U << i;
    return 0;
}

/* 12 or 64 hexadecimal digits, as `show` prints them and as the journal has them. */
static int check_instance(const char *text, Error *error)
{
    size_t length = strlen(text);

    if (strcmp(text, "all") == 0 || ((length == 12 || length == 64) && strspn(text, "0123456789abcdef") == length))
        return 0;
    return error_hint(error, error_set(error, -EINVAL, "--instance: '%s' is not the id of a run", text),
                      "an id has 64 digits, or the first 12 of them; 'all' is every run");
}

static int parse_request(const Ctl *ctl, LogRequest *request, Error *error)
{
    const char *output = ctl->output ? ctl->output : "short";
    int r = output_format_check(output, "short cat json", error);

    if (r == 0 && ctl->lines && strcmp(ctl->lines, "all") != 0 &&
        text_parse_u64(ctl->lines, UINT32_MAX - 1, &request->tail) < 0)
        return error_set(error, -EINVAL, "--lines: '%s' is neither a number of lines nor 'all'", ctl->lines);
    if (r == 0)
        r = parse_time("--since", ctl->since, &request->since_usec, error);
    if (r == 0)
        r = parse_time("--until", ctl->until, &request->until_usec, error);
    if (r == 0 && ctl->priority)
        r = parse_priorities(ctl->priority, &request->priorities, error);
    if (r == 0 && ctl->stream && strcmp(ctl->stream, "stdout") != 0 && strcmp(ctl->stream, "stderr") != 0)
        r = error_set(error, -EINVAL, "--stream: '%s' is neither stdout nor stderr", ctl->stream);
    if (r == 0 && ctl->instance)
        r = check_instance(ctl->instance, error);
    request->stream = ctl->stream;
    request->instance = ctl->instance;
    request->format = output[0] == 'j' ? LOG_FORMAT_JSON : output[0] == 'c' ? LOG_FORMAT_CAT : LOG_FORMAT_SHORT;
    request->with_timestamps = ctl->timestamps;
    request->follow = ctl->follow;
    return r;
}

/* The journal has the lines of containers that are gone, too. */
static int load(Ctl *ctl, Container **ret, Error *error)
{
    int r = container_load(ctl, ctl->words[0], ret, error);

    if (r != -ENOENT || !ctl->instance || !text_is_name(ctl->words[0]))
        return r;
    error_done(error);
    *ret = calloc(1, sizeof(Container));
    if (!*ret)
        return -ENOMEM;
    (*ret)->state = CONTAINER_STOPPED;
    (*ret)->name = strdup(ctl->words[0]);
    return (*ret)->name ? 0 : -ENOMEM;
}

int verb_logs(Ctl *ctl, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    LogRequest request = {.tail = UINT64_MAX};
    int r = parse_request(ctl, &request, error);

    if (r == 0)
        r = load(ctl, &container, error);
    /* A container's lines deserve better than the one system call for each piece that messages are worth. */
    (void) setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    if (r == 0)
        r = logs_print(ctl, container, &request, error);
    return r == LOGS_DAMAGED ? EXIT_DAMAGED : MIN(r, 0);
}
