/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --log-opt= says: sizes and numbers of files, the tag's template, which labels become fields. */
#include "spec/log.h"

#include "base/strv.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

static int parse_one(const char *option, LogOptions *ret, Error *error)
{
    char *options[] = {(char *) option, NULL};

    return log_options_parse(options, ret, error);
}

static void defaults(void)
{
    LogOptions options = {};

    ASSERT_OK(log_options_parse(NULL, &options, NULL));
    ASSERT_TRUE(options.max_bytes > 0);
    ASSERT_EQ(options.max_files, 2U);
    ASSERT_NULL(options.tag);
    ASSERT_NULL(options.labels);
}

static void the_last_one_counts(void)
{
    char *given[] = {(char *) "max-size=1M", (char *) "max-file=3",      (char *) "max-size=2M",
                     (char *) "labels=a,b",  (char *) "tag=x-{{.Name}}", NULL};
    LogOptions options = {};

    ASSERT_OK(log_options_parse(given, &options, NULL));
    ASSERT_EQ(options.max_bytes, UINT64_C(2) << 20);
    ASSERT_EQ(options.max_files, 3U);
    ASSERT_STREQ(options.labels, "a,b");
    ASSERT_STREQ(options.tag, "x-{{.Name}}");
    ASSERT_OK(parse_one("max-size=-1", &options, NULL));
    ASSERT_EQ(options.max_bytes, 0U);
    ASSERT_OK(parse_one("tag=", &options, NULL));
    ASSERT_NULL(options.tag);
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *given, *told;
    } rows[] = {
        {"max-size=63K", "63K"},  {"max-size=much", "much"}, {"max-size=", "max-size"}, {"max-file=0", "max-file"},
        {"max-file=11", "11"},    {"tag={{.Nam}}", ".Nam"},  {"tag=a\nb", "control"},   {"mode=blocking", "mode"},
        {"max-size", "max-size"}, {"", "log option"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        LogOptions options = {.max_files = 77};
        _cleanup_error_ Error error = {};

        ASSERT_ERROR(parse_one(rows[i].given, &options, &error), EINVAL);
        ASSERT_CONTAINS(error.text, rows[i].told);
        ASSERT_EQ(options.max_files, 77U);
    }
}

static void tags_are_filled_in(void)
{
    const char *id = "0123456789abcdef";
    _cleanup_free_ char *all = NULL, *none = NULL;

    ASSERT_OK(log_tag_format("{{.ImageName}}/{{.Name}}/{{.ID}}/{{.FullID}}/{x}", "web", id, "nginx:1", &all, NULL));
    ASSERT_STREQ(all, "nginx:1/web/0123456789ab/0123456789abcdef/{x}");
    /* A value is not a template again. */
    ASSERT_OK(log_tag_format("{{.Name}}{{.ImageName}}", "{{.ID}}", id, NULL, &none, NULL));
    ASSERT_STREQ(none, "{{.ID}}");
}

static void labels_become_fields(void)
{
    char *labels[] = {(char *) "com.example.team=blue\ngreen=x", (char *) "other=1", (char *) "com.example=2", NULL};
    _cleanup_strv_ char **fields = NULL, **none = NULL;

    ASSERT_OK(log_label_fields(",com.example.team,absent,,other,com.exam", labels, &fields));
    ASSERT_EQ(strv_length(fields), 2U);
    ASSERT_STREQ(fields[0], "CONTAINER_LABEL_COM_EXAMPLE_TEAM=blue green=x");
    ASSERT_STREQ(fields[1], "CONTAINER_LABEL_OTHER=1");
    ASSERT_OK(log_label_fields(NULL, labels, &none));
    ASSERT_EQ(strv_length(none), 0U);
}

int main(void)
{
    TEST_RUN(defaults);
    TEST_RUN(the_last_one_counts);
    TEST_RUN(what_is_wrong_is_named);
    TEST_RUN(tags_are_filled_in);
    TEST_RUN(labels_become_fields);
    return test_finish();
}
