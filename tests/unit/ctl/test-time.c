/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time as people write them: what is none is refused, also where the C library would make something
 * of it. */
#include "../test.h"
#include "ctl/time.h"

#include <errno.h>
#include <time.h>

/* Tue 2026-11-24 00:30:00 UTC */
#define NOW    ((uint64_t) 1795480200 * 1000000)
#define SECOND ((uint64_t) 1000000)

typedef struct Case {
    const char *text;
    uint64_t usec;
} Case;

static void test_utc(void)
{
    static const Case cases[] = {
        {"now", NOW},
        {"today", NOW - 1800 * SECOND},
        {"yesterday", NOW - (1800 + 86400) * SECOND},
        {"tomorrow", NOW + (86400 - 1800) * SECOND},
        {"10min ago", NOW - 600 * SECOND},
        {"1h 30s ago", NOW - 3630 * SECOND},
        {"-10min", NOW - 600 * SECOND},
        {"+1h", NOW + 3600 * SECOND},
        {"10m", NOW - 600 * SECOND},
        {"1h30m", NOW - 5400 * SECOND},
        {"@1795480200", NOW},
        {"@1795480200.25", NOW + 250000},
        {"1795480200", NOW},
        {"2026-11-24", NOW - 1800 * SECOND},
        {"2026-11-24 00:30", NOW},
        {"2026-11-24 00:30:05", NOW + 5 * SECOND},
        {"2026-11-24 00:30:05.25", NOW + 5250000},
        {"Tue 2026-11-24 00:30:00 UTC", NOW},
        {"tuesday 2026-11-24", NOW - 1800 * SECOND},
        {"2026-11-24 UTC", NOW - 1800 * SECOND},
        {"00:30", NOW},
        {"2026-11-24T00:30:00Z", NOW},
        {"2026-11-24T01:30:00.000001999+01:00", NOW + 1},
        {"2026-11-23T23:00:00-0130", NOW},
        {"1970-01-01", 0},
        {"2024-02-29 00:00", (uint64_t) 1709164800 * SECOND},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 1;

        if (time_parse(cases[i].text, NOW, &usec) != 0 || usec != cases[i].usec)
            TEST_FAIL("'%s' is %llu, expected %llu", cases[i].text, (unsigned long long) usec,
                      (unsigned long long) cases[i].usec);
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "12:xx",
        "25:00",
        "2026-13-01",
        "2026-02-30",
        "2025-02-29",
        "2026-11-24x",
        "2026-11-24 00:60",
        "ago",
        " ago",
        "x ago",
        "Mon 2026-11-24",
        "2026-11-24T00:30:00+1",
        "@",
        "@x",
        "1.",
        "2026-11-24 00:30 CET",
        "2026-11-24  ",
        "Mon 00:30",
        "-",
        "+",
        "2026-11-24T",
        "1969-12-31",
        "2026-1-1",
    };
    uint64_t usec = 7;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (time_parse(texts[i], NOW, &usec) != -EINVAL || usec != 7)
            TEST_FAIL("'%s' is accepted or spoils the result", texts[i]);
    ASSERT_ERROR(time_parse("100000 weeks ago", NOW, &usec), ERANGE);
    ASSERT_ERROR(time_parse("99999999999999999999", NOW, &usec), ERANGE);
    ASSERT_ERROR(time_parse("infinity ago", NOW, &usec), ERANGE);
}

static void test_rfc3339(void)
{
    const char good[] = "2026-11-24T00:30:00.123456789Z", nul[] = "2026-11-24T00:30:00Z\0x";
    uint64_t usec = 0;

    ASSERT_OK(time_parse_rfc3339(good, sizeof(good) - 1, &usec));
    ASSERT_EQ(usec, NOW + 123456);
    ASSERT_ERROR(time_parse_rfc3339(good, sizeof(good) - 2, &usec), EINVAL); /* no zone */
    ASSERT_ERROR(time_parse_rfc3339("2026-11-24 00:30:00Z", 20, &usec), EINVAL);
    ASSERT_ERROR(time_parse_rfc3339("2026-11-24T00:30:00 Z", 21, &usec), EINVAL);
    ASSERT_ERROR(time_parse_rfc3339(nul, sizeof(nul) - 1, &usec), EINVAL);
    ASSERT_ERROR(time_parse_rfc3339("", 0, &usec), EINVAL);
}

static void test_local(void)
{
    uint64_t usec = 0;
    char *text;

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    ASSERT_OK(time_parse("2026-11-24 01:30", NOW, &usec));
    ASSERT_EQ(usec, NOW);
    ASSERT_OK(time_parse("today", NOW, &usec));
    ASSERT_EQ(usec, NOW - 5400 * SECOND);
    /* The day on which summer time began has 23 hours. */
    ASSERT_OK(time_parse("yesterday", (uint64_t) 1774864800 * SECOND, &usec)); /* Mon 2026-03-30 12:00 CEST */
    ASSERT_EQ(usec, (uint64_t) 1774738800 * SECOND);                           /* Sun 2026-03-29 00:00 CET */
    text = time_format_rfc3339(NOW + 5);
    ASSERT_STREQ(text, "2026-11-24T01:30:00.000005+01:00");
    ASSERT_OK(time_parse(text, 0, &usec));
    ASSERT_EQ(usec, NOW + 5);
    free(text);
    text = time_format(NOW);
    ASSERT_STREQ(text, "Tue 2026-11-24 01:30:00 CET");
    free(text);
}

static void test_relative(void)
{
    static const struct {
        uint64_t age_seconds;
        const char *text;
    } cases[] = {
        {0, "now"},
        {5, "5s ago"},
        {65, "1min 5s ago"},
        {3600, "1h ago"},
        {3605, "1h ago"},
        {86400 + 3600, "1 day 1h ago"},
        {16 * 86400, "2 weeks 2 days ago"},
        {3 * 31557600u, "3 years ago"},
    };
    char *text;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = time_format_relative(NOW - cases[i].age_seconds * SECOND, NOW);
        ASSERT_STREQ(text, cases[i].text);
        free(text);
    }
    text = time_format_relative(NOW + 5 * SECOND, NOW);
    ASSERT_STREQ(text, "in 5s");
    free(text);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    TEST_RUN(test_utc);
    TEST_RUN(test_refused);
    TEST_RUN(test_rfc3339);
    TEST_RUN(test_relative);
    TEST_RUN(test_local);
    return test_finish();
}
