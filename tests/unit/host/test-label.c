/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of labels is text and numbers: the policy's contexts file, categories, what a host's directory is. The rest needs a
 * kernel with SELinux: TEST-31-SELINUX. */
#include "../test.h"

#include "base/cleanup.h"
#include "host/label-internal.h"
#include "host/label.h"

#include <errno.h>
#include <fcntl.h>

static void contexts_files(void)
{
    static const char text[] = "# comment = \"no\"\n"
                               "process = \"system_u:system_r:container_t:s0\"\n"
                               "  file=system_u:object_r:container_file_t:s0 # more\n"
                               "empty = \"\"\n"
                               "ro_file = \"a:b:c\"";
    static const struct {
        const char *key, *value;
    } rows[] = {{"process", "system_u:system_r:container_t:s0"},
                {"file", "system_u:object_r:container_file_t:s0"},
                {"ro_file", "a:b:c"},
                {"comment", NULL},
                {"empty", NULL},
                {"init_process", NULL},
                {"ro_fil", NULL},
                {"o_file", NULL}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *value = label_contexts_find(text, rows[i].key);

        if (rows[i].value ? !value || strcmp(value, rows[i].value) != 0 : value != NULL)
            TEST_FAIL("%s: '%s'", rows[i].key, value);
    }
}

/* Every number is a pair of its own, and all pairs have a number. */
static void pairs_are_all_different(void)
{
    static bool seen[CATEGORIES_COUNT][CATEGORIES_COUNT];

    for (uint32_t i = 0; i < PAIRS_COUNT; i++) {
        unsigned first = 0, second = 0;

        label_pair(i, &first, &second);
        ASSERT_TRUE(first < second && second < CATEGORIES_COUNT);
        ASSERT_FALSE(seen[first][second]);
        seen[first][second] = true;
    }
}

static void names_have_their_pair(void)
{
    ASSERT_EQ(label_first_pair("web"), label_first_pair("web"));
    ASSERT_TRUE(label_first_pair("web") != label_first_pair("web2"));
    ASSERT_TRUE(label_first_pair("") < PAIRS_COUNT);
}

static void sensitivities(void)
{
    static const char *const ranges[] = {"s0", "s0:c1", "s0-s0:c0.c1023", "s0-s15"};

    for (size_t i = 0; i < ELEMENTSOF(ranges); i++) {
        _cleanup_free_ char *text = label_sensitivity(ranges[i]);

        ASSERT_STREQ(text, "s0");
    }
}

static void the_host_keeps_its_labels(void)
{
    static const char *const paths[] = {"/", "/usr", "/usr/lib", "/etc", "/var/lib", "/proc/self"};

    for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
        _cleanup_close_ int fd = open(paths[i], O_PATH | O_CLOEXEC);
        _cleanup_error_ Error error = {};

        ASSERT_TRUE(fd >= 0);
        ASSERT_ERROR(label_relabel(fd, "/harmless", "a:b:c", &error), EPERM);
        ASSERT_CONTAINS(error.text, "belongs to the host");
    }
}

int main(void)
{
    TEST_RUN(contexts_files);
    TEST_RUN(pairs_are_all_different);
    TEST_RUN(names_have_their_pair);
    TEST_RUN(sensitivities);
    TEST_RUN(the_host_keeps_its_labels);
    return test_finish();
}
