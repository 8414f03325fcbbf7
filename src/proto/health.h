/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the record of a machine's health checks, machines/NAME:health beside its state, as the supervisor writes it.
 *       proto/state.h has the reader's side, MachineHealth.
 * Never does: I/O; use more than the C library.
 * Runs in: the supervisor; pure. */

#include <stddef.h>
#include <stdint.h>

/* A colon is in no machine's name. */
#define HEALTH_RECORD_SUFFIX    ":health"
#define HEALTH_RECORD_MAX_BYTES 4096

typedef struct HealthRecord {
    const char *status;                /* starting, healthy, unhealthy */
    uint64_t failing, code;            /* checks in a row that failed; exit status of the last */
    uint64_t started_usec, ended_usec; /* of the last, CLOCK_REALTIME */
    const char *output;                /* of the last; hostile */
} HealthRecord;

/* JSON. The size; 0 when it does not fit. */
size_t health_record_format(const HealthRecord *record, char *buffer, size_t room);
