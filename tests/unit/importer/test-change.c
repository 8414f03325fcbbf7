/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "base/cleanup.h"
#include "importer/change.h"

#include <errno.h>

/* The whole configuration afterwards, sorted, or NULL. */
static char *apply(const char *config, const char *text)
{
    json_t *json = json_loads(config, 0, NULL);
    char *result = change_apply(json, text, NULL) == 0 ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    json_decref(json);
    return result;
}

static void test_good(void)
{
    static const struct {
        const char *config, *text, *result;
    } cases[] = {
        {"{}", "CMD [\"/bin/a\", \"b c\"]", "{\"Cmd\":[\"/bin/a\",\"b c\"]}"},
        {"{}", "cmd=a b", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"a b\"]}"},
        {"{\"Cmd\":[\"x\"]}", "ENTRYPOINT []", "{\"Cmd\":[\"x\"],\"Entrypoint\":[]}"},
        {"{}", "CMD [1]", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[1]\"]}"},
        {"{\"Env\":null}", "ENV A=b=c", "{\"Env\":[\"A=b=c\"]}"},
        {"{\"Env\":[\"AB=1\",\"A=1\"]}", "ENV A 'x y'", "{\"Env\":[\"AB=1\",\"A=x y\"]}"},
        {"{\"Labels\":{\"a\":\"1\"}}", "LABEL b=\"\"", "{\"Labels\":{\"a\":\"1\",\"b\":\"\"}}"},
        {"{}", "EXPOSE 80 53/udp", "{\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{}}}"},
        {"{}", "VOLUME [\"/a b\"]", "{\"Volumes\":{\"/a b\":{}}}"},
        {"{\"User\":\"x\"}", "User   1:2", "{\"User\":\"1:2\"}"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *result = apply(cases[i].config, cases[i].text);

        ASSERT_NOT_NULL(result);
        ASSERT_STREQ(result, cases[i].result);
    }
}

static void test_bad(void)
{
    static const char *const bad[] = {"", "RUN x", "CMD", "CMD ", "ENV A", "ENV =x", "LABEL", "USER \xff", "CMDx y"};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        ASSERT_NULL(apply("{}", bad[i]));
}

int main(void)
{
    test_run_one("good", test_good);
    test_run_one("bad", test_bad);
    return test_finish();
}
