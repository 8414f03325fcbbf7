/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of events is complete, and an event says the same in the journal and in the file, whatever is in it. */
#include "../test.h"

#include "base/json.h"
#include "proto/events.h"

#include <ctype.h>

static void rows_are_complete(void)
{
    for (int kind = _EVENT_INVALID + 1; kind < _EVENT_MAX; kind++) {
        const EventRow *row = &event_rows[kind];

        if (!row->name || !row->type || !row->message || !row->catalog_text || !row->message_id)
            TEST_FAIL("event %d has an empty member", kind);
        ASSERT_TRUE(strcmp(row->type, "container") == 0 || strcmp(row->type, "image") == 0);
        ASSERT_EQ(strlen(row->message_id), 32);
        ASSERT_EQ(strspn(row->message_id, "0123456789abcdef"), 32);
        ASSERT_TRUE(row->priority >= 3 && row->priority <= 7);
        for (int other = kind + 1; other < _EVENT_MAX; other++) {
            if (strcmp(row->message_id, event_rows[other].message_id) == 0)
                TEST_FAIL("%s and %s share an id", row->name, event_rows[other].name);
            if (strcmp(row->name, event_rows[other].name) == 0 && strcmp(row->type, event_rows[other].type) == 0)
                TEST_FAIL("%s is there twice", row->name);
        }
        for (size_t i = 0; i < ELEMENTSOF(row->members) && row->members[i]; i++) {
            bool is_known = false;

            for (size_t j = 0; j < event_members_count; j++)
                is_known = is_known || (strcmp(event_members[j].name, row->members[i]) == 0 &&
                                        event_members[j].type == EVENT_MEMBER_NUMBER);
            if (!is_known)
                TEST_FAIL("%s: there is no number '%s'", row->name, row->members[i]);
        }
        /* The catalogue's lines are read on a terminal, behind a prefix. */
        for (const char *line = row->catalog_text; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL))
            if (strcspn(line, "\n") > 80)
                TEST_FAIL("%s: a line of the catalogue is too long", row->name);
    }
}

/* @FIELD@ in messages and catalogue texts leads to a member. */
static void placeholders_are_known(void)
{
    for (int kind = _EVENT_INVALID + 1; kind < _EVENT_MAX; kind++) {
        const char *const texts[] = {event_rows[kind].message, event_rows[kind].catalog_text};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
            for (const char *at = strchr(texts[i], '@'), *end; at; at = strchr(end + 1, '@')) {
                bool is_known = false;

                end = strchr(at + 1, '@');
                if (!end) {
                    TEST_FAIL("%s: an @ stands alone", event_rows[kind].name);
                    break;
                }
                for (size_t j = 0; j < event_members_count; j++)
                    is_known = is_known || (strlen(event_members[j].field) == (size_t) (end - at - 1) &&
                                            memcmp(event_members[j].field, at + 1, (size_t) (end - at - 1)) == 0);
                if (!is_known)
                    TEST_FAIL("%s: %s", event_rows[kind].name, at);
            }
    }
}

static void an_entry(void)
{
    char entry[EVENT_MAX_BYTES + 1] = "";
    Event event = {.kind = EVENT_DIE,
                   .name = "web",
                   .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                   .image = "debian:13",
                   .unit = "berth-web.scope",
                   .code = 137,
                   .signal = 9};
    size_t size = event_format_entry(&event, entry, sizeof(entry) - 1);

    ASSERT_TRUE(size > 0);
    entry[size] = 0;
    ASSERT_CONTAINS(entry, "MESSAGE=Container web has ended with status 137\n");
    ASSERT_CONTAINS(entry, "\nBERTH_EVENT=die\n");
    ASSERT_CONTAINS(entry, "\nCONTAINER_ID=0123456789ab\n");
    ASSERT_CONTAINS(entry, "\nCONTAINER_EXIT_SIGNAL=9\n");
    ASSERT_CONTAINS(entry, "\nCONTAINER_OOM_KILLS=0\n");
    ASSERT_CONTAINS(entry, "\nOBJECT_SYSTEMD_UNIT=berth-web.scope\n");
    ASSERT_TRUE(strstr(entry, "HEALTH") == NULL);
    ASSERT_EQ(event_format_entry(&event, entry, size - 1), 0);
}

/* THREATS G1: one line, one field, valid JSON, no byte that a terminal acts on. */
static void hostile_values(void)
{
    static const char hostile[] = "a\nMESSAGE=forged\n\033[2J\"\\\xff\xc3\xbc\xc2\x9b\xed\xa0\x80";
    char text[EVENT_MAX_BYTES];
    Event event = {.kind = EVENT_HEALTH_STATUS, .name = "web", .health = "unhealthy", .output = hostile, .failing = 3};
    _cleanup_json_ json_t *json = NULL;
    size_t size = event_format_entry(&event, text, sizeof(text)), newlines = 0;

    ASSERT_TRUE(size > 0);
    for (size_t i = 0; i < size; i++) {
        newlines += text[i] == '\n';
        ASSERT_TRUE(text[i] == '\n' || !iscntrl((unsigned char) text[i]));
    }
    ASSERT_EQ(newlines, 10);
    size = event_format_line(&event, text, sizeof(text));
    ASSERT_TRUE(size > 0 && text[size - 1] == '\n');
    ASSERT_OK(json_parse_object(text, size, &json, NULL));
    ASSERT_STREQ(json_string_value(json_object_get(json, "output")),
                 "a\\x0aMESSAGE=forged\\x0a\\x1b[2J\"\\\\xff\xc3\xbc\\xc2\\x9b\\xed\\xa0\\x80");
    ASSERT_EQ(json_integer_value(json_object_get(json, "failing")), 3);
}

int main(void)
{
    TEST_RUN(rows_are_complete);
    TEST_RUN(placeholders_are_known);
    TEST_RUN(an_entry);
    TEST_RUN(hostile_values);
    return test_finish();
}
