/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/time.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define USEC_PER_SECOND UINT64_C(1000000)
#define USEC_PER_DAY    (86400 * USEC_PER_SECOND)

uint64_t time_now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * USEC_PER_SECOND + (uint64_t) now.tv_nsec / 1000;
}

/* A calendar time as it is written. Everything that a reader finds goes in here first; what it means is
 * decided at the end, when the zone is known. */
typedef struct Civil {
    struct tm tm;
    uint64_t fraction_usec;
    bool has_zone;      /* else local */
    int offset_minutes; /* east of UTC */
    int weekday;        /* 0 Sunday, -1 not said */
} Civil;

/* Exactly `digits` decimal digits in min..max. */
static bool read_number(const char **cursor, unsigned digits, int min, int max, int *ret)
{
    const char *c = *cursor;
    int value = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (c[i] < '0' || c[i] > '9')
            return false;
        value = value * 10 + (c[i] - '0');
    }
    if (value < min || value > max)
        return false;
    *ret = value;
    *cursor = c + digits;
    return true;
}

static bool read_char(const char **cursor, char wanted)
{
    if (**cursor != wanted)
        return false;
    (*cursor)++;
    return true;
}

static bool read_date(const char **cursor, Civil *civil)
{
    const char *c = *cursor;
    int year = 0, month = 0, day = 0;

    if (!read_number(&c, 4, 1970, 9999, &year) || !read_char(&c, '-') || !read_number(&c, 2, 1, 12, &month) ||
        !read_char(&c, '-') || !read_number(&c, 2, 1, 31, &day))
        return false;
    civil->tm.tm_year = year - 1900;
    civil->tm.tm_mon = month - 1;
    civil->tm.tm_mday = day;
    *cursor = c;
    return true;
}

/* Digits behind the point; those below a microsecond are read and dropped. */
static bool read_fraction(const char **cursor, uint64_t *ret_usec)
{
    const char *c = *cursor;
    uint64_t usec = 0, unit = USEC_PER_SECOND;

    if (!read_char(&c, '.')) {
        *ret_usec = 0;
        return true;
    }
    if (*c < '0' || *c > '9')
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        unit /= 10;
        usec += unit * (uint64_t) (*c - '0');
    }
    *ret_usec = usec;
    *cursor = c;
    return true;
}

/* HH:MM[:SS[.FRACTION]]; a leap second counts as the next second. */
static bool read_clock(const char **cursor, Civil *civil)
{
    const char *c = *cursor;

    if (!read_number(&c, 2, 0, 23, &civil->tm.tm_hour) || !read_char(&c, ':') ||
        !read_number(&c, 2, 0, 59, &civil->tm.tm_min))
        return false;
    if (read_char(&c, ':') &&
        (!read_number(&c, 2, 0, 60, &civil->tm.tm_sec) || !read_fraction(&c, &civil->fraction_usec)))
        return false;
    *cursor = c;
    return true;
}

/* "Z", "+01:00", "-0130", and where blanks are allowed " UTC". */
static bool read_zone(const char **cursor, Civil *civil)
{
    const char *c = *cursor + strspn(*cursor, " ");
    bool is_negative = *c == '-';
    int hours = 0, minutes = 0;

    if (strncasecmp(c, "UTC", 3) == 0)
        c += 3;
    else if (*c == 'Z' || *c == 'z')
        c++;
    else if (*c == '+' || *c == '-') {
        c++;
        if (!read_number(&c, 2, 0, 23, &hours))
            return false;
        (void) read_char(&c, ':');
        if (!read_number(&c, 2, 0, 59, &minutes))
            return false;
    } else
        return true;
    civil->has_zone = true;
    civil->offset_minutes = (hours * 60 + minutes) * (is_negative ? -1 : 1);
    *cursor = c;
    return true;
}

static void read_weekday(const char **cursor, Civil *civil)
{
    static const char *const names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

    for (int i = 0; i < (int) ELEMENTSOF(names); i++) {
        size_t length = strcspn(*cursor, " ,");

        if ((length != 3 && length != strlen(names[i])) || strncasecmp(*cursor, names[i], length) != 0)
            continue;
        civil->weekday = i;
        *cursor += length;
        *cursor += strspn(*cursor, " ,");
        return;
    }
}

