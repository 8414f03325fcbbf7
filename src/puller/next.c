/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "puller/next.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

static NextStep give_up(const Outcome *outcome)
{
    return outcome->has_other_site ? NEXT_SITE : NEXT_FAIL;
}

static NextStep retry(const Outcome *outcome, uint64_t *ret_delay_usec)
{
    uint64_t delay_usec = outcome->retry_usec << MIN(outcome->attempts, 16U);

    if (outcome->attempts > outcome->retries || outcome->attempts_all > NEXT_ATTEMPTS_MAX)
        return give_up(outcome);
    delay_usec = MAX(delay_usec / 2, outcome->retry_after_usec);
    *ret_delay_usec = MIN(delay_usec, NEXT_DELAY_MAX_USEC);
    return NEXT_RETRY;
}

static NextStep judge_status(const Outcome *outcome, uint64_t *ret_delay_usec)
{
    switch (outcome->status) {
    case 200 ... 299:
        return outcome->is_complete ? NEXT_DONE : retry(outcome, ret_delay_usec);
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return outcome->has_location && outcome->redirects < NEXT_REDIRECTS_MAX ? NEXT_REDIRECT : give_up(outcome);
    case 401:
        /* Once more when what we had may have expired. */
        return outcome->has_challenge && outcome->logins < 2 ? NEXT_LOGIN : give_up(outcome);
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return retry(outcome, ret_delay_usec);
    default:
        return give_up(outcome);
    }
}

NextStep next_decide(const Outcome *outcome, uint64_t *ret_delay_usec)
{
    switch (outcome->net) {
    case NET_ANSWER:
        return judge_status(outcome, ret_delay_usec);
    case NET_LOST:
        return retry(outcome, ret_delay_usec);
    case NET_TLS:
        return outcome->may_plain ? NEXT_PLAIN : give_up(outcome);
    case NET_CERTIFICATE:
        return give_up(outcome);
    default:
        return NEXT_FAIL;
    }
}

uint64_t next_parse_retry_after(const char *value)
{
    uint64_t seconds = 0;

    return text_parse_u64(value, NEXT_DELAY_MAX_USEC / 1000000U, &seconds) == 0 ? seconds * 1000000U
           : strspn(value, "0123456789") == strlen(value) && *value             ? NEXT_DELAY_MAX_USEC
                                                                                : 0;
}

bool next_continues(const char *content_range, uint64_t first, uint64_t size)
{
    _cleanup_free_ char *wanted = text_format("bytes %llu-%llu/%llu", (unsigned long long) first,
                                              (unsigned long long) (size - 1), (unsigned long long) size);

    return wanted && content_range && size > first && strcmp(wanted, content_range) == 0;
}
