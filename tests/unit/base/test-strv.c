/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of strings and runs of bytes: growth at every length, ownership on every path. */
#include "base/buffer.h"
#include "base/strv.h"

#include "../test.h"

#include <errno.h>

static void grows_at_every_length(void)
{
    for (size_t length = 0; length < 70; length++) {
        _cleanup_strv_ char **list = NULL, **copy = NULL;

        for (size_t i = 0; i < length; i++)
            ASSERT_OK(strv_append_format(&list, "item %zu", i));
        ASSERT_EQ(strv_length(list), length);
        /* A copy grows as the list that it was made of. */
        copy = strv_copy(list);
        ASSERT_NOT_NULL(copy);
        ASSERT_EQ(strv_length(copy), length);
        for (size_t i = 0; i < 10; i++)
            ASSERT_OK(strv_append(&copy, "more"));
        ASSERT_EQ(strv_length(copy), length + 10);
        for (size_t i = 0; i < length; i++)
            ASSERT_STREQ(copy[i], list[i]);
        ASSERT_NULL(copy[length + 10]);
    }
}

static void null_is_empty(void)
{
    _cleanup_strv_ char **list = NULL, **copy = strv_copy(NULL);
    _cleanup_free_ char *joined = strv_join(NULL, ", ");

    ASSERT_EQ(strv_length(NULL), 0);
    ASSERT_FALSE(strv_contains(NULL, "a"));
    ASSERT_STREQ(joined, "");
    ASSERT_NOT_NULL(copy);
    ASSERT_NULL(copy[0]);
    strv_sort(NULL);
    strv_free(NULL);
    ASSERT_OK(strv_extend(&list, NULL));
    ASSERT_NULL(list);
    ASSERT_ERROR(strv_push(&list, NULL), ENOMEM);
    ASSERT_NULL(list);
}

static void joins_sorts_finds(void)
{
    _cleanup_strv_ char **list = strv_new("b", "a", "", "c", NULL), **none = strv_new(NULL, NULL);
    _cleanup_free_ char *joined = NULL;

    ASSERT_EQ(strv_length(list), 4);
    ASSERT_EQ(strv_length(none), 0);
    strv_sort(list);
    joined = strv_join(list, ", ");
    ASSERT_STREQ(joined, ", a, b, c");
    ASSERT_TRUE(strv_contains(list, ""));
    ASSERT_TRUE(strv_contains(list, "c"));
    ASSERT_FALSE(strv_contains(list, "d"));
    ASSERT_OK(strv_extend(&none, list));
    ASSERT_EQ(strv_length(none), 4);
}

static void buffer_collects(void)
{
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_free_ char *text = NULL, *empty = NULL;

    buffer_append_string(&buffer, "a");
    buffer_append(&buffer, "\0b", 2);
    buffer_append_format(&buffer, "%d%s", 12, "");
    ASSERT_EQ(buffer.size, 5);
    ASSERT_TRUE(memcmp(buffer.data, "a\0b12", 6) == 0);
    for (unsigned i = 0; i < 5000; i++)
        buffer_append(&buffer, "0123456789", 10);
    ASSERT_EQ(buffer.size, 50005);
    text = buffer_take(&buffer);
    ASSERT_NOT_NULL(text);
    ASSERT_EQ(text[50005], 0);
    ASSERT_EQ(text[50004], '9');
    ASSERT_NULL(buffer.data);
    ASSERT_EQ(buffer.size, 0);
    /* An empty one gives a string, not NULL: NULL means no memory. */
    empty = buffer_take(&buffer);
    ASSERT_STREQ(empty, "");
}

static void buffer_remembers_failure(void)
{
    _cleanup_buffer_ Buffer buffer = {};

    buffer_append_string(&buffer, "kept");
    buffer.failed = -ENOMEM;
    buffer_append_string(&buffer, "lost");
    ASSERT_EQ(buffer.size, 4);
    ASSERT_NULL(buffer_take(&buffer));
    ASSERT_NULL(buffer.data);
}

static void buffer_ends_exactly(void)
{
    /* Around the growth steps: the NUL behind the bytes is always inside. */
    for (size_t size = 0; size < 300; size++) {
        _cleanup_buffer_ Buffer buffer = {};

        for (size_t i = 0; i < size; i++)
            buffer_append(&buffer, "x", 1);
        buffer_append(&buffer, "", 0);
        ASSERT_EQ(strlen(buffer.data), size);
    }
}

int main(void)
{
    TEST_RUN(grows_at_every_length);
    TEST_RUN(null_is_empty);
    TEST_RUN(joins_sorts_finds);
    TEST_RUN(buffer_collects);
    TEST_RUN(buffer_remembers_failure);
    TEST_RUN(buffer_ends_exactly);
    return test_finish();
}
