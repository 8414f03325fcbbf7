/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -H and -M: which words they are, and that a word of the command line stays one word at the far end (THREATS A10). */
#include "../test.h"

#include "base/strv.h"
#include "base/text.h"
#include "ctl/remote.h"

#include <errno.h>

#define WORDS(...) ((char *const[]){__VA_ARGS__, NULL})

/* What the command line's own program has. */
const Verb verbs[] = {{"exec", "", "", 0, -1, 0, verb_exec}};
const size_t verbs_count = 1;
int verb_exec(Ctl *ctl, Error *error)
{
    (void) ctl;
    (void) error;
    return 0;
}

static char *build(const char *host, const char *machine, char *const *words)
{
    _cleanup_strv_ char **argv = NULL;
    Remote remote = {host, machine};

    return remote_build_ssh(&remote, words, false, &argv, NULL) < 0 ? NULL : strv_join(argv, "|");
}

static void options_come_first(void)
{
    char *const words[] = {(char *) "-H", (char *) "a", (char *) "--machine=web", (char *) "list", (char *) "-H", NULL};
    Remote remote = {};
    int count = -1;

    ASSERT_OK(remote_parse(5, words, &remote, &count, NULL));
    ASSERT_EQ(count, 3);
    ASSERT_STREQ(remote.host, "a");
    ASSERT_STREQ(remote.machine, "web");
    ASSERT_OK(remote_parse(1, words + 3, &remote, &count, NULL));
    ASSERT_EQ(count, 0);
    ASSERT_NULL(remote.host);
    ASSERT_ERROR(remote_parse(1, words, &remote, &count, NULL), EINVAL);
    ASSERT_OK(remote_parse(1, WORDS((char *) "-Hb"), &remote, &count, NULL));
    ASSERT_STREQ(remote.host, "b");
    ASSERT_ERROR(remote_parse(1, WORDS((char *) "-M../x"), &remote, &count, NULL), EINVAL);
    ASSERT_OK(remote_parse(1, WORDS((char *) "--hostess"), &remote, &count, NULL));
    ASSERT_EQ(count, 0);
}

static void destinations(void)
{
    static const struct {
        const char *host, *line;
    } good[] = {
        {"a", "ssh|-T|--|a|berthctl|list"},
        {"root@a.b", "ssh|-T|--|root@a.b|berthctl|list"},
        {"root@a:22", "ssh|-T|-p22|--|root@a|berthctl|list"},
        {"a/web", "ssh|-T|--|a|berthctl|--machine=web|list"},
        {"a:7/web", "ssh|-T|-p7|--|a|berthctl|--machine=web|list"},
        {"fe80::1%eth0", "ssh|-T|--|fe80::1%eth0|berthctl|list"},
        {"[::1]:22", "ssh|-T|-p22|--|[::1]|berthctl|list"},
    };
    static const char *const bad[] = {"",
                                      "-oProxyCommand=x",
                                      "u@-oProxyCommand=x",
                                      "-l@a",
                                      "a b",
                                      "a;b",
                                      "a$(x)",
                                      "a:",
                                      "a:0",
                                      "a:99999",
                                      "a:x",
                                      "@a",
                                      "a@",
                                      "a/",
                                      "a/..",
                                      "a/b/c",
                                      "a\n",
                                      "'a"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        _cleanup_free_ char *line = build(good[i].host, NULL, WORDS((char *) "list"));

        ASSERT_STREQ(line, good[i].line);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        _cleanup_free_ char *line = build(bad[i], NULL, WORDS((char *) "list"));

        if (line)
            TEST_FAIL("'%s' is taken: %s", bad[i], line);
    }
    ASSERT_NULL(build("a/b", "c", WORDS((char *) "list")));
}

/* What the shell at the far end makes of it is what went in. */
static void words_stay_words(void)
{
    static const char *const words[] = {"run",   "-e",     "A=b c", "",  "it's", "$(touch x)", "`x`",
                                        "a\nb",  "--",     "*",     "~", "a;b",  "#x",         "\\",
                                        "\"q\"", "-v/:/h", "&& x",  "!", "a|b",  "{a,b}"};
    _cleanup_strv_ char **argv = NULL;
    _cleanup_free_ char *line = NULL, *command = NULL;
    char *list[ELEMENTSOF(words) + 1] = {NULL};
    Remote remote = {"a", NULL};
    char output[4096] = "";
    size_t at = 0, size;
    FILE *stream;

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        list[i] = (char *) (uintptr_t) words[i];
    ASSERT_OK(remote_build_ssh(&remote, list, false, &argv, NULL));
    /* ssh(1) joins them with blanks. */
    line = strv_join(argv + 4, " ");
    ASSERT_TRUE(strncmp(line, "berthctl ", 9) == 0);
    command = text_format("printf '%%s\\001' %s", line + 9);
    stream = popen(command, "r");
    ASSERT_NOT_NULL(stream);
    size = fread(output, 1, sizeof(output) - 1, stream);
    pclose(stream);
    for (size_t i = 0; i < ELEMENTSOF(words); i++) {
        size_t length = strlen(words[i]);

        if (at + length >= size || memcmp(output + at, words[i], length) != 0 || output[at + length] != 1)
            TEST_FAIL("'%s' came out otherwise: %s", words[i], output + at);
        at += length + 1;
    }
    ASSERT_EQ(at, size);
}

int main(void)
{
    TEST_RUN(options_come_first);
    TEST_RUN(destinations);
    TEST_RUN(words_stay_words);
    return test_finish();
}
