/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resource limits and capabilities by name. */
#include "../test.h"

#include "spec/values.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>

static void limits(void)
{
    static const struct {
        const char *text;
        int resource;
        uint64_t soft, hard;
        const char *formatted;
    } rows[] = {
        {"nofile=1024", RLIMIT_NOFILE, 1024, 1024, "nofile=1024:1024"},
        {"nofile=1024:2048", RLIMIT_NOFILE, 1024, 2048, "nofile=1024:2048"},
        {"NOFILE=1K:infinity", RLIMIT_NOFILE, 1024, UINT64_MAX, "nofile=1024:infinity"},
        {"LimitNOFILE=5", RLIMIT_NOFILE, 5, 5, "nofile=5:5"},
        {"core=0", RLIMIT_CORE, 0, 0, "core=0:0"},
        {"core=-1", RLIMIT_CORE, UINT64_MAX, UINT64_MAX, "core=infinity:infinity"},
        {"memlock=unlimited", RLIMIT_MEMLOCK, UINT64_MAX, UINT64_MAX, "memlock=infinity:infinity"},
        {"stack=8M:-1", RLIMIT_STACK, 8 << 20, UINT64_MAX, "stack=8388608:infinity"},
        {"nproc=0:0", RLIMIT_NPROC, 0, 0, "nproc=0:0"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        LimitSpec limit = {.resource = -1}, again = {};
        _cleanup_free_ char *text = NULL;
        _cleanup_error_ Error error = {};

        if (limit_parse(rows[i].text, &limit, &error) != 0)
            TEST_FAIL("'%s' is refused: %s", rows[i].text, error.text);
        ASSERT_EQ(limit.resource, rows[i].resource);
        ASSERT_TRUE(limit.soft == rows[i].soft && limit.hard == rows[i].hard);
        text = limit_format(&limit);
        ASSERT_STREQ(text, rows[i].formatted);
        ASSERT_OK(limit_parse(text, &again, NULL));
        ASSERT_TRUE(again.resource == limit.resource && again.soft == limit.soft && again.hard == limit.hard);
    }
}

static void every_resource_has_a_name(void)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        const LimitSpec limit = {.resource = resource, .soft = 1, .hard = 2};
        LimitSpec again = {};
        _cleanup_free_ char *text = limit_format(&limit);

        if (!text || limit_parse(text, &again, NULL) != 0 || again.resource != resource)
            TEST_FAIL("resource %d is '%s'", resource, text);
    }
}

static void no_limits(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "'' is not NAME=SOFT[:HARD]"},   {"nofile", "is not NAME=SOFT[:HARD]"},
        {"nofile=", "'' is not a limit"},     {"nofile=1:", "'' is not a limit"},
        {"nofile=:1", "'' is not a limit"},   {"nofile=1:2:3", "'2:3' is not a limit"},
        {"nofile=x", "'x' is not a limit"},   {"nofile=-2", "'-2' is not a limit"},
        {"nofile=2:1", "above the hard"},     {"nofile=-1:1", "above the hard"},
        {"nofile=1 :2", "'1 ' is not"},       {"no-file=1", "did you mean 'nofile'?"},
        {"=1", "'' is not a resource limit"}, {"zzzzzzzzzz=1", "'zzzzzzzzzz' is not a resource limit"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        LimitSpec limit = {.resource = 4711};
        _cleanup_error_ Error error = {};

        if (limit_parse(rows[i].text, &limit, &error) != -EINVAL || limit.resource != 4711)
            TEST_FAIL("'%s' is taken", rows[i].text);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

static void capabilities(void)
{
    static const struct {
        const char *name;
        unsigned number;
    } known[] = {{"CAP_CHOWN", CAP_CHOWN},
                 {"cap_sys_admin", CAP_SYS_ADMIN},
                 {"net_raw", CAP_NET_RAW},
                 {"SETFCAP", CAP_SETFCAP},
                 {"AUDIT_READ", CAP_AUDIT_READ},
                 {"bpf", CAP_BPF},
                 {"MAC_ADMIN", CAP_MAC_ADMIN},
                 {"Syslog", CAP_SYSLOG},
                 {"SYS_CHROOT", CAP_SYS_CHROOT},
                 {"CHECKPOINT_RESTORE", 40},
                 {"MKNOD", CAP_MKNOD},
                 {"SYS_MODULE", CAP_SYS_MODULE},
                 {"NET_BIND_SERVICE", CAP_NET_BIND_SERVICE}};
    static const char *const bad[] = {
        "", "CAP_", "CAP_CHOWN ", " CAP_CHOWN", "0", "21", "CAP_SYS_ADMIN,CAP_CHOWN", "CAP_CAP_CHOWN", "none"};
    uint64_t mask = 0;

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (capability_parse(known[i].name, &mask, NULL) != 0 || mask != UINT64_C(1) << known[i].number)
            TEST_FAIL("%s is %#" PRIx64, known[i].name, mask);
    mask = 4711;
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (capability_parse(bad[i], &mask, NULL) != -EINVAL || mask != 4711)
            TEST_FAIL("'%s' is taken", bad[i]);
    ASSERT_OK(capability_parse("All", &mask, NULL));
    ASSERT_EQ(mask, CAPABILITY_ALL);
}

static void masks_are_formatted(void)
{
    _cleanup_free_ char *none = capability_format_mask(0), *all = capability_format_mask(CAPABILITY_ALL),
                        *two = capability_format_mask(1 << CAP_CHOWN | 1 << CAP_KILL);

    ASSERT_STREQ(none, "none");
    ASSERT_STREQ(all, "ALL");
    ASSERT_STREQ(two, "CAP_CHOWN CAP_KILL");
    ASSERT_NULL(capability_name(CAPABILITY_LAST + 1));
    for (unsigned i = 0; i <= CAPABILITY_LAST; i++) {
        uint64_t mask = 0;

        ASSERT_OK(capability_parse(capability_name(i), &mask, NULL));
        ASSERT_EQ(mask, UINT64_C(1) << i);
    }
}

int main(void)
{
    TEST_RUN(limits);
    TEST_RUN(every_resource_has_a_name);
    TEST_RUN(no_limits);
    TEST_RUN(capabilities);
    TEST_RUN(masks_are_formatted);
    return test_finish();
}
