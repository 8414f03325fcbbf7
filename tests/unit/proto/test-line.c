/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines in a buffer of fixed size: never beyond its end, and what a container says cannot break out of its field. */
#include "proto/line.h"

#include "base/cleanup.h"

#include "../test.h"

#include <string.h>

static const char *value(char *buffer, size_t room, const char *string, bool json)
{
    Line line = {.data = buffer, .room = room - 1};

    line_put_value(&line, string, json);
    if (line.is_short)
        abort();
    buffer[line.size] = 0;
    return buffer;
}

static void hostile_values(void)
{
    static const struct {
        const char *given, *plain, *json;
    } rows[] = {
        {"plain text", "plain text", "plain text"},
        {"a\nMESSAGE=b", "a\\x0aMESSAGE=b", "a\\\\x0aMESSAGE=b"},
        {"\x1b[2J\x7f", "\\x1b[2J\\x7f", "\\\\x1b[2J\\\\x7f"},
        {"\"quote\\", "\"quote\\", "\\\"quote\\\\"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xe2\x82\xac\xf0\x9f\x90\xb3", "\xe2\x82\xac\xf0\x9f\x90\xb3", "\xe2\x82\xac\xf0\x9f\x90\xb3"},
        {"\xc2\x9b", "\\xc2\\x9b", "\\\\xc2\\\\x9b"},                 /* CSI, a control character of two bytes */
        {"\xc0\xaf", "\\xc0\\xaf", "\\\\xc0\\\\xaf"},                 /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"}, /* half of a surrogate pair */
        {"\xe2\x82", "\\xe2\\x82", "\\\\xe2\\\\x82"},                 /* cut off */
        {"\xff", "\\xff", "\\\\xff"},
    };
    char buffer[256];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ASSERT_STREQ(value(buffer, sizeof(buffer), rows[i].given, false), rows[i].plain);
        ASSERT_STREQ(value(buffer, sizeof(buffer), rows[i].given, true), rows[i].json);
    }
}

static void numbers(void)
{
    char buffer[64];
    Line line = {.data = buffer, .room = sizeof(buffer)};

    line_put_number(&line, 0);
    line_put_string(&line, " ");
    line_put_number(&line, UINT64_MAX);
    ASSERT_EQ(line.size, strlen("0 18446744073709551615"));
    ASSERT_TRUE(memcmp(buffer, "0 18446744073709551615", line.size) == 0);
}

/* For each size of the buffer: it is either whole or known to be short, and the byte behind is untouched. */
static void knows_when_it_was_too_short(void)
{
    const char *text = "ab\n\xc3\xbc\"";
    size_t whole = strlen("ab\\\\x0a\xc3\xbc\\\"");

    for (size_t room = 0; room <= whole + 1; room++) {
        char buffer[32];
        Line line = {.data = buffer, .room = room};

        memset(buffer, '#', sizeof(buffer));
        line_put_value(&line, text, true);
        ASSERT_EQ(line.is_short, room < whole);
        ASSERT_TRUE(line.size <= room);
        ASSERT_EQ(buffer[room], '#');
    }
}

int main(void)
{
    TEST_RUN(hostile_values);
    TEST_RUN(numbers);
    TEST_RUN(knows_when_it_was_too_short);
    return test_finish();
}
