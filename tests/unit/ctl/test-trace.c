/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of a start: read back, sorted, and drawn without letting a path write into the picture. */
#include "../test.h"

#include "base/strv.h"
#include "ctl/trace.h"

static void records_are_read(void)
{
    char *const texts[] = {(char *) "0 812 berthctl settings and image",
                           (char *) "900 3041 inner mount /proc",
                           (char *) "900 3041 host start",
                           (char *) "",
                           (char *) "1 2",
                           (char *) "1 2 inner",
                           (char *) "x 2 inner mount",
                           (char *) "-1 2 inner mount",
                           (char *) "99999999999999999999 1 inner mount",
                           NULL};
    _cleanup_trace_list_ TraceList list = {};

    ASSERT_EQ(trace_parse(texts, &list), 0);
    ASSERT_EQ(list.count, 3);
    ASSERT_EQ(list.total_usec, 3941);
    ASSERT_STREQ(list.items[0].what, "settings and image");
    ASSERT_STREQ(list.items[1].where, "inner");
    trace_sort_by_duration(&list);
    ASSERT_STREQ(list.items[2].what, "settings and image");
    ASSERT_EQ(list.items[0].duration_usec, 3041);
}

static void nothing_is_recorded(void)
{
    _cleanup_trace_list_ TraceList list = {};
    _cleanup_free_ char *picture = NULL;

    ASSERT_EQ(trace_parse(NULL, &list), 0);
    ASSERT_EQ(list.count, 0);
    trace_sort_by_duration(&list);
    picture = trace_plot(&list, "web");
    ASSERT_CONTAINS(picture, "</svg>");
}

static void times(void)
{
    static const struct {
        uint64_t usec;
        const char *text;
    } cases[] = {{0, "0us"}, {999, "999us"}, {1000, "1.000ms"}, {3041, "3.041ms"}, {1204999, "1.204s"}};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *text = trace_format_time(cases[i].usec);

        ASSERT_STREQ(text, cases[i].text);
    }
}

static void a_path_is_text_in_the_picture(void)
{
    char *const texts[] = {(char *) "0 10 <b> bind /a</text><script>x()</script>&\033[2J\n\"'", NULL};
    _cleanup_trace_list_ TraceList list = {};
    _cleanup_free_ char *picture = NULL;

    ASSERT_EQ(trace_parse(texts, &list), 0);
    picture = trace_plot(&list, "a<b>&c");
    ASSERT_NOT_NULL(picture);
    ASSERT_NULL(strstr(picture, "<script"));
    ASSERT_NULL(strstr(picture, "<b>"));
    ASSERT_NULL(strchr(picture, '\033'));
    ASSERT_CONTAINS(picture, "a&lt;b&gt;&amp;c started in 10us");
    ASSERT_CONTAINS(picture, "bind /a&lt;/text&gt;&lt;script&gt;");
}

/* However many bars and however long, there are some ten lines. */
static void the_grid_stays_readable(void)
{
    for (uint64_t total = 1; total < UINT64_C(80000000000); total *= 7) {
        TraceItem item = {.duration_usec = total, .where = (char *) "host", .what = (char *) "x"};
        TraceList list = {&item, 1, total};
        _cleanup_free_ char *picture = trace_plot(&list, "x");
        unsigned lines = 0;

        for (const char *at = picture; at && (at = strstr(at, "class=\"tick\"")); at++)
            lines++;
        if (lines < 2 || lines > 14)
            TEST_FAIL("%u lines for %" PRIu64, lines, total);
    }
}

int main(void)
{
    TEST_RUN(records_are_read);
    TEST_RUN(nothing_is_recorded);
    TEST_RUN(times);
    TEST_RUN(a_path_is_text_in_the_picture);
    TEST_RUN(the_grid_stays_readable);
    return test_finish();
}
