/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/health.h"

#include "base/cleanup.h"

const char *health_status_to_string(HealthStatus status)
{
    static const char *const names[_HEALTH_STATUS_MAX] = {"starting", "healthy", "unhealthy"};

    return names[status];
}

/* Not beyond the end of time. */
static uint64_t later(uint64_t now_usec, uint64_t span_usec)
{
    return span_usec > UINT64_MAX - now_usec ? UINT64_MAX : now_usec + span_usec;
}

static bool is_starting(const Health *health, uint64_t now_usec)
{
    return health->status == HEALTH_STARTING && now_usec < later(health->start_usec, health->config.start_period_usec);
}

static void schedule(Health *health, uint64_t now_usec)
{
    health->is_running = false;
    health->due_usec = later(now_usec, is_starting(health, now_usec) ? health->config.start_interval_usec
                                                                     : health->config.interval_usec);
}

void health_init(Health *health, const HealthConfig *config, uint64_t now_usec)
{
    *health = (Health){.config = *config, .status = HEALTH_STARTING, .start_usec = now_usec};
    schedule(health, now_usec);
}

HealthDue health_due(Health *health, uint64_t now_usec)
{
    if (now_usec < health->due_usec)
        return HEALTH_DUE_NOTHING;
    if (health->is_running)
        return HEALTH_DUE_TIMEOUT;
    health->is_running = true;
    health->due_usec = later(now_usec, health->config.timeout_usec);
    return HEALTH_DUE_CHECK;
}

void health_postpone(Health *health, uint64_t now_usec)
{
    if (health->is_running)
        health->due_usec = later(now_usec, health->config.timeout_usec);
    else
        schedule(health, now_usec);
}

bool health_result(Health *health, uint64_t now_usec, bool is_success)
{
    HealthStatus before = health->status;

    if (is_success) {
        health->failing = 0;
        health->status = HEALTH_HEALTHY;
    } else if (!is_starting(health, now_usec)) {
        health->failing++;
        if (health->failing >= MAX(health->config.retries, UINT64_C(1)))
            health->status = HEALTH_UNHEALTHY;
    }
    schedule(health, now_usec);
    return health->status != before;
}
