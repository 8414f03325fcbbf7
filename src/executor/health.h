/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: when a health check is due, how long it may take, and what its results make of the container.
 * Never does: ask the clock or run anything (probe.c does): it is told what time it is and how a check ended.
 * Runs in: the supervisor; pure. Times are microseconds of one clock. */

#include <stdbool.h>
#include <stdint.h>

typedef struct HealthConfig {
    uint64_t interval_usec; /* between the end of one check and the start of the next */
    uint64_t timeout_usec;
    uint64_t start_period_usec;   /* failures in it do not count, until the first success */
    uint64_t start_interval_usec; /* in place of the interval, as long */
    uint64_t retries;             /* so many failures in a row make it unhealthy; 1 or more */
} HealthConfig;

typedef enum HealthStatus { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY, _HEALTH_STATUS_MAX } HealthStatus;
const char *health_status_to_string(HealthStatus status);

typedef struct Health {
    HealthConfig config;
    HealthStatus status;
    uint64_t failing;    /* in a row */
    uint64_t start_usec; /* of the container */
    uint64_t due_usec;   /* of the next check, or while one runs the end of its time */
    bool is_running;
} Health;

void health_init(Health *health, const HealthConfig *config, uint64_t now_usec);

typedef enum HealthDue { HEALTH_DUE_NOTHING, HEALTH_DUE_CHECK, HEALTH_DUE_TIMEOUT } HealthDue;

/* What is to be done now. A check that is due counts as running from then on; one whose time is over is still to be
 * ended by health_result(). */
HealthDue health_due(Health *health, uint64_t now_usec);
/* The same again later: the container stands still, so that a check says nothing. */
void health_postpone(Health *health, uint64_t now_usec);
/* How the running check ended. True: the status is another one now. */
bool health_result(Health *health, uint64_t now_usec, bool is_success);
