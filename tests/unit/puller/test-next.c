/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "puller/next.h"

#include "base/cleanup.h"

static const Outcome fresh = {.net = NET_ANSWER, .attempts = 1, .attempts_all = 1, .retry_usec = 1000000, .retries = 5};

static NextStep decide(Outcome outcome, uint64_t *delay)
{
    *delay = 0;
    return next_decide(&outcome, delay);
}

static void test_statuses(void)
{
    static const struct {
        unsigned status;
        bool is_complete, has_challenge, has_location, has_other_site;
        NextStep step;
    } rows[] = {
        {200, true, false, false, false, NEXT_DONE},   {206, true, false, false, false, NEXT_DONE},
        {200, false, false, false, false, NEXT_RETRY}, {301, false, false, true, false, NEXT_REDIRECT},
        {307, false, false, false, false, NEXT_FAIL},  {401, false, true, false, false, NEXT_LOGIN},
        {401, false, false, false, false, NEXT_FAIL},  {401, false, false, false, true, NEXT_SITE},
        {403, false, true, false, false, NEXT_FAIL},   {404, false, false, false, true, NEXT_SITE},
        {404, false, false, false, false, NEXT_FAIL},  {429, false, false, false, true, NEXT_RETRY},
        {503, false, false, false, false, NEXT_RETRY}, {418, false, false, false, false, NEXT_FAIL},
        {100, false, false, false, false, NEXT_FAIL},  {304, false, false, true, false, NEXT_FAIL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Outcome outcome = fresh;
        uint64_t delay;

        outcome.status = rows[i].status;
        outcome.is_complete = rows[i].is_complete;
        outcome.has_challenge = rows[i].has_challenge;
        outcome.has_location = rows[i].has_location;
        outcome.has_other_site = rows[i].has_other_site;
        if (decide(outcome, &delay) != rows[i].step)
            TEST_FAIL("row %zu: %u gives another step", i, rows[i].status);
    }
}

/* Whatever a server does, it ends. */
static void test_ends(void)
{
    Outcome outcome = fresh;
    uint64_t delay;

    outcome.status = 302;
    outcome.has_location = true;
    outcome.redirects = NEXT_REDIRECTS_MAX;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
    outcome = fresh;
    outcome.status = 401;
    outcome.has_challenge = true;
    outcome.logins = 2;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
    outcome = fresh;
    outcome.net = NET_LOST;
    outcome.attempts = 6;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
    outcome.attempts = 1;
    outcome.attempts_all = NEXT_ATTEMPTS_MAX + 1;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
    outcome.net = NET_OURS;
    outcome.has_other_site = true;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
}

static void test_delays(void)
{
    Outcome outcome = fresh;
    uint64_t delay;

    outcome.net = NET_LOST;
    ASSERT_EQ(decide(outcome, &delay), NEXT_RETRY);
    ASSERT_EQ(delay, 1000000);
    outcome.attempts = 3;
    (void) decide(outcome, &delay);
    ASSERT_EQ(delay, 4000000);
    outcome.retry_after_usec = 7000000;
    (void) decide(outcome, &delay);
    ASSERT_EQ(delay, 7000000);
    outcome.retry_after_usec = UINT64_MAX;
    (void) decide(outcome, &delay);
    ASSERT_EQ(delay, NEXT_DELAY_MAX_USEC);
    ASSERT_EQ(next_parse_retry_after("3"), 3000000);
    ASSERT_EQ(next_parse_retry_after("999999999999999999999"), NEXT_DELAY_MAX_USEC);
    ASSERT_EQ(next_parse_retry_after("Fri, 31 Dec 1999 23:59:59 GMT"), 0);
    ASSERT_EQ(next_parse_retry_after("-1"), 0);
    ASSERT_EQ(next_parse_retry_after(""), 0);
}

static void test_tls(void)
{
    Outcome outcome = fresh;
    uint64_t delay;

    outcome.net = NET_TLS;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
    outcome.may_plain = true;
    ASSERT_EQ(decide(outcome, &delay), NEXT_PLAIN);
    outcome.net = NET_CERTIFICATE;
    ASSERT_EQ(decide(outcome, &delay), NEXT_FAIL);
}

static void test_ranges(void)
{
    ASSERT_TRUE(next_continues("bytes 5-9/10", 5, 10));
    ASSERT_FALSE(next_continues("bytes 4-9/10", 5, 10));
    ASSERT_FALSE(next_continues("bytes 5-8/10", 5, 10));
    ASSERT_FALSE(next_continues("bytes 5-9/11", 5, 10));
    ASSERT_FALSE(next_continues("bytes 5-9/*", 5, 10));
    ASSERT_FALSE(next_continues(NULL, 5, 10));
    ASSERT_FALSE(next_continues("bytes 10-9/10", 10, 10));
}

int main(void)
{
    TEST_RUN(test_statuses);
    TEST_RUN(test_ends);
    TEST_RUN(test_delays);
    TEST_RUN(test_tls);
    TEST_RUN(test_ranges);
    return test_finish();
}
