/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose namespaces a container has, and what its clocks show. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void spellings(void)
{
    static const struct {
        const char *text;
        bool is_taken[_NAMESPACE_KIND_MAX]; /* network, UTS, processes */
    } rows[] = {
        {"private", {true, true, true}},
        {"host", {true, true, true}},
        {"none", {true}},
        {"bridge", {true}},
        {"container:web", {true, true, true}},
        {"ns:/run/netns/a b", {true, true}},
        {"", {}},
        {"Private", {}},
        {"container:", {}},
        {"container:../web", {}},
        {"container:a/b", {}},
        {"ns:", {}},
        {"ns:relative", {}},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        for (NamespaceKind kind = 0; kind < _NAMESPACE_KIND_MAX; kind++) {
            _cleanup_error_ Error error = {};
            _cleanup_free_ char *formatted = NULL;
            NamespaceSpec spec = {.mode = NAMESPACE_HOST, .target = strdup("kept")};
            int r = namespace_parse(rows[i].text, kind, &spec, &error);

            ASSERT_EQ(r, rows[i].is_taken[kind] ? 0 : -EINVAL);
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

/* What is given to others when a container has ended is shared only by who ends with it. */
static void ends_together(void)
{
    static const struct {
        const char *pid, *ipc, *userns;
        bool is_taken, joins_userns;
    } rows[] = {
        {"container:web", "private", NULL, true, true},
        {"container:web", "container:web", NULL, true, true},
        {"container:web", "container:web", "container:web", true, true},
        {"container:web", "host", "auto", true, false},
        {"container:web", "private", "host", true, false},
        {"private", "private", NULL, true, false},
        {"host", "host", NULL, true, false},
        {"private", "container:web", NULL, false, false},
        {"container:other", "container:web", NULL, false, false},
        {"private", "private", "container:web", false, false},
        {"host", "private", "container:web", false, false},
        {"container:web", "private", "container:other", false, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const Words words[] = {{"pid", rows[i].pid},
                               {"ipc", rows[i].ipc},
                               {rows[i].userns ? "userns" : NULL, rows[i].userns},
                               {NULL, NULL}};
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_EQ(finish_words(words, &spec, &error), rows[i].is_taken ? 0 : -EINVAL);
        if (rows[i].is_taken)
            ASSERT_EQ(spec_joins_userns(spec), rows[i].joins_userns);
        else
            ASSERT_CONTAINS(error.text, "can be had only by who ends with it");
    }
}

static void contradictions(void)
{
    const Words named[] = {{"uts", "host"}, {"hostname", "web"}, {NULL, NULL}};
    static const char *const excluded[][4] = {
        {"pid", "host", "boot", "yes"}, {"pid", "host", "init", "yes"}, {"ipc", "host", "shm-size", "1M"}};
    const Words twice[] = {{"time-offset", "boottime=1h"}, {"time-offset", "boottime=2h"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL, *last = NULL, *wrong = NULL;
    _cleanup_error_ Error error = {}, other = {}, third = {};

    ASSERT_ERROR(finish_words(named, &spec, &error), EINVAL);
    ASSERT_CONTAINS(error.text, "--hostname and --uts exclude each other");
    for (size_t i = 0; i < ELEMENTSOF(excluded); i++) {
        const Words words[] = {{excluded[i][0], excluded[i][1]}, {excluded[i][2], excluded[i][3]}, {NULL, NULL}};
        _cleanup_(container_spec_freep) ContainerSpec *refused = NULL;
        _cleanup_error_ Error why = {};
        _cleanup_free_ char *both = text_format("--%s and --%s exclude each other", excluded[i][0], excluded[i][2]);

        ASSERT_ERROR(finish_words(words, &refused, &why), EINVAL);
        ASSERT_CONTAINS(why.text, both);
    }
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
    TEST_RUN(ends_together);
    TEST_RUN(contradictions);
    TEST_RUN(capabilities);
    return test_finish();
}
