/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* THREATS D12: USER of an image, resolved against files that the image wrote. Nothing here may end as root that did
 * not say root, and a number is never a name. */
#include "../test.h"

#include "base/cleanup.h"
#include "executor/accounts.h"

#include <errno.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "web:x:1000:1001:Web:/srv/web:/bin/sh\n"
                             "1001:x:77:78::/home/numeric:/bin/sh\n"
                             "short:x:5:5\n"
                             "badid:x:12x:5::/:/\n"
                             "hugeid:x:4294967296:5::/:/\n"
                             "minus:x:4294967295:5::/:/\n"
                             "negative:x:-1:5::/:/\n"
                             "empty:x:::::\n"
                             ":x:6:6::/noname:/\n"
                             "relative:x:7:7::home:/bin/sh\n"
                             "# comment:x:8:8::/:/\n"
                             "twice:x:20:20::/first:/\n"
                             "twice:x:0:0::/second:/\n"
                             "same:x:1000:0::/other:/\n"
                             "last:x:30:31::/last:/bin/sh"; /* no newline at the end */

static const char group[] = "root:x:0:\n"
                            "web:x:1001:\n"
                            "wheel:x:10:root,web\n"
                            "audio:x:11:web\n"
                            "video:x:12:webmaster,xweb,we\n"
                            "1001:x:99:\n"
                            "bad:x:1x:web\n"
                            "huge:x:4294967296:web\n"
                            "short:x\n"
                            "docker:x:13:last,web";