/* The C library normalises: 31 February becomes 3 March, which nobody meant. */
static bool is_same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday;
}

static int civil_to_usec(const Civil *civil, uint64_t *ret_usec)
{
    struct tm day = civil->tm, tm = civil->tm;
    time_t seconds;

    /* Whether the day exists has nothing to do with the zone. */
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    (void) timegm(&day);
    if (!is_same_day(&day, &civil->tm) || (civil->weekday >= 0 && day.tm_wday != civil->weekday))
        return -EINVAL;
    tm.tm_isdst = -1;
    seconds = civil->has_zone ? timegm(&tm) - (time_t) civil->offset_minutes * 60 : mktime(&tm);
    if (seconds < 0)
        return -ERANGE;
    *ret_usec = (uint64_t) seconds * USEC_PER_SECOND + civil->fraction_usec;
    return 0;
}

static int set_local_day(Civil *civil, uint64_t now_usec, int days)
{
    time_t seconds = (time_t) (now_usec / USEC_PER_SECOND);
    struct tm tm;

    if (!localtime_r(&seconds, &tm))
        return -ERANGE;
    /* Noon, so that a day that is 23 or 25 hours long stays one. */
    tm.tm_mday += days;
    tm.tm_hour = 12;
    tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    if (mktime(&tm) < 0)
        return -ERANGE;
    civil->tm = (struct tm){.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    return 0;
}

static int parse_civil(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    Civil civil = {.weekday = -1};
    const char *c = text;
    int r;

    read_weekday(&c, &civil);
    if (read_date(&c, &civil)) {
        if (*c == 'T' || *c == 't' || (*c == ' ' && c[1] >= '0' && c[1] <= '9')) {
            c++;
            if (!read_clock(&c, &civil))
                return -EINVAL;
        }
    } else {
        r = set_local_day(&civil, now_usec, 0);
        if (r < 0)
            return r;
        if (civil.weekday >= 0 || !read_clock(&c, &civil))
            return -EINVAL;
    }
    if (!read_zone(&c, &civil) || *c)
        return -EINVAL;
    return civil_to_usec(&civil, ret_usec);
}

static int parse_day_word(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    static const struct {
        const char *name;
        int days;
    } words[] = {{"yesterday", -1}, {"today", 0}, {"tomorrow", 1}};

    for (size_t i = 0; i < ELEMENTSOF(words); i++) {
        Civil civil = {.weekday = -1};
        int r;

        if (strcmp(text, words[i].name) != 0)
            continue;
        r = set_local_day(&civil, now_usec, words[i].days);
        return r < 0 ? r : civil_to_usec(&civil, ret_usec);
    }
    return -EINVAL;
}

/* Seconds since the epoch, with a fraction. */
static int parse_unix(const char *text, uint64_t *ret_usec)
{
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits;
    char whole[16];
    uint64_t seconds = 0, fraction_usec = 0;

    if (digits == 0)
        return -EINVAL;
    if (digits >= sizeof(whole))
        return -ERANGE;
    memcpy(whole, text, digits);
    whole[digits] = 0;
    if (!read_fraction(&rest, &fraction_usec) || *rest)
        return -EINVAL;
    if (text_parse_u64(whole, UINT64_C(253402300799), &seconds) < 0) /* the end of 9999 */
        return -ERANGE;
    *ret_usec = seconds * USEC_PER_SECOND + fraction_usec;
    return 0;
}

static int parse_span(const char *text, bool is_past, uint64_t now_usec, uint64_t *ret_usec)
{
    uint64_t span_usec = 0;
    int r = text_parse_timespan_usec(text, &span_usec);

    if (r < 0)
        return r;
    if (is_past ? span_usec > now_usec : span_usec > 10000 * 366 * USEC_PER_DAY)
        return -ERANGE;
    *ret_usec = is_past ? now_usec - span_usec : now_usec + span_usec;
    return 0;
}

int time_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    static const char ago[] = " ago";

    if (text_is_empty(text))
        return -EINVAL;
    if (strcmp(text, "now") == 0) {
        *ret_usec = now_usec;
        return 0;
    }
    if (text[0] == '@')
        return parse_unix(text + 1, ret_usec);
    if (text[0] == '+' || text[0] == '-')
        return parse_span(text + 1, text[0] == '-', now_usec, ret_usec);
    if (text_has_suffix(text, ago)) {
        _cleanup_free_ char *span = strndup(text, strlen(text) - strlen(ago));

        return span ? parse_span(span, true, now_usec, ret_usec) : -ENOMEM;
    }
    if (parse_day_word(text, now_usec, ret_usec) == 0)
        return 0;
    if (text[strspn(text, "0123456789.")] == 0)
        return parse_unix(text, ret_usec);
    if (strchr(text, ':') || strchr(text, '-'))
        return parse_civil(text, now_usec, ret_usec);
    return parse_span(text, true, now_usec, ret_usec);
}

