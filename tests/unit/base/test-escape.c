/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* THREATS G1: nothing that came from an image or a container drives the terminal. And the words of Exec=: what is
 * quoted comes back as it was. */
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <unistd.h>

/* Every one of these must be gone after escaping. */
static bool is_harmless(const char *text)
{
    for (const unsigned char *c = (const unsigned char *) text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f)
            return false;
        if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) /* C1 as UTF-8 */
            return false;
        if (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) /* separators, embeddings, overrides */
            return false;
        if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf) /* isolates */
            return false;
    }
    return text_is_utf8(text, strlen(text));
}

static void known_attacks(void)
{
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        {"plain text, 100% fine", "plain text, 100% fine"},
        {"Grüße, 世界 🙂", "Grüße, 世界 🙂"},
        {"a\\b", "a\\\\b"},
        {"\033[31mred", "\\x1b[31mred"},
        {"\033]8;;http://x\033\\link\033]8;;\033\\", "\\x1b]8;;http://x\\x1b\\\\link\\x1b]8;;\\x1b\\\\"},
        {"\033]52;c;cm0gLXJm\a", "\\x1b]52;c;cm0gLXJm\\x07"},
        {"tab\tnewline\nreturn\r", "tab\\x09newline\\x0areturn\\x0d"},
        {"\x7f\b\b\b", "\\x7f\\x08\\x08\\x08"},
        {"\xc2\x9b[31m", "\\xc2\\x9b[31m"}, /* CSI as C1 in UTF-8 */
        {"\x9b[31m", "\\x9b[31m"},          /* and as a raw byte */
        {"a\xe2\x80\xae"
         "b",
         "a\\xe2\\x80\\xaeb"}, /* RIGHT-TO-LEFT OVERRIDE */
        {"a\xe2\x81\xa6"
         "b",
         "a\\xe2\\x81\\xa6b"}, /* LEFT-TO-RIGHT ISOLATE */
        {"a\xd8\x9c"
         "b",
         "a\\xd8\\x9cb"}, /* ARABIC LETTER MARK */
        {"a\xe2\x80\xa8"
         "b",
         "a\\xe2\\x80\\xa8b"},                 /* LINE SEPARATOR */
        {"\xef\xbb\xbfx", "\\xef\\xbb\\xbfx"}, /* BOM */
        {"a\xe2\x80\x8b"
         "b",
         "a\\xe2\\x80\\x8bb"}, /* ZERO WIDTH SPACE */
        {"a\xf3\xa0\x81\x81"
         "b",
         "a\\xf3\\xa0\\x81\\x81"
         "b"},                                        /* TAG LATIN CAPITAL LETTER A */
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong slash */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {"\xe2\x82", "\\xe2\\x82"},                   /* cut sequence */
        {"\xff\xfe", "\\xff\\xfe"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *escaped = text_escape(rows[i].text, SIZE_MAX);

        ASSERT_STREQ(escaped, rows[i].escaped);
        ASSERT_TRUE(is_harmless(escaped));
    }
}

static void with_a_size(void)
{
    _cleanup_free_ char *with_nul = text_escape("a\0b", 3), *cut = text_escape("abc", 2), *empty = text_escape("", 0),
                        *cut_sequence = text_escape("\xc3\xa4", 1);

    ASSERT_STREQ(with_nul, "a\\x00b");
    ASSERT_STREQ(cut, "ab");
    ASSERT_STREQ(empty, "");
    ASSERT_STREQ(cut_sequence, "\\xc3");
    ASSERT_NULL(text_escape("", SIZE_MAX - 1));
}

static size_t encode(uint32_t point, char *bytes)
{
    if (point < 0x80) {
        bytes[0] = (char) point;
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = (char) (0xc0 | point >> 6);
        bytes[1] = (char) (0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (char) (0xe0 | point >> 12);
        bytes[1] = (char) (0x80 | (point >> 6 & 0x3f));
        bytes[2] = (char) (0x80 | (point & 0x3f));
        return 3;
    }
    bytes[0] = (char) (0xf0 | point >> 18);
    bytes[1] = (char) (0x80 | (point >> 12 & 0x3f));
    bytes[2] = (char) (0x80 | (point >> 6 & 0x3f));
    bytes[3] = (char) (0x80 | (point & 0x3f));
    return 4;
}

/* All of Unicode once: the result is UTF-8 and holds nothing that a terminal obeys. */
static void every_code_point(void)
{
    for (uint32_t point = 1; point <= 0x110010; point++) {
        char bytes[5] = {};
        size_t size = encode(point, bytes);
        _cleanup_free_ char *escaped = text_escape(bytes, size);
        bool is_point = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);

        if (text_is_utf8(bytes, size) != is_point)
            TEST_FAIL("U+%04X is %s", point, is_point ? "refused" : "taken");
        if (!escaped || !is_harmless(escaped) || (!is_point && escaped[0] != '\\'))
            TEST_FAIL("U+%04X becomes '%s'", point, escaped);
    }
}