static void table(void)
{
    static const struct {
        const char *user;
        int r;
        uid_t uid;
        gid_t gid;
        const char *home;
        size_t groups;
    } rows[] = {
        /* numbers */
        {"0", 0, 0, 0, "/root", 2},
        {"1", 0, 1, 0, NULL, 1},
        {"1000", 0, 1000, 1001, "/srv/web", 4},
        {"00001000", 0, 1000, 1001, "/srv/web", 4},
        {"4294967294", 0, 4294967294U, 0, NULL, 1},
        {"4294967295", -EINVAL, 0, 0, NULL, 0},
        {"4294967296", -EINVAL, 0, 0, NULL, 0},
        {"18446744073709551616", -EINVAL, 0, 0, NULL, 0},
        {"18446744073709551617", -EINVAL, 0, 0, NULL, 0},
        {"99999999999999999999999999999999", -EINVAL, 0, 0, NULL, 0},
        /* There is a user called 1001: the number stays a number. */
        {"1001", 0, 1001, 0, NULL, 1},
        /* what only looks like a number is a name, and nobody has it */
        {"-1", -ENOENT, 0, 0, NULL, 0},
        {"+1", -ENOENT, 0, 0, NULL, 0},
        {"0x0", -ENOENT, 0, 0, NULL, 0},
        {" 0", -ENOENT, 0, 0, NULL, 0},
        {"0 ", -ENOENT, 0, 0, NULL, 0},
        {"1e3", -ENOENT, 0, 0, NULL, 0},
        {"0\n", -ENOENT, 0, 0, NULL, 0},
        /* names */
        {"root", 0, 0, 0, "/root", 2},
        {"web", 0, 1000, 1001, "/srv/web", 4},
        {"last", 0, 30, 31, "/last", 2},
        {"twice", 0, 20, 20, "/first", 1},
        {"relative", 0, 7, 7, NULL, 1},
        {"nobody", -ENOENT, 0, 0, NULL, 0},
        {"Web", -ENOENT, 0, 0, NULL, 0},
        {"we", -ENOENT, 0, 0, NULL, 0},
        {"webx", -ENOENT, 0, 0, NULL, 0},
        {"short", -ENOENT, 0, 0, NULL, 0},
        {"badid", -ENOENT, 0, 0, NULL, 0},
        {"hugeid", -ENOENT, 0, 0, NULL, 0},
        {"minus", -ENOENT, 0, 0, NULL, 0},
        {"negative", -ENOENT, 0, 0, NULL, 0},
        {"empty", -ENOENT, 0, 0, NULL, 0},
        {"web\nroot", -ENOENT, 0, 0, NULL, 0},
        {"", -EINVAL, 0, 0, NULL, 0},
        /* groups */
        {"1:", -EINVAL, 0, 0, NULL, 0},
        {":", -EINVAL, 0, 0, NULL, 0},
        {":1", 0, 0, 1, NULL, 1},
        {":wheel", 0, 0, 10, NULL, 1},
        {"1:2", 0, 1, 2, NULL, 1},
        {"1:1:1", -EINVAL, 0, 0, NULL, 0},
        {"1::1", -EINVAL, 0, 0, NULL, 0},
        {"web:0", 0, 1000, 0, "/srv/web", 1},
        {"web:wheel", 0, 1000, 10, "/srv/web", 1},
        {"web:docker", 0, 1000, 13, "/srv/web", 1},
        {"web:1001", 0, 1000, 1001, "/srv/web", 1}, /* a group is called 1001, too */
        {"1000:4294967295", -EINVAL, 0, 0, NULL, 0},
        {"1000:4294967296", -EINVAL, 0, 0, NULL, 0},
        {"1000:-1", -ENOENT, 0, 0, NULL, 0},
        {"1000:0x0", -ENOENT, 0, 0, NULL, 0},
        {"1000:nobody", -ENOENT, 0, 0, NULL, 0},
        {"1000:bad", -ENOENT, 0, 0, NULL, 0},
        {"1000:huge", -ENOENT, 0, 0, NULL, 0},
        {"1000:short", -ENOENT, 0, 0, NULL, 0},
        {"nobody:0", -ENOENT, 0, 0, NULL, 0},
        {"4294967296:0", -EINVAL, 0, 0, NULL, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Identity identity = {.uid = 4711};
        const char *what = NULL;
        int r = accounts_resolve(rows[i].user, passwd, group, &identity, &what);

        if (r != rows[i].r)
            TEST_FAIL("'%s': %d (%s), expected %d", rows[i].user, r, what, rows[i].r);
        if (r < 0) {
            /* Untouched, and the part that is wrong lies in the text. */
            if (identity.uid != 4711 || what < rows[i].user || what > rows[i].user + strlen(rows[i].user))
                TEST_FAIL("'%s': output touched", rows[i].user);
            continue;
        }
        if (identity.uid != rows[i].uid || identity.gid != rows[i].gid || identity.groups_count != rows[i].groups ||
            identity.groups[0] != rows[i].gid)
            TEST_FAIL("'%s' is %u:%u with %zu groups", rows[i].user, identity.uid, identity.gid, identity.groups_count);
        if (identity.has_home != (rows[i].home != NULL) || (rows[i].home && strcmp(identity.home, rows[i].home) != 0))
            TEST_FAIL("'%s' lives in '%s'", rows[i].user, identity.home);
    }
}

static void the_offending_part(void)
{
    static const char user[] = "web:nobody";
    const char *what = NULL;
    Identity identity = {};

    ASSERT_ERROR(accounts_resolve(user, passwd, group, &identity, &what), ENOENT);
    ASSERT_STREQ(what, "nobody");
    ASSERT_ERROR(accounts_resolve("nobody:web", passwd, group, &identity, &what), ENOENT);
    ASSERT_STREQ(what, "nobody:web");
}

static void missing_files(void)
{
    const char *what = NULL;
    Identity identity = {};

    ASSERT_OK(accounts_resolve("1000", "", "", &identity, &what));
    ASSERT_EQ(identity.uid, 1000);
    ASSERT_EQ(identity.gid, 0);
    ASSERT_FALSE(identity.has_home);
    ASSERT_OK(accounts_resolve("1000:1000", "", "", &identity, &what));
    ASSERT_EQ(identity.gid, 1000);
    ASSERT_ERROR(accounts_resolve("web", "", "", &identity, &what), ENOENT);
    ASSERT_ERROR(accounts_resolve("root", "", "", &identity, &what), ENOENT);
    ASSERT_ERROR(accounts_resolve("1000:wheel", "", "", &identity, &what), ENOENT);
}

static void memberships(void)
{
    const char *what = NULL;
    Identity identity = {};

    ASSERT_OK(accounts_resolve("web", passwd, group, &identity, &what));
    ASSERT_EQ(identity.groups_count, 4);
    ASSERT_EQ(identity.groups[0], 1001);
    ASSERT_EQ(identity.groups[1], 10);
    ASSERT_EQ(identity.groups[2], 11);
    ASSERT_EQ(identity.groups[3], 13);
    /* A user without a line has no name, so it is no member of the group that lists nobody. */
    ASSERT_OK(accounts_resolve("4000", passwd, "a:x:1:\nb:x:2:,\nc:x:3:4000\n", &identity, &what));
    ASSERT_EQ(identity.groups_count, 1);
    ASSERT_EQ(identity.groups[0], 0);
}

/* More groups than there is room for, lines longer than any buffer, files without an end of line. */
static void hostile_sizes(void)
{
    size_t size = 1 << 20;
    _cleanup_free_ char *long_line = malloc(size + 64), *many = malloc(64 * 2000);
    const char *what = NULL;
    Identity identity = {};
    size_t at = 0;

    ASSERT_TRUE(long_line && many);
    memset(long_line, 'x', size);
    memcpy(long_line + size, ":x:0:0::/:/\nweb:x:5:6::/:/\n", 28);
    ASSERT_OK(accounts_resolve("web", long_line, "", &identity, &what));
    ASSERT_EQ(identity.uid, 5);
    memset(long_line, ':', size);
    ASSERT_OK(accounts_resolve("web", long_line, long_line, &identity, &what));
    memset(long_line, 'x', size);
    long_line[size] = 0;
    ASSERT_ERROR(accounts_resolve("web", long_line, long_line, &identity, &what), ENOENT);
    ASSERT_ERROR(accounts_resolve(long_line, passwd, group, &identity, &what), ENOENT);

    for (unsigned i = 0; i < 2000; i++)
        at += (size_t) sprintf(many + at, "g%u:x:%u:web\n", i, i + 100);
    ASSERT_OK(accounts_resolve("web", passwd, many, &identity, &what));
    ASSERT_EQ(identity.groups_count, ELEMENTSOF(identity.groups));
    ASSERT_EQ(identity.groups[0], 1001);

    /* A home that does not fit is no home, rather than another one. */
    memset(long_line, 'h', 400);
    memcpy(long_line, "web:x:5:6::/", 12);
    long_line[400] = 0;
    ASSERT_OK(accounts_resolve("web", long_line, "", &identity, &what));
    ASSERT_FALSE(identity.has_home);
}

int main(void)
{
    TEST_RUN(table);
    TEST_RUN(the_offending_part);
    TEST_RUN(missing_files);
    TEST_RUN(memberships);
    TEST_RUN(hostile_sizes);
    return test_finish();
}
