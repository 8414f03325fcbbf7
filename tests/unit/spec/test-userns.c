/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The spellings of --userns= and --private-users=, and what they exclude. */
#include "../test.h"

#include "base/cleanup.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <stdlib.h>

static void spellings(void)
{
    static const struct {
        const char *text, *formatted; /* NULL: refused */
    } rows[] = {
        {"auto", "auto"},
        {"pick", "auto"},
        {"yes", "auto"},
        {"nomap", "auto"},
        {"private", "auto"},
        {"host", "host"},
        {"no", "host"},
        {"identity", "0:65536"},
        {"100000", "100000:65536"},
        {"100000:1", "100000:1"},
        {"0:4294967295", "0:4294967295"},
        {"4294901759", "4294901759:65536"},
        {"keep-id", "keep-id"},
        {"keep-id:", "keep-id"},
        {"keep-id:uid=1000", "keep-id:uid=1000"},
        {"keep-id:gid=7", "keep-id:gid=7"},
        {"keep-id:gid=0,uid=65535", "keep-id:uid=65535,gid=0"},
        {"", NULL},
        {"Auto", NULL},
        {"auto:size=1", NULL},
        {"managed", NULL},
        {"container:web", "container:web"},
        {"container:", NULL},
        {"container:../web", NULL},
        {"ns:/proc/1/ns/user", NULL},
        {"100000:", NULL},
        {"100000:0", NULL},
        {"4294901760", NULL},
        {"4294967295:1", NULL},
        {"4294967296", NULL},
        {"-1", NULL},
        {"1:2:3", NULL},
        {"keep-id:uid=65536", NULL},
        {"keep-id:uid=", NULL},
        {"keep-id:pid=1", NULL},
        {"keep-id:uid=1;gid=1", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_error_ Error error = {};
        _cleanup_free_ char *formatted = NULL;
        UsernsSpec userns = {.mode = USERNS_DEFAULT}, again = {};

        if ((userns_parse(rows[i].text, &userns, &error) == 0) != (rows[i].formatted != NULL))
            TEST_FAIL("'%s' is%s taken", rows[i].text, rows[i].formatted ? " not" : "");
        formatted = userns_format(&userns);
        if (!rows[i].formatted) {
            ASSERT_EQ(userns.mode, USERNS_DEFAULT);
            ASSERT_NULL(formatted);
            ASSERT_NOT_NULL(error.text);
            continue;
        }
        ASSERT_STREQ(formatted, rows[i].formatted);
        ASSERT_OK(userns_parse(formatted, &again, NULL));
        ASSERT_EQ(again.mode, userns.mode);
        ASSERT_EQ(again.base, userns.base);
        ASSERT_EQ(again.count, userns.count);
        free(userns.target);
        free(again.target);
        ASSERT_EQ(again.keep_uid, userns.keep_uid);
        ASSERT_EQ(again.keep_gid, userns.keep_gid);
    }
}

static int finish(const Words *words, Error *error)
{
    SpecLayer *layer = layer_of(TRUST_ADMIN, words);
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    int r = spec_finish(&layer, 1, &spec, error);

    spec_layer_free(layer);
    return r;
}

static void contradictions(void)
{
    static const struct {
        Words words[5];
        const char *message; /* NULL: none */
    } rows[] = {
        {{{"image", "x"}, {"uidmap", "0:1:2"}, {"userns", "auto"}}, "exclude each other"},
        {{{"image", "x"}, {"gidmap", "0:1:2"}, {"userns", "host"}}, "exclude each other"},
        {{{"image", "x"}, {"uidmap", "1:1:2"}}, "the id 0 is not mapped"},
        {{{"image", "x"}, {"uidmap", "0:1:2"}, {"uidmap", "1:9"}}, "the id 1 inside is mapped twice"},
        {{{"image", "x"}, {"uidmap", "0:1:2"}, {"uidmap", "9:2"}}, "the id 2 of the host is mapped twice"},
        {{{"image", "x"}, {"uidmap", "0:1:2"}, {"gidmap", "0:5:1"}}, NULL},
        {{{"image", "x"}, {"gidmap", "0:5:1"}}, NULL},
        {{{"image", "x"}, {"userns", "host"}, {"volume", "/a:/b:idmap"}}, "needs a user namespace"},
        {{{"image", "x"}, {"userns", "host"}, {"volume", "/a:/b:noidmap,U"}}, NULL},
        {{{"image", "x"}, {"userns", "auto"}, {"volume", "/a:/b:idmap"}}, NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_error_ Error error = {};
        int r = finish(rows[i].words, &error);

        if ((r == 0) != !rows[i].message)
            TEST_FAIL("row %zu: %d (%s)", i, r, error.text);
        if (rows[i].message)
            ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

int main(void)
{
    TEST_RUN(spellings);
    TEST_RUN(contradictions);
    return test_finish();
}
