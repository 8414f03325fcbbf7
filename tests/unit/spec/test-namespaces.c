/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose namespaces a container has, and what its clocks show. */
#include "../test.h"

#include "base/cleanup.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void spellings(void)
{
    static const struct {
        const char *text;
        bool is_network, is_other; /* taken */
    } rows[] = {
        {"private", true, true},
        {"host", true, true},
        {"none", true, false},
        {"container:web", true, true},
        {"ns:/run/netns/a b", true, true},
        {"", false, false},
        {"Private", false, false},
        {"bridge", true, false},
        {"container:", false, false},
        {"container:../web", false, false},
        {"container:a/b", false, false},
        {"ns:", false, false},
        {"ns:relative", false, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        for (int is_network = 0; is_network < 2; is_network++) {
            _cleanup_error_ Error error = {};
            _cleanup_free_ char *formatted = NULL;
            NamespaceSpec spec = {.mode = NAMESPACE_HOST, .target = strdup("kept")};
            int r = namespace_parse(rows[i].text, is_network, &spec, &error);

            ASSERT_EQ(r, (is_network ? rows[i].is_network : rows[i].is_other) ? 0 : -EINVAL);
            formatted = namespace_format(&spec);
            if (r == 0)
                ASSERT_STREQ(formatted, rows[i].text);
            else
                ASSERT_STREQ(spec.target, "kept");
            free(spec.target);
        }
}

static void offsets(void)
{
    static const struct {
        const char *text, *line; /* NULL: refused */
    } rows[] = {
        {"monotonic=1h", "monotonic 3600 0"},
        {"boottime=+2d", "boottime 172800 0"},
        {"boottime=-1h", "boottime -3600 0"},
        {"monotonic=1500ms", "monotonic 1 500000000"},
        {"monotonic=-1500ms", "monotonic -2 500000000"},
        {"monotonic=-1ms", "monotonic -1 999000000"},
        {"monotonic=0", "monotonic 0 0"},
        {"monotonic=-0", "monotonic 0 0"},
        {"monotonic=36500d", "monotonic 3153600000 0"},
        {"monotonic=36501d", NULL},
        {"monotonic=99999999999999999999d", NULL},
        {"monotonic=infinity", NULL},
        {"monotonic=", NULL},
        {"monotonic=--1h", NULL},
        {"monotonic", NULL},
        {"realtime=1h", NULL},
        {"monotonicx=1h", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_error_ Error error = {};
        _cleanup_free_ char *line = NULL;
        int r = time_offset_parse(rows[i].text, &line, &error);

        if (r != (rows[i].line ? 0 : -EINVAL) || (r == 0 && strcmp(line, rows[i].line) != 0))
            TEST_FAIL("'%s' becomes '%s' (%d)", rows[i].text, line ? line : "-", r);
    }
}

static void contradictions(void)
{
    const Words named[] = {{"uts", "host"}, {"hostname", "web"}, {NULL, NULL}};
    const Words twice[] = {{"time-offset", "boottime=1h"}, {"time-offset", "boottime=2h"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL, *last = NULL, *wrong = NULL;
    _cleanup_error_ Error error = {}, other = {}, third = {};

    ASSERT_ERROR(finish_words(named, &spec, &error), EINVAL);
    ASSERT_CONTAINS(error.text, "--hostname and --uts exclude each other");
    ASSERT_OK(finish_words(twice, &last, &other));
    ASSERT_STREQ(last->time_offsets[0], "boottime=2h");
    ASSERT_NULL(last->time_offsets[1]);
    ASSERT_ERROR(finish_one("time-offset", "realtime=1h", &wrong, &third), EINVAL);
    ASSERT_CONTAINS(third.text, "--time-offset: 'realtime=1h' is neither");
}

/* Power over a network is power over those whose it is. */
static void capabilities(void)
{
    static const char *const networks[] = {"private", "none", "bridge", "host", "container:web", "ns:/run/netns/web"};

    for (size_t i = 0; i < ELEMENTSOF(networks); i++) {
        const Words words[] = {{"boot", "yes"}, {"network", networks[i]}, {NULL, NULL}};
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_OK(finish_words(words, &spec, &error));
        ASSERT_EQ((spec->capabilities >> 12) & 1, i < 3);
    }
}

int main(void)
{
    TEST_RUN(spellings);
    TEST_RUN(offsets);
    TEST_RUN(contradictions);
    TEST_RUN(capabilities);
    return test_finish();
}
