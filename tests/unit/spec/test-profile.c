/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which profile a container has, and what follows from it. */
#include "base/strv.h"

#include "../test.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <linux/capability.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)

static void test_which(void)
{
    static const struct {
        Words words[3];
        const char *profile;
    } rows[] = {
        {{{NULL, NULL}}, "application"},
        {{{"boot", "yes"}}, "system"},
        {{{"privileged", "yes"}}, "privileged"},
        {{{"boot", "yes"}, {"privileged", "yes"}}, "privileged"},
        {{{"profile", "nested"}}, "nested"},
        {{{"profile", "nested"}, {"boot", "yes"}}, "nested"},
        {{{"profile", "system"}}, "system"},
        {{{"profile", "privileged"}}, "privileged"},
        {{{"profile", "nested"}, {"userns", "524288:65536"}}, "nested"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;

        ASSERT_OK(finish_words(rows[i].words, &spec, NULL));
        ASSERT_STREQ(spec->profile->name, rows[i].profile);
        ASSERT_EQ(spec->privileged, strcmp(rows[i].profile, "privileged") == 0);
    }
}

static void test_refusals(void)
{
    static const struct {
        Words words[3];
        const char *text;
    } rows[] = {
        {{{"profile", "nonsense"}}, "--profile: 'nonsense' is not a profile"},
        {{{"profile", "system"}, {"privileged", "yes"}}, "--profile and --privileged exclude each other"},
        /* Whoever has root's id on the host may write to /proc/sys, which is not masked there. */
        {{{"profile", "nested"}, {"userns", "host"}}, "the profile 'nested' needs ids of its own, and --userns gives"},
        {{{"profile", "nested"}, {"userns", "0:65536"}}, "the profile 'nested' needs ids of its own"},
        {{{"profile", "nested"}, {"userns", "keep-id"}}, "the profile 'nested' needs ids of its own"},
        {{{"profile", "nested"}, {"uidmap", "0:0:1"}}, "needs ids of its own, and --uidmap gives"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_EQ(finish_words(rows[i].words, &spec, &error), -EINVAL);
        if (!error.text || !strstr(error.text, rows[i].text))
            TEST_FAIL("'%s' does not hold '%s'", error.text ? error.text : "", rows[i].text);
    }
}

static void test_what_follows(void)
{
    const Words nested[] = {{"profile", "nested"}, {"cap-drop", "SYS_ADMIN"}, {NULL, NULL}};
    const Words stronger[] = {
        {"profile", "system"}, {"no-new-privileges", "yes"}, {"seccomp-profile", "default"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *first = NULL, *second = NULL;

    ASSERT_OK(finish_words(nested, &first, NULL));
    ASSERT_EQ(first->userns.mode, USERNS_AUTO);
    ASSERT_STREQ(first->seccomp_profile, "nested");
    ASSERT_TRUE(first->capabilities & CAP(NET_ADMIN));
    ASSERT_TRUE(!(first->capabilities & CAP(SYS_ADMIN)));
    ASSERT_TRUE(!first->no_new_privileges);
    ASSERT_OK(finish_words(stronger, &second, NULL));
    ASSERT_TRUE(second->no_new_privileges);
    ASSERT_STREQ(second->seccomp_profile, "default");
}

/* Without a user namespace these are the machine. */
static void test_no_profile_has_more_than_it_should(void)
{
    const uint64_t machine = CAP(SYS_MODULE) | CAP(SYS_RAWIO) | CAP(SYS_TIME) | CAP(MAC_ADMIN) | CAP(MAC_OVERRIDE) |
                             CAP(DAC_READ_SEARCH) | CAP(AUDIT_CONTROL) | CAP(BPF) | CAP(PERFMON) | CAP(SYSLOG);

    ASSERT_TRUE(profiles_count >= 4);
    for (size_t i = 0; i < profiles_count; i++) {
        const Profile *profile = &profiles[i];

        ASSERT_TRUE(profile_find(profile->name) == profile);
        ASSERT_TRUE(profile->description && profile->seccomp && profile->tasks_max && profile->masked_paths &&
                    profile->read_only_paths);
        if (strcmp(profile->name, "privileged") == 0)
            continue;
        ASSERT_EQ(profile->capabilities & machine, 0);
        ASSERT_TRUE(!profile->has_all_devices && profile->device_policy);
        /* Either the kernel's files are covered, or their owner is nobody inside. */
        ASSERT_TRUE(profile->needs_user_namespace || (profile->masked_paths[0] && profile->read_only_paths[0]));
        ASSERT_TRUE(profile->needs_user_namespace || !profile->has_writable_sys);
    }
    ASSERT_EQ(profiles[0].capabilities & (CAP(MKNOD) | CAP(NET_RAW) | CAP(AUDIT_WRITE) | CAP(SYS_ADMIN)), 0);
}

static void test_paths(void)
{
    const Words words[] = {
        {"security-opt", "mask=/proc/a:/proc/b"}, {"security-opt", "systempaths=unconfined"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;

    ASSERT_OK(finish_words(words, &spec, NULL));
    ASSERT_EQ(strv_length(spec->masked_paths), 2);
    ASSERT_STREQ(spec->masked_paths[1], "/proc/b");
    ASSERT_TRUE(strv_contains(spec->unmasked_paths, "ALL"));
}

int main(void)
{
    TEST_RUN(test_which);
    TEST_RUN(test_refusals);
    TEST_RUN(test_what_follows);
    TEST_RUN(test_no_profile_has_more_than_it_should);
    TEST_RUN(test_paths);
    return test_finish();
}