int time_parse_rfc3339(const char *text, size_t size, uint64_t *ret_usec)
{
    Civil civil = {.weekday = -1};
    char copy[64];
    const char *c = copy;

    if (size >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = 0;
    if (!read_date(&c, &civil) || !(read_char(&c, 'T') || read_char(&c, 't')) || !read_clock(&c, &civil) || *c == ' ' ||
        !read_zone(&c, &civil) || !civil.has_zone || *c || strlen(copy) != size)
        return -EINVAL;
    return civil_to_usec(&civil, ret_usec);
}

static bool to_local(uint64_t usec, struct tm *ret)
{
    time_t seconds = (time_t) (usec / USEC_PER_SECOND);

    return localtime_r(&seconds, ret) != NULL;
}

char *time_format(uint64_t usec)
{
    char text[64];
    struct tm tm;

    /* The names of the days are those of the C locale, as systemd prints them: berthctl sets no other. */
    if (!to_local(usec, &tm) || strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
        return strdup("unknown");
    return strdup(text);
}

char *time_format_rfc3339(uint64_t usec)
{
    char text[64];
    struct tm tm;
    long minutes;

    if (!to_local(usec, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        return strdup("unknown");
    minutes = labs(tm.tm_gmtoff) / 60;
    return text_format("%s.%06u%c%02ld:%02ld", text, (unsigned) (usec % USEC_PER_SECOND), tm.tm_gmtoff < 0 ? '-' : '+',
                       minutes / 60, minutes % 60);
}

char *time_format_relative(uint64_t usec, uint64_t now_usec)
{
    /* Short names stand right behind the number, long ones have a plural. Months and years are the mean ones.
     */
    static const struct {
        const char *name;
        uint64_t seconds;
        bool is_long;
    } units[] = {
        {"year", 31557600, true}, {"month", 2629800, true}, {"week", 604800, true}, {"day", 86400, true},
        {"h", 3600, false},       {"min", 60, false},       {"s", 1, false},
    };
    bool is_past = usec <= now_usec;
    uint64_t seconds = (is_past ? now_usec - usec : usec - now_usec) / USEC_PER_SECOND;
    char text[96] = "";
    size_t length = 0;
    unsigned parts = 0;

    if (seconds == 0)
        return strdup("now");
    for (size_t i = 0; i < ELEMENTSOF(units) && parts < 2; i++) {
        uint64_t count = seconds / units[i].seconds;

        /* After the largest comes its neighbour or nothing: "1 year 3s" says more than is known. */
        if (parts == 1 && count == 0)
            break;
        if (count == 0)
            continue;
        length += (size_t) snprintf(text + length, sizeof(text) - length, "%s%llu%s%s%s", parts ? " " : "",
                                    (unsigned long long) count, units[i].is_long ? " " : "", units[i].name,
                                    units[i].is_long && count > 1 ? "s" : "");
        seconds %= units[i].seconds;
        parts++;
    }
    return is_past ? text_format("%s ago", text) : text_format("in %s", text);
}
