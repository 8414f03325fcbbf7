/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of ids: what is one, what overlaps, and that both directions agree. */
#include "../test.h"

#include "base/strv.h"
#include "spec/id-mapping.h"

#include <errno.h>

static void extents(void)
{
    static const struct {
        const char *text;
        int r;
        IdExtent extent;
    } rows[] = {
        {"0:100000:65536", 0, {0, 100000, 65536}},
        {"1000:1000", 0, {1000, 1000, 1}},
        {"0:@5:2", 0, {0, 5, 2}},
        {"4294967294:4294967294:1", 0, {4294967294U, 4294967294U, 1}},
        {"4294967295:0:4294967295", 0, {4294967295U, 0, 4294967295U}}, /* a number; no map takes it */
        {"", -EINVAL, {}},
        {"0", -EINVAL, {}},
        {":1", -EINVAL, {}},
        {"0:", -EINVAL, {}},
        {"0:1:", -EINVAL, {}},
        {"0:1:2:3", -EINVAL, {}},
        {"@0:1:2", -EINVAL, {}},
        {"0:@@1", -EINVAL, {}},
        {"0:1:@2", -EINVAL, {}},
        {"-1:0:1", -EINVAL, {}},
        {"0:+1:1", -EINVAL, {}},
        {"0x0:1", -EINVAL, {}},
        {" 0:1", -EINVAL, {}},
        {"0:4294967296", -EINVAL, {}},
        {"00000000000000000000:1", -EINVAL, {}},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_error_ Error error = {};
        IdExtent extent = {};
        int r = id_extent_parse(rows[i].text, &extent, &error);

        if (r != rows[i].r || extent.inside != rows[i].extent.inside || extent.host != rows[i].extent.host ||
            extent.count != rows[i].extent.count)
            TEST_FAIL("'%s': %d, %u:%u:%u", rows[i].text, r, extent.inside, extent.host, extent.count);
        if (r < 0)
            ASSERT_CONTAINS(error.text, "is not INSIDE:HOST[:COUNT]");
    }
}

/* All pairs of small extents: a second one is taken exactly if it shares no id with the first, on neither side, and what is
 * mapped then is mapped back. */
static void every_overlap_is_refused(void)
{
    unsigned taken = 0, refused = 0;

    for (unsigned number = 0; number < 6 * 6 * 4 * 6 * 6 * 4; number++) {
        IdExtent a = {number % 6, number / 6 % 6, number / 36 % 4 + 1};
        IdExtent b = {number / 144 % 6, number / 864 % 6, number / 5184 % 4 + 1};
        bool overlaps = false;
        IdMapping map = {.count = 0};
        int r;

        for (uint32_t i = 0; i < a.count; i++)
            for (uint32_t j = 0; j < b.count; j++)
                overlaps = overlaps || a.inside + i == b.inside + j || a.host + i == b.host + j;
        ASSERT_OK(id_mapping_add(&map, a, NULL));
        r = id_mapping_add(&map, b, NULL);
        if (r != (overlaps ? -EINVAL : 0))
            TEST_FAIL("%u:%u:%u and %u:%u:%u: %d", a.inside, a.host, a.count, b.inside, b.host, b.count, r);
        ASSERT_EQ(map.count, overlaps ? 1U : 2U);
        for (uint32_t id = 0; id < 12; id++) {
            uint32_t host_id = id_mapping_to_host(&map, id);

            if (host_id != ID_INVALID)
                ASSERT_EQ(id_mapping_to_inside(&map, host_id), id);
        }
        *(overlaps ? &refused : &taken) += 1;
    }
    ASSERT_TRUE(taken > 1000 && refused > 1000);
}

static void edges(void)
{
    static const IdExtent bad[] = {
        {0, 0, 0}, {0, 1, ID_INVALID}, {1, 0, ID_INVALID}, {ID_INVALID, 0, 1}, {0, ID_INVALID, 1}};
    IdMapping map = {.count = 0};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        ASSERT_EQ(id_mapping_add(&map, bad[i], NULL), -EINVAL);
    ASSERT_EQ(map.count, 0);
    ASSERT_OK(id_mapping_add(&map, (IdExtent){0, 0, ID_INVALID}, NULL));
    ASSERT_EQ(id_mapping_to_host(&map, ID_INVALID), ID_INVALID);
    ASSERT_EQ(id_mapping_to_host(&map, ID_INVALID - 1), ID_INVALID - 1);

    map.count = 0;
    for (uint32_t i = 0; i < ID_EXTENTS_MAX; i++)
        ASSERT_OK(id_mapping_add(&map, (IdExtent){i, 2 * i, 1}, NULL));
    ASSERT_EQ(id_mapping_add(&map, (IdExtent){ID_EXTENTS_MAX, 2 * ID_EXTENTS_MAX, 1}, NULL), -E2BIG);
}

static void lists_come_back(void)
{
    char *texts[] = {(char *) "0:524288:1000", (char *) "1000:1000", (char *) "1001:525289:64535", NULL};
    _cleanup_strv_ char **again = NULL;
    IdMapping map = {.count = 7};

    ASSERT_OK(id_mapping_parse(texts, &map, NULL));
    ASSERT_EQ(map.count, 3);
    ASSERT_EQ(id_mapping_to_host(&map, 0), 524288);
    ASSERT_EQ(id_mapping_to_host(&map, 1000), 1000);
    ASSERT_EQ(id_mapping_to_host(&map, 65535), 525289 + 64534);
    ASSERT_EQ(id_mapping_to_host(&map, 65536), ID_INVALID);
    ASSERT_EQ(id_mapping_to_inside(&map, 525288), ID_INVALID);
    ASSERT_OK(id_mapping_format(&map, &again));
    ASSERT_STREQ(again[1], "1000:1000:1");
    ASSERT_STREQ(again[2], texts[2]);
    ASSERT_OK(id_mapping_parse(NULL, &map, NULL));
    ASSERT_EQ(map.count, 0);
}

int main(void)
{
    TEST_RUN(extents);
    TEST_RUN(every_overlap_is_refused);
    TEST_RUN(edges);
    TEST_RUN(lists_come_back);
    return test_finish();
}
