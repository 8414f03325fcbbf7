/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/copy-words.h"

#include "test.h"

#include <errno.h>

static void test_words(void)
{
    static const struct {
        const char *text;
        CopyWordKind kind;
        const char *name, *path;
    } rows[] = {
        {"-", COPY_WORD_STREAM, NULL, NULL},
        {"file", COPY_WORD_HERE, NULL, "file"},
        {"/a:b", COPY_WORD_HERE, NULL, "/a:b"},
        {"./web:/x", COPY_WORD_HERE, NULL, "./web:/x"},
        {"../web:/x", COPY_WORD_HERE, NULL, "../web:/x"},
        {"web:/etc", COPY_WORD_INSIDE, "web", "/etc"},
        {"web:etc/a:b", COPY_WORD_INSIDE, "web", "etc/a:b"},
        {"web:-", COPY_WORD_INSIDE, "web", "-"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        _cleanup_copy_word_ CopyWord word = {};

        ASSERT_OK(copy_word_parse(rows[i].text, &word, NULL));
        ASSERT_EQ(word.kind, rows[i].kind);
        ASSERT_EQ(word.name == NULL, rows[i].name == NULL);
        ASSERT_EQ(word.path == NULL, rows[i].path == NULL);
        if (rows[i].name)
            ASSERT_STREQ(word.name, rows[i].name);
        if (rows[i].path)
            ASSERT_STREQ(word.path, rows[i].path);
    }
}

static void test_refused(void)
{
    static const char *const bad[] = {"", "web:", ":", ":/etc", "a/b:c", "a b:/c", "web\n:/etc", "~:/etc", "-web:/etc"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        _cleanup_copy_word_ CopyWord word = {};
        _cleanup_error_ Error error = {};

        if (copy_word_parse(bad[i], &word, &error) != -EINVAL || !error.text)
            TEST_FAIL("'%s' is taken", bad[i]);
    }
}

int main(void)
{
    TEST_RUN(test_words);
    TEST_RUN(test_refused);
    return test_finish();
}
