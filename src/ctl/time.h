/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: points in time as people write and read them.
 * Never does: ask the clock; the caller says what time it is. The time zone is the C library's ($TZ,
 *       /etc/localtime).
 * Runs in: berthctl; pure but for the time zone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All times are microseconds since the epoch, CLOCK_REALTIME. */
uint64_t time_now_usec(void);

/* Reads a point in time, whole string. -EINVAL for what is none, -ERANGE before 1970 or after 9999.
 *   2026-11-23  2026-11-23 14:00  2026-11-23 14:00:05.25  14:00  Mon 2026-11-23 14:00:05 UTC    as
 * systemd.time(7) now  today  yesterday  tomorrow  10min ago  -10min  +1h  @1795442405.5 as systemd.time(7)
 *   2026-11-23T14:00:05.123456789+01:00  2026-11-23T14:00:05Z                                   as RFC 3339
 *   10m  1h30m  1795442405                                 as docker logs --since: a time span ago, Unix time
 * Without a zone it is local time. */
int time_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec);

/* RFC 3339 and nothing else, as the container log file has it: any number of digits of a second, "Z" or an
 * offset. */
int time_parse_rfc3339(const char *text, size_t size, uint64_t *ret_usec);

/* "Mon 2026-11-23 14:00:05 UTC", local. NULL: no memory. */
char *time_format(uint64_t usec);
/* "2026-11-23T14:00:05.123456+01:00", local; time_parse() reads it back. */
char *time_format_rfc3339(uint64_t usec);
/* "5s ago", "2h 13min ago", "3 weeks 2 days ago", "in 5s": the two largest units. */
char *time_format_relative(uint64_t usec, uint64_t now_usec);
