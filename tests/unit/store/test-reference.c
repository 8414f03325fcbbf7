/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "base/strv.h"
#include "store/reference.h"

#include <errno.h>

typedef struct Row {
    const char *text, *domain, *repository, *tag, *name; /* name NULL: no reference */
} Row;

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const Row rows[] = {
    {"web", NULL, "web", NULL, "web:latest"},
    {"web:1.0", NULL, "web", "1.0", "web:1.0"},
    {"a/b", NULL, "a/b", NULL, "a/b:latest"},
    {"localhost/web", "localhost", "web", NULL, "localhost/web:latest"},
    {"localhost:5000/web:x", "localhost:5000", "web", "x", "localhost:5000/web:x"},
    {"r.example/a/b/c:v1", "r.example", "a/b/c", "v1", "r.example/a/b/c:v1"},
    {"r.example/web", "r.example", "web", NULL, "r.example/web:latest"},
    {"[::1]:5000/web", "[::1]:5000", "web", NULL, "[::1]:5000/web:latest"},
    {"f/a__b.c-d---e", NULL, "f/a__b.c-d---e", NULL, "f/a__b.c-d---e:latest"},
    {"web@sha256:" HEX, NULL, "web", NULL, "web:latest"},
    {"web:1@sha256:" HEX, NULL, "web", "1", "web:1"},
    {"", NULL, NULL, NULL, NULL},
    {"Web", NULL, NULL, NULL, NULL},
    {"web:", NULL, NULL, NULL, NULL},
    {":1", NULL, NULL, NULL, NULL},
    {"web:-x", NULL, NULL, NULL, NULL},
    {"web:a b", NULL, NULL, NULL, NULL},
    {"/web", NULL, NULL, NULL, NULL},
    {"a//b", NULL, NULL, NULL, NULL},
    {"a/", NULL, NULL, NULL, NULL},
    {"../x", NULL, NULL, NULL, NULL},
    {"a/../b", NULL, NULL, NULL, NULL},
    {"a/./b", NULL, NULL, NULL, NULL},
    {".web", NULL, NULL, NULL, NULL},
    {"web.", NULL, NULL, NULL, NULL},
    {"a___b", NULL, NULL, NULL, NULL},
    {"a..b", NULL, NULL, NULL, NULL},
    {"a+b", NULL, NULL, NULL, NULL},
    {"host:99999/a", NULL, NULL, NULL, NULL},
    {"[::1/a", NULL, NULL, NULL, NULL},
    {"web@sha256:abc", NULL, NULL, NULL, NULL},
    {"web@sha512:" HEX, NULL, NULL, NULL, NULL},
    {"--bind", NULL, NULL, NULL, NULL},
    {"web\n", NULL, NULL, NULL, NULL},
};

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_table(void)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_reference_ Reference reference = {};
        _cleanup_error_ Error error = {};
        _cleanup_free_ char *name = NULL;
        int r = reference_parse(rows[i].text, &reference, &error);

        if ((r == 0) != (rows[i].name != NULL))
            TEST_FAIL("'%s' gives %d", rows[i].text, r);
        if (r < 0) {
            ASSERT_EQ(r, -EINVAL);
            ASSERT_NOT_NULL(error.text);
            continue;
        }
        name = reference_format_name(&reference);
        ASSERT_STREQ(name, rows[i].name);
        if (!is_same(reference.domain, rows[i].domain) || !is_same(reference.tag, rows[i].tag))
            TEST_FAIL("'%s' has other parts", rows[i].text);
        ASSERT_STREQ(reference.repository, rows[i].repository);
        ASSERT_EQ(digest_is_set(&reference.digest), strchr(rows[i].text, '@') != NULL);
    }
}

static void test_file_names(void)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *file_name = NULL, *back = NULL;

        if (!rows[i].name)
            continue;
        file_name = reference_to_file_name(rows[i].name);
        ASSERT_NULL(strchr(file_name, '/'));
        ASSERT_OK(reference_from_file_name(file_name, &back));
        ASSERT_STREQ(back, rows[i].name);
    }
}

static void test_foreign_file_names(void)
{
    static const char *const names[] = {
        "web", "..", ".", ".#web:1.0123", "Web:1", ("web:1@sha256:" HEX), "r.example+Web:1"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        char *back = NULL;

        ASSERT_ERROR(reference_from_file_name(names[i], &back), EINVAL);
    }
}

static void test_candidates(void)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_strv_ char **list = NULL, **full = NULL;

    ASSERT_OK(reference_parse("web", &reference, NULL));
    ASSERT_OK(reference_list_candidates(&reference, &list));
    ASSERT_EQ(strv_length(list), 2);
    ASSERT_STREQ(list[0], "web:latest");
    ASSERT_STREQ(list[1], "localhost/web:latest");
    reference_done(&reference);
    ASSERT_OK(reference_parse("r.example/web:1", &reference, NULL));
    ASSERT_OK(reference_list_candidates(&reference, &full));
    ASSERT_EQ(strv_length(full), 1);
    ASSERT_STREQ(full[0], "r.example/web:1");
}

static void test_length(void)
{
    char text[600];
    _cleanup_reference_ Reference reference = {};

    memset(text, 'a', sizeof(text));
    text[REFERENCE_MAX - (int) strlen(":latest")] = 0;
    ASSERT_OK(reference_parse(text, &reference, NULL));
    reference_done(&reference);
    text[strlen(text)] = 'a';
    text[REFERENCE_MAX - (int) strlen(":latest") + 1] = 0;
    ASSERT_ERROR(reference_parse(text, &reference, NULL), EINVAL);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 0;
    ASSERT_ERROR(reference_parse(text, &reference, NULL), EINVAL);
}

int main(void)
{
    TEST_RUN(test_table);
    TEST_RUN(test_file_names);
    TEST_RUN(test_foreign_file_names);
    TEST_RUN(test_candidates);
    TEST_RUN(test_length);
    return test_finish();
}
