/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When checks are due and what their results mean; the clock is ours. */
#include "../test.h"

#include "executor/health.h"

#define SECOND UINT64_C(1000000)

static const HealthConfig config = {
    .interval_usec = 30 * SECOND,
    .timeout_usec = 10 * SECOND,
    .start_interval_usec = 5 * SECOND,
    .retries = 3,
};

/* Runs the check that is due `wait` after *now and ends it `duration` later, which is *now then. */
static void check(Health *health, uint64_t *now, uint64_t wait, uint64_t duration, bool success)
{
    ASSERT_EQ(health_due(health, *now + wait - 1), HEALTH_DUE_NOTHING);
    ASSERT_EQ(health_due(health, *now + wait), HEALTH_DUE_CHECK);
    ASSERT_EQ(health_due(health, *now + wait), HEALTH_DUE_NOTHING);
    *now += wait + duration;
    (void) health_result(health, *now, success);
}

static void first_check_and_interval(void)
{
    Health health;
    uint64_t now = 1000 * SECOND;

    health_init(&health, &config, now);
    ASSERT_EQ(health.status, HEALTH_STARTING);
    check(&health, &now, 30 * SECOND, 2 * SECOND, true);
    ASSERT_EQ(health.status, HEALTH_HEALTHY);
    /* From the end of one to the start of the next. */
    check(&health, &now, 30 * SECOND, 9 * SECOND, true);
    ASSERT_EQ(health.due_usec, now + 30 * SECOND);
}

static void retries_in_a_row(void)
{
    Health health;
    uint64_t now = 0;

    health_init(&health, &config, now);
    for (int i = 0; i < 2; i++)
        check(&health, &now, 30 * SECOND, SECOND, false);
    ASSERT_EQ(health.status, HEALTH_STARTING);
    check(&health, &now, 30 * SECOND, SECOND, true); /* not in a row */
    for (int i = 0; i < 2; i++)
        check(&health, &now, 30 * SECOND, SECOND, false);
    ASSERT_EQ(health.status, HEALTH_HEALTHY);
    ASSERT_EQ(health.failing, 2);
    check(&health, &now, 30 * SECOND, SECOND, false);
    ASSERT_EQ(health.status, HEALTH_UNHEALTHY);
    check(&health, &now, 30 * SECOND, SECOND, false);
    ASSERT_EQ(health.failing, 4);
    check(&health, &now, 30 * SECOND, SECOND, true);
    ASSERT_EQ(health.status, HEALTH_HEALTHY);
    ASSERT_EQ(health.failing, 0);
}

static void changes_are_told_once(void)
{
    Health health;
    HealthConfig one = config;

    one.retries = 1;
    health_init(&health, &one, 0);
    ASSERT_EQ(health_due(&health, 30 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_TRUE(health_result(&health, 31 * SECOND, false));
    ASSERT_EQ(health_due(&health, 61 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_TRUE(!health_result(&health, 62 * SECOND, false));
    ASSERT_EQ(health_due(&health, 92 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_TRUE(health_result(&health, 93 * SECOND, true));
    ASSERT_EQ(health_due(&health, 123 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_TRUE(!health_result(&health, 124 * SECOND, true));
}

static void a_start_period(void)
{
    Health health;
    HealthConfig starting = config;
    uint64_t now = 0;

    starting.start_period_usec = 60 * SECOND;
    starting.retries = 1;
    health_init(&health, &starting, now);
    /* Every five seconds, and failures do not count. */
    for (int i = 0; i < 8; i++)
        check(&health, &now, 5 * SECOND, SECOND, false);
    ASSERT_EQ(health.status, HEALTH_STARTING);
    ASSERT_EQ(health.failing, 0);
    /* The first success ends it: from now on they do. */
    check(&health, &now, 5 * SECOND, SECOND, true);
    ASSERT_TRUE(now < 60 * SECOND);
    ASSERT_EQ(health.due_usec, now + 30 * SECOND);

    /* Without a success it ends by itself. */
    health_init(&health, &starting, 0);
    ASSERT_EQ(health_due(&health, 59 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_TRUE(health_result(&health, 61 * SECOND, false));
    ASSERT_EQ(health.status, HEALTH_UNHEALTHY);
}

static void a_timeout(void)
{
    Health health;

    health_init(&health, &config, 0);
    ASSERT_EQ(health_due(&health, 30 * SECOND), HEALTH_DUE_CHECK);
    ASSERT_EQ(health.due_usec, 40 * SECOND);
    ASSERT_EQ(health_due(&health, 40 * SECOND - 1), HEALTH_DUE_NOTHING);
    ASSERT_EQ(health_due(&health, 40 * SECOND), HEALTH_DUE_TIMEOUT);
    (void) health_result(&health, 40 * SECOND, false);
    ASSERT_EQ(health.failing, 1);
    ASSERT_EQ(health.due_usec, 70 * SECOND);
}

/* A clock that was late, as over a suspend: one check, not all that were missed. */
static void a_jump_of_the_clock(void)
{
    Health health;
    uint64_t now = 3600 * SECOND;

    health_init(&health, &config, 0);
    ASSERT_EQ(health_due(&health, now), HEALTH_DUE_CHECK);
    (void) health_result(&health, now, true);
    ASSERT_EQ(health_due(&health, now), HEALTH_DUE_NOTHING);
    ASSERT_EQ(health.due_usec, now + 30 * SECOND);
}

static void a_pause(void)
{
    Health health;

    health_init(&health, &config, 0);
    health_postpone(&health, 30 * SECOND);
    ASSERT_EQ(health_due(&health, 59 * SECOND), HEALTH_DUE_NOTHING);
    ASSERT_EQ(health_due(&health, 60 * SECOND), HEALTH_DUE_CHECK);
    /* One that runs gets its time anew. */
    health_postpone(&health, 70 * SECOND);
    ASSERT_EQ(health_due(&health, 79 * SECOND), HEALTH_DUE_NOTHING);
    ASSERT_EQ(health_due(&health, 80 * SECOND), HEALTH_DUE_TIMEOUT);
    ASSERT_EQ(health.failing, 0);
}

static void no_overflow(void)
{
    Health health;
    HealthConfig endless = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 1, 1};

    health_init(&health, &endless, 5);
    ASSERT_EQ(health.due_usec, 6);
    ASSERT_EQ(health_due(&health, 6), HEALTH_DUE_CHECK);
    ASSERT_EQ(health.due_usec, UINT64_MAX);
    (void) health_result(&health, 7, true);
    ASSERT_EQ(health.due_usec, UINT64_MAX);
}

int main(void)
{
    TEST_RUN(first_check_and_interval);
    TEST_RUN(retries_in_a_row);
    TEST_RUN(changes_are_told_once);
    TEST_RUN(a_start_period);
    TEST_RUN(a_timeout);
    TEST_RUN(a_jump_of_the_clock);
    TEST_RUN(a_pause);
    TEST_RUN(no_overflow);
    return test_finish();
}