/* The one way out for messages: what a hostile name does to a line of ours. */
static void messages_are_escaped(void)
{
    _cleanup_error_ Error error = {};
    char line[512] = "";
    int pipe_fds[2], saved;
    ssize_t n;

    (void) error_set(&error, -EINVAL, "no machine '%s'", "\033]0;owned\a\n");
    (void) error_hint(&error, -EINVAL, "try \xe2\x80\xae%s", "x");
    ASSERT_OK(pipe(pipe_fds));
    saved = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    error_report(&error, -EINVAL);
    error_report(NULL, -ENOENT);
    log_set_program("test");
    log_warning("odd \x01 %d", 1);
    log_debug("not shown");
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[1]);
    n = read(pipe_fds[0], line, sizeof(line) - 1);
    close(pipe_fds[0]);
    ASSERT_TRUE(n > 0);
    ASSERT_STREQ(line, "berth: no machine '\\x1b]0;owned\\x07\\x0a'\n"
                       "berth: hint: try \\xe2\\x80\\xaex\n"
                       "berth: No such file or directory\n"
                       "test: warning: odd \\x01 1\n");
}

static void words_are_split(void)
{
    static const struct {
        const char *text, *joined; /* joined by '|'; NULL: refused */
    } rows[] = {
        {"", ""},
        {"  \t ", ""},
        {"a b  c", "a|b|c"},
        {" a\tb\n", "a|b"},
        {"\"a b\" 'c d'", "a b|c d"},
        {"a\"b c\"d", "ab cd"},
        {"\"\" ''", "|"},
        {"a\\ b", "a b"},
        {"'a\\nb'", "a\\nb"},
        {"\"a\\nb\\t\\\\\"", "a\nb\t\\"},
        {"\\x41\\x7a", "Az"},
        {"\\s\\e", " \033"},
        {"\\q", "q"},
        {"\"it's\" '\"'", "it's|\""},
        {"\"open", NULL},
        {"'open", NULL},
        {"a\\", NULL},
        {"\"a\\", NULL},
        {"\\x4", NULL},
        {"\\xzz", NULL},
        {"\\x00", NULL},
        {"\\0", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *joined = NULL;
        int r = text_split_words(rows[i].text, &words);

        if (r != (rows[i].joined ? 0 : -EINVAL))
            TEST_FAIL("'%s': %d", rows[i].text, r);
        joined = strv_join(words, "|");
        if (rows[i].joined)
            ASSERT_STREQ(joined, rows[i].joined);
        else
            ASSERT_NULL(words);
    }
}

static bool comes_back(const char *word)
{
    _cleanup_free_ char *quoted = text_quote_word(word), *line = quoted ? text_format("x %s y", quoted) : NULL;
    _cleanup_strv_ char **words = NULL;

    return line && !strchr(quoted, '\n') && !strchr(quoted, '\r') && quoted[strlen(quoted) - 1] != '\\' &&
           text_split_words(line, &words) == 0 && strv_length(words) == 3 && strcmp(words[1], word) == 0;
}

static void quoted_words_come_back(void)
{
    static const char *const words[] = {
        "",         "a",     "a b",          "\"",    "'",      "\\",          "a\\",     "\\\\",      "a\nb",
        "\r",       "\t",    "\x01\x1f\x7f", "$HOME", "`x`",    "#no comment", ";",       "[Section]", "key=value",
        "\xff\xfe", "Grüße", "%n",           " lead", "trail ", "--bind",      "\033[1m", "\\x41"};
    uint32_t seed = 1;

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (!comes_back(words[i]))
            TEST_FAIL("'%s' does not come back", words[i]);
    for (unsigned byte = 1; byte < 256; byte++) {
        char word[] = {(char) byte, 'x', (char) byte, 0};

        if (!comes_back(word))
            TEST_FAIL("byte %#x does not come back", byte);
    }
    for (unsigned i = 0; i < 20000; i++) {
        char word[12] = "";

        for (size_t j = 0; j < sizeof(word) - 1; j++) {
            static const char alphabet[] = "ab \"'\\\n\tx4\x01";

            seed = seed * 1103515245 + 12345;
            word[j] = alphabet[(seed >> 16) % sizeof(alphabet)];
        }
        if (!comes_back(word))
            TEST_FAIL("'%s' does not come back", word);
    }
    _cleanup_free_ char *plain = text_quote_word("/usr/bin/env-1_2+3.4:5,6@7%8^9=");
    ASSERT_STREQ(plain, "/usr/bin/env-1_2+3.4:5,6@7%8^9=");
}

int main(void)
{
    TEST_RUN(known_attacks);
    TEST_RUN(with_a_size);
    TEST_RUN(every_code_point);
    TEST_RUN(messages_are_escaped);
    TEST_RUN(words_are_split);
    TEST_RUN(quoted_words_come_back);
    return test_finish();
}
