/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/ids.h"

#include "test.h"

#include <errno.h>

static IdMap map;

static void test_identity(void)
{
    ASSERT_OK(id_map_parse("         0          0 4294967295\n", &map));
    ASSERT_EQ(map.count, 0);
    ASSERT_NULL(id_map_format(&map));
    ASSERT_EQ(id_map_to_outside(&map, 4711), 4711);
    ASSERT_EQ(id_map_to_inside(&map, 0), 0);
}

static void test_ranges(void)
{
    char *text;

    ASSERT_OK(id_map_parse("0 524288 65536\n100000 1000 1\n", &map));
    ASSERT_EQ(map.count, 2);
    ASSERT_EQ(id_map_to_outside(&map, 0), 524288);
    ASSERT_EQ(id_map_to_outside(&map, 65535), 524288 + 65535);
    ASSERT_EQ(id_map_to_outside(&map, 65536), ID_NONE);
    ASSERT_EQ(id_map_to_outside(&map, 100000), 1000);
    ASSERT_EQ(id_map_to_inside(&map, 1000), 100000);
    ASSERT_EQ(id_map_to_inside(&map, 1001), ID_NONE);
    ASSERT_EQ(id_map_to_inside(&map, 524287), ID_NONE);
    text = id_map_format(&map);
    ASSERT_STREQ(text, "0 524288 65536,100000 1000 1");
    ASSERT_OK(id_map_parse(text, &map));
    ASSERT_EQ(map.count, 2);
    free(text);
}

static void test_refused(void)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "0 0",
                                      "0 0 0",
                                      "a 0 1",
                                      "0 0 1x",
                                      "0 -1 1",
                                      "0 0 1 1",
                                      "0 0 1;0 1 1",
                                      "0 5 2,1 9 1",
                                      "0 5 2,7 6 1",
                                      "0,0,1",
                                      "4294967295 0 1",
                                      "0 4294967290 10",
                                      "0 99999999999999999999 1",
                                      "\n",
                                      ",",
                                      "0 0 4294967296"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (id_map_parse(bad[i], &map) != -EINVAL)
            TEST_FAIL("'%s' is taken for a map", bad[i]);
}

static void test_shift(void)
{
    IdShift shift = {.keep = true, .uid = 7, .gid = 8, .uids = &map};

    ASSERT_OK(id_map_parse("0 1000 10", &map));
    ASSERT_EQ(id_shift_uid(&shift, 3), 1003);
    ASSERT_EQ(id_shift_uid(&shift, 10), 7);
    /* Without a map both sides are the same; -1 is nobody's id. */
    ASSERT_EQ(id_shift_gid(&shift, 3), 3);
    ASSERT_EQ(id_shift_gid(&shift, ID_NONE), 8);
    shift.to_inside = true;
    ASSERT_EQ(id_shift_uid(&shift, 1003), 3);
    ASSERT_EQ(id_shift_uid(&shift, 3), 7);
    shift.keep = false;
    ASSERT_EQ(id_shift_uid(&shift, 1003), 7);
    ASSERT_EQ(id_shift_gid(&shift, 3), 8);
}

int main(void)
{
    TEST_RUN(test_identity);
    TEST_RUN(test_ranges);
    TEST_RUN(test_refused);
    TEST_RUN(test_shift);
    return test_finish();
}
