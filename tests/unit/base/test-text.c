/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, sizes, time spans, signals, names. Each table holds what is taken with its value, and what must be refused:
 * a parser that shrugs at a trailing letter turns "12Q" into 12. */
#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <signal.h>

#define SEC UINT64_C(1000000)

static void prefixes_and_suffixes(void)
{
    ASSERT_STREQ(text_after_prefix("name=web", "name="), "web");
    ASSERT_STREQ(text_after_prefix("name=", "name="), "");
    ASSERT_NULL(text_after_prefix("nam", "name="));
    ASSERT_TRUE(text_has_suffix("a.slice", ".slice"));
    ASSERT_TRUE(text_has_suffix(".slice", ".slice"));
    ASSERT_FALSE(text_has_suffix("slice", ".slice"));
    ASSERT_TRUE(text_is_empty(NULL));
    ASSERT_TRUE(text_is_empty(""));
    ASSERT_FALSE(text_is_empty(" "));
}

static void unsigned_numbers(void)
{
    static const struct {
        const char *text;
        uint64_t max;
        int r;
        uint64_t value;
    } rows[] = {
        {"0", UINT64_MAX, 0, 0},
        {"007", 7, 0, 7},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"99999999999999999999999999", UINT64_MAX, -ERANGE, 0},
        {"8", 7, -ERANGE, 0},
        {"4294967296", UINT32_MAX, -ERANGE, 0},
        {"", UINT64_MAX, -EINVAL, 0},
        {" 1", UINT64_MAX, -EINVAL, 0},
        {"1 ", UINT64_MAX, -EINVAL, 0},
        {"+1", UINT64_MAX, -EINVAL, 0},
        {"-1", UINT64_MAX, -EINVAL, 0},
        {"-0", UINT64_MAX, -EINVAL, 0},
        {"0x10", UINT64_MAX, -EINVAL, 0},
        {"1e3", UINT64_MAX, -EINVAL, 0},
        {"1\n", UINT64_MAX, -EINVAL, 0},
        /* Malformed wins over too large. */
        {"99999999999999999999999x", 5, -EINVAL, 0},
        {"9x", 5, -EINVAL, 0},
        {"\xd9\xa1", 5, -EINVAL, 0}, /* ARABIC-INDIC DIGIT ONE */
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint64_t value = 4711;
        int r = text_parse_u64(rows[i].text, rows[i].max, &value);

        if (r != rows[i].r || value != (r == 0 ? rows[i].value : 4711))
            TEST_FAIL("'%s': %d, %" PRIu64, rows[i].text, r, value);
    }
    uint64_t value = 0;
    ASSERT_ERROR(text_parse_u64(NULL, 1, &value), EINVAL);
}

