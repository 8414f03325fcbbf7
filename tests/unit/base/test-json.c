/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of fields: out and in again, missing ones left alone, unknown ones handed over. */
#include "base/json.h"
#include "base/strv.h"

#include "../test.h"

#include <errno.h>

typedef struct Thing {
    char *name;
    char **list;
    uint64_t size;
    int64_t offset;
    bool flag;
} Thing;

static const JsonField fields[] = {
    JSON_FIELD(Thing, name, JSON_FIELD_STRING), JSON_FIELD(Thing, list, JSON_FIELD_LIST),
    JSON_FIELD(Thing, size, JSON_FIELD_U64),    JSON_FIELD(Thing, offset, JSON_FIELD_I64),
    JSON_FIELD(Thing, flag, JSON_FIELD_BOOL),
};

static void thing_done(Thing *thing)
{
    json_fields_done(thing, fields, ELEMENTSOF(fields));
}

static void comes_back(void)
{
    _cleanup_(thing_done) Thing thing = {.size = 1ULL << 62, .offset = -5, .flag = true}, back = {};
    _cleanup_json_ json_t *json = NULL, *unknown = NULL;
    _cleanup_error_ Error error = {};

    thing.name = strdup("web \"1\"");
    thing.list = strv_new("a", "", "ä", NULL);
    json = json_fields_build(&thing, fields, ELEMENTSOF(fields));
    ASSERT_NOT_NULL(json);
    ASSERT_OK(json_fields_read(json, fields, ELEMENTSOF(fields), &back, &unknown, &error));
    ASSERT_NULL(unknown);
    ASSERT_STREQ(back.name, thing.name);
    ASSERT_EQ(strv_length(back.list), 3);
    ASSERT_STREQ(back.list[2], "ä");
    ASSERT_EQ(back.size, thing.size);
    ASSERT_EQ(back.offset, -5);
    ASSERT_TRUE(back.flag);
}

static void nothing_is_null(void)
{
    Thing thing = {};
    _cleanup_(thing_done) Thing back = {.name = strdup("old"), .list = strv_new("old", NULL)};
    _cleanup_json_ json_t *json = json_fields_build(&thing, fields, ELEMENTSOF(fields));

    ASSERT_TRUE(json_is_null(json_object_get(json, "name")));
    ASSERT_OK(json_fields_read(json, fields, ELEMENTSOF(fields), &back, NULL, NULL));
    ASSERT_NULL(back.name);
    ASSERT_EQ(strv_length(back.list), 0);
}

static void missing_is_default_unknown_is_kept(void)
{
    static const char text[] = "{\"name\":\"x\",\"later\":{\"a\":[1,2]},\"size\":7}";
    _cleanup_(thing_done) Thing thing = {.offset = 42, .flag = true};
    _cleanup_json_ json_t *json = NULL, *unknown = NULL;

    ASSERT_OK(json_parse_object(text, strlen(text), &json, NULL));
    ASSERT_OK(json_fields_read(json, fields, ELEMENTSOF(fields), &thing, &unknown, NULL));
    ASSERT_STREQ(thing.name, "x");
    ASSERT_EQ(thing.size, 7);
    ASSERT_EQ(thing.offset, 42);
    ASSERT_TRUE(thing.flag);
    ASSERT_NOT_NULL(unknown);
    ASSERT_EQ(json_object_size(unknown), 1);
    ASSERT_TRUE(json_is_object(json_object_get(unknown, "later")));
    /* The source object is as it was. */
    ASSERT_EQ(json_object_size(json), 3);
}

static void wrong_types(void)
{
    static const char *const texts[] = {
        "{\"name\":1}",      "{\"name\":[]}", "{\"list\":\"a\"}",   "{\"list\":[1]}",  "{\"list\":{}}",
        "{\"list\":[null]}", "{\"size\":-1}", "{\"size\":\"1\"}",   "{\"size\":1.5}",  "{\"size\":null}",
        "{\"offset\":true}", "{\"flag\":0}",  "{\"flag\":\"yes\"}", "{\"flag\":null}",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_(thing_done) Thing thing = {};
        _cleanup_json_ json_t *json = NULL, *unknown = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_OK(json_parse_object(texts[i], strlen(texts[i]), &json, NULL));
        if (json_fields_read(json, fields, ELEMENTSOF(fields), &thing, &unknown, &error) != -EBADMSG || unknown)
            TEST_FAIL("%s is taken", texts[i]);
        ASSERT_CONTAINS(error.text, "has the wrong type");
    }
}

static void no_object(void)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "1",
                                        "\"x\"",
                                        "null",
                                        "{",
                                        "{}x",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":\"\\u0000\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{'a':1}",
                                        "{\"a\":99999999999999999999}"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_error_ Error error = {};
        json_t *json = NULL;

        if (json_parse_object(texts[i], strlen(texts[i]), &json, &error) != -EBADMSG || json || !error.text)
            TEST_FAIL("%s is taken", texts[i]);
    }
}

static void depth_is_bounded(void)
{
    size_t size = 200000;
    _cleanup_free_ char *text = malloc(size + 1);
    json_t *json = NULL;

    ASSERT_NOT_NULL(text);
    for (size_t i = 0; i < size; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    text[size] = 0;
    ASSERT_ERROR(json_parse_object(text, size, &json, NULL), EBADMSG);
}

static void strings_that_are_not_utf8(void)
{
    _cleanup_json_ json_t *bad = json_safe_string("a\xff"), *good = json_safe_string("ä\033");

    ASSERT_STREQ(json_string_value(bad), "a\\xff");
    /* JSON escapes a control character by itself: the value is kept. */
    ASSERT_STREQ(json_string_value(good), "ä\033");
}

int main(void)
{
    TEST_RUN(comes_back);
    TEST_RUN(nothing_is_null);
    TEST_RUN(missing_is_default_unknown_is_kept);
    TEST_RUN(wrong_types);
    TEST_RUN(no_object);
    TEST_RUN(depth_is_bounded);
    TEST_RUN(strings_that_are_not_utf8);
    return test_finish();
}
