/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A buffer grows as it is filled, may hold any byte, and is given away with a NUL behind it. */
#include "base/buffer.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

static void empty_is_an_empty_string(void)
{
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_free_ char *text = buffer_take(&buffer);

    ASSERT_STREQ(text, "");
}

static void appends_in_order(void)
{
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_free_ char *text = NULL;

    buffer_append_string(&buffer, "one");
    buffer_append(&buffer, ", two!", 5);
    buffer_append_format(&buffer, ", %d%s", 3, "");
    ASSERT_EQ(buffer.size, strlen("one, two, 3"));
    text = buffer_take(&buffer);
    ASSERT_STREQ(text, "one, two, 3");
    ASSERT_EQ(buffer.size, 0U);
    ASSERT_NULL(buffer.data);
}

static void holds_any_byte(void)
{
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_free_ char *bytes = NULL;

    buffer_append(&buffer, "a\0b", 3);
    buffer_append(&buffer, NULL, 0);
    buffer_append(&buffer, "\0", 1);
    ASSERT_EQ(buffer.size, 4U);
    bytes = buffer_take(&buffer);
    ASSERT_TRUE(memcmp(bytes, "a\0b\0", 5) == 0);
}

/* Byte by byte and in one long piece, over every growth: the sanitizer watches the edges. */
static void grows(void)
{
    _cleanup_buffer_ Buffer buffer = {};
    _cleanup_free_ char *text = NULL;

    for (int i = 0; i < 5000; i++)
        buffer_append(&buffer, &"0123456789"[i % 10], 1);
    buffer_append_format(&buffer, "%20000s", "end");
    ASSERT_EQ(buffer.size, 25000U);
    text = buffer_take(&buffer);
    ASSERT_EQ(strlen(text), 25000U);
    for (int i = 0; i < 5000; i++)
        ASSERT_EQ(text[i], '0' + i % 10);
    ASSERT_STREQ(text + 24997, "end");
}

/* What failed once stays failed: nothing with a hole in it is given away. */
static void a_failure_stays(void)
{
    _cleanup_buffer_ Buffer buffer = {};

    buffer_append_string(&buffer, "kept");
    buffer.failed = -ENOMEM;
    buffer_append_string(&buffer, "lost");
    ASSERT_EQ(buffer.size, 4U);
    ASSERT_NULL(buffer_take(&buffer));
}

int main(void)
{
    TEST_RUN(empty_is_an_empty_string);
    TEST_RUN(appends_in_order);
    TEST_RUN(holds_any_byte);
    TEST_RUN(grows);
    TEST_RUN(a_failure_stays);
    return test_finish();
}