static void signed_numbers(void)
{
    static const struct {
        const char *text;
        int r;
        int64_t value;
    } rows[] = {
        {"-1000", 0, -1000},
        {"1000", 0, 1000},
        {"0", 0, 0},
        {"-0", 0, 0},
        {"-1001", -ERANGE, 0},
        {"1001", -ERANGE, 0},
        {"--1", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"- 1", -EINVAL, 0},
        {"1-", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"-99999999999999999999", -ERANGE, 0},
        {"9223372036854775808", -ERANGE, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        int64_t value = 4711;
        int r = text_parse_i64(rows[i].text, -1000, 1000, &value);

        if (r != rows[i].r || value != (r == 0 ? rows[i].value : 4711))
            TEST_FAIL("'%s': %d, %" PRId64, rows[i].text, r, value);
    }
}

static void booleans(void)
{
    static const char *const yes[] = {"1", "yes", "YES", "y", "true", "True", "t", "on"};
    static const char *const no[] = {"0", "no", "NO", "n", "false", "f", "off", "OFF"};
    static const char *const bad[] = {"", "2", "ye", "yess", " yes", "yes ", "enable", "-1"};
    bool value = false;

    for (size_t i = 0; i < ELEMENTSOF(yes); i++)
        if (text_parse_bool(yes[i], &value) != 0 || !value)
            TEST_FAIL("'%s' is not yes", yes[i]);
    for (size_t i = 0; i < ELEMENTSOF(no); i++)
        if (text_parse_bool(no[i], &value) != 0 || value)
            TEST_FAIL("'%s' is not no", no[i]);
    value = true;
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (text_parse_bool(bad[i], &value) != -EINVAL || !value)
            TEST_FAIL("'%s' is taken", bad[i]);
    ASSERT_ERROR(text_parse_bool(NULL, &value), EINVAL);
}

static void sizes(void)
{
    static const struct {
        const char *text;
        int r;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"1", 0, 1},
        {"12B", 0, 12},
        {"1b", 0, 1},
        {"64M", 0, 64 << 20},
        {"64m", 0, 64 << 20},
        {"64MB", 0, 64 << 20},
        {"64MiB", 0, 64 << 20},
        {"1.5G", 0, UINT64_C(1536) << 20},
        {"0.5K", 0, 512},
        {"0.1K", 0, 102},
        {"15E", 0, UINT64_C(15) << 60},
        {"1T", 0, UINT64_C(1) << 40},
        {"1P", 0, UINT64_C(1) << 50},
        {"infinity", 0, UINT64_MAX},
        {"max", 0, UINT64_MAX},
        {"18446744073709551614", 0, UINT64_MAX - 1},
        /* The value that means infinity is no size. */
        {"18446744073709551615", -ERANGE, 0},
        {"16E", -ERANGE, 0},
        {"15.99999999999999E", 0, 18446732541485743734ULL},
        {"99999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"12Q", -EINVAL, 0},
        {"K", -EINVAL, 0},
        {".5K", -EINVAL, 0},
        {"5.K", -EINVAL, 0},
        {"1.5", -EINVAL, 0},
        {"1.5B", -EINVAL, 0},
        {"1..5K", -EINVAL, 0},
        {"1.5.5K", -EINVAL, 0},
        {"1 K", -EINVAL, 0},
        {" 1K", -EINVAL, 0},
        {"1K ", -EINVAL, 0},
        {"1KK", -EINVAL, 0},
        {"1Kb", -EINVAL, 0},
        {"1iB", -EINVAL, 0},
        {"1Ki", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"Infinity", -EINVAL, 0},
        {"1,5K", -EINVAL, 0},
        {"10%", -EINVAL, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint64_t value = 4711;
        int r = text_parse_size_bytes(rows[i].text, &value);

        /* A fraction of six digits is exact enough; the rest of it is cut. */
        if (rows[i].r == 0 && strchr(rows[i].text, 'E') && strchr(rows[i].text, '.')) {
            if (r != 0 || value > UINT64_MAX - 1 || value < UINT64_C(15) << 60)
                TEST_FAIL("'%s': %d, %" PRIu64, rows[i].text, r, value);
            continue;
        }
        if (r != rows[i].r || value != (r == 0 ? rows[i].value : 4711))
            TEST_FAIL("'%s': %d, %" PRIu64, rows[i].text, r, value);
    }
}

static void sizes_are_formatted(void)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {{0, "0B"},
                {1023, "1023B"},
                {1024, "1.0K"},
                {1536, "1.5K"},
                {64 << 20, "64.0M"},
                {UINT64_MAX, "infinity"},
                {UINT64_MAX - 1, "15.9E"},
                {1048575, "1023.9K"}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *text = text_format_size(rows[i].value);

        ASSERT_STREQ(text, rows[i].text);
    }
}

static void time_spans(void)
{
    static const struct {
        const char *text;
        int r;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"90", 0, 90 * SEC},
        {"1.5", 0, 1500000},
        {"1min 30s", 0, 90 * SEC},
        {"1min30s", 0, 90 * SEC},
        {"  1min\t30 s ", 0, 90 * SEC},
        {"250ms", 0, 250000},
        {"7us", 0, 7},
        {"7usec", 0, 7},
        {"7\xce\xbcs", 0, 7},
        {"5m", 0, 300 * SEC},
        {"5minutes", 0, 300 * SEC},
        {"2h", 0, 7200 * SEC},
        {"2hr", 0, 7200 * SEC},
        {"1d 1h", 0, 90000 * SEC},
        {"1week", 0, 604800 * SEC},
        {"1w", 0, 604800 * SEC},
        {"infinity", 0, UINT64_MAX},
        {"", -EINVAL, 0},
        {"   ", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"1secs", -EINVAL, 0},
        {"1minu", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1s", -EINVAL, 0},
        {"1s -1s", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {"infinity 1s", -EINVAL, 0},
        {"1\xce", -EINVAL, 0},
        {"18446744073709551615", -ERANGE, 0},
        {"18446744073709551615us", -ERANGE, 0},
        {"99999999999999999999s", -ERANGE, 0},
        {"9999999999999999999us 9999999999999999999us", -ERANGE, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint64_t value = 4711;
        int r = text_parse_timespan_usec(rows[i].text, &value);

        if (r != rows[i].r || value != (r == 0 ? rows[i].value : 4711))
            TEST_FAIL("'%s': %d, %" PRIu64, rows[i].text, r, value);
    }
}

static void time_spans_come_back(void)
{
    static const uint64_t values[] = {0,         1,          999,           1000,        SEC - 1,
                                      SEC,       90 * SEC,   3600 * SEC,    86400 * SEC, 86400 * SEC + 1,
                                      123456789, UINT64_MAX, UINT64_MAX - 1};

    for (size_t i = 0; i < ELEMENTSOF(values); i++) {
        _cleanup_free_ char *text = text_format_timespan(values[i]);
        uint64_t value = 0;

        if (!text || text_parse_timespan_usec(text, &value) != 0 || value != values[i])
            TEST_FAIL("%" PRIu64 " is '%s' is %" PRIu64, values[i], text, value);
    }
    _cleanup_free_ char *pretty = text_format_timespan(90 * SEC);
    ASSERT_STREQ(pretty, "1min 30s");
}

static void signals(void)
{
    static const struct {
        const char *text;
        int number;
    } good[] = {{"SIGTERM", SIGTERM}, {"TERM", SIGTERM}, {"term", SIGTERM}, {"15", 15},
                {"sigkill", SIGKILL}, {"USR1", SIGUSR1}, {"1", 1},          {"64", 64}};
    static const char *const bad[] = {"",       "0",          "65",      "-1",     "SIG",      "SIGNOPE",
                                      "TERM ",  " TERM",      "RTMIN-1", "RTMIN+", "RTMIN+31", "RTMIN+x",
                                      "RTMIN3", "4294967311", "0xf",     "15.0"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        int number = 0;

        if (text_parse_signal(good[i].text, &number) != 0 || number != good[i].number)
            TEST_FAIL("'%s' is %d", good[i].text, number);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        int number = 4711;

        if (text_parse_signal(bad[i], &number) != -EINVAL || number != 4711)
            TEST_FAIL("'%s' is taken as %d", bad[i], number);
    }
    int number = 0;
    ASSERT_OK(text_parse_signal("SIGRTMIN+3", &number));
    ASSERT_EQ(number, SIGRTMIN + 3);
    ASSERT_OK(text_parse_signal("rtmin", &number));
    ASSERT_EQ(number, SIGRTMIN);
    for (int i = 1; i <= 64; i++) {
        _cleanup_free_ char *text = text_format_signal(i);

        if (!text || text_parse_signal(text, &number) != 0 || number != i)
            TEST_FAIL("%d is '%s' is %d", i, text, number);
    }
}

#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void names(void)
{
    static const char *const good[] = {"a", "web", "web-1", "web_1", "web.1", "1", "A+b", "a..b", "a.", SIXTY "0123"};
    static const char *const bad[] = {
        "-a",    "--",       "",    ".",   "..",  ".hidden", "a/b", "/",           "a b",  "a\n",      "a\\",
        "a\x7f", "\xc3\xa4", "a:b", "a@b", "a%b", "a=b",     "a*",  SIXTY "01234", "../a", "a\x1b[1m", "\xff"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        if (!text_is_name(good[i]))
            TEST_FAIL("'%s' is refused", good[i]);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (text_is_name(bad[i]))
            TEST_FAIL("'%s' is taken", bad[i]);
    ASSERT_FALSE(text_is_name(NULL));
    /* Every byte: what is not in the set is refused in the middle, too. */
    for (unsigned byte = 1; byte < 256; byte++) {
        char name[] = {'a', (char) byte, 'b', 0};
        bool expected = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                        byte == '_' || byte == '+' || byte == '.' || byte == '-';

        if (text_is_name(name) != expected)
            TEST_FAIL("byte %#x is %s", byte, expected ? "refused" : "taken");
    }
}

static void hostnames(void)
{
    static const char *const good[] = {"a", "web", "web-1", "web.example.org", "a--b", "1.2", "a_b", SIXTY "0123"};
    static const char *const bad[] = {"",    "-a",  "a-",  ".a", "a.", "a..b",     "a-.b",        "a.-b",
                                      "a b", "a/b", "a\n", "-",  ".",  "\xc3\xa4", SIXTY "01234", "a\x1b]0;x\a"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        if (!text_is_hostname(good[i]))
            TEST_FAIL("'%s' is refused", good[i]);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (text_is_hostname(bad[i]))
            TEST_FAIL("'%s' is taken", bad[i]);
    ASSERT_FALSE(text_is_hostname(NULL));
}

static const char *nearest_of(const char *word)
{
    static const char *const candidates[] = {"memory", "memory-swap", "mount", "name", "network"};
    Nearest nearest = {};

    for (size_t i = 0; i < ELEMENTSOF(candidates); i++)
        text_nearest_consider(&nearest, word, candidates[i]);
    return nearest.best;
}

static void nearest(void)
{
    char endless[200];

    ASSERT_STREQ(nearest_of("memroy"), "memory");
    ASSERT_STREQ(nearest_of("memory"), "memory");
    ASSERT_STREQ(nearest_of("mont"), "mount");
    ASSERT_STREQ(nearest_of("nam"), "name");
    ASSERT_NULL(nearest_of("xyzzyplugh"));
    memset(endless, 'm', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = 0;
    ASSERT_NULL(nearest_of(endless));
}

int main(void)
{
    TEST_RUN(prefixes_and_suffixes);
    TEST_RUN(unsigned_numbers);
    TEST_RUN(signed_numbers);
    TEST_RUN(booleans);
    TEST_RUN(sizes);
    TEST_RUN(sizes_are_formatted);
    TEST_RUN(time_spans);
    TEST_RUN(time_spans_come_back);
    TEST_RUN(signals);
    TEST_RUN(names);
    TEST_RUN(hostnames);
    TEST_RUN(nearest);
    return test_finish();
}
