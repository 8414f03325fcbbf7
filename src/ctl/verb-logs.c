/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* logs: options into a request. */

#include "ctl/logs.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
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
    request->format = output[0] == 'j' ? LOG_FORMAT_JSON : output[0] == 'c' ? LOG_FORMAT_CAT : LOG_FORMAT_SHORT;
    request->with_timestamps = ctl->timestamps;
    request->follow = ctl->follow;
    return r;
}

int verb_logs(Ctl *ctl, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    LogRequest request = {.tail = UINT64_MAX};
    int r = parse_request(ctl, &request, error);

    if (r == 0)
        r = container_load(ctl, ctl->words[0], &container, error);
    /* A container's lines deserve better than the one system call for each piece that messages are worth. */
    (void) setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    if (r == 0)
        r = logs_print(ctl, container, &request, error);
    return r == LOGS_DAMAGED ? EXIT_DAMAGED : MIN(r, 0);
}
