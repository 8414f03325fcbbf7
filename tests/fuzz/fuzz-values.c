/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parsers of single values; the first byte chooses. What a parser takes, its formatter gives again. */
#include "fuzz.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/environment.h"
#include "spec/values.h"

#include <errno.h>

static void check_size(const char *text)
{
    uint64_t value = 0, again = 0;
    _cleanup_free_ char *plain = NULL, *pretty = NULL;

    if (text_parse_size_bytes(text, &value) < 0)
        return;
    plain = value == UINT64_MAX ? strdup("infinity") : text_format("%llu", (unsigned long long) value);
    FUZZ_ASSERT(text_parse_size_bytes(plain, &again) == 0 && again == value);
    /* The pretty one is rounded down by less than a tenth. */
    pretty = text_format_size(value);
    FUZZ_ASSERT(text_parse_size_bytes(pretty, &again) == 0 && again <= value && value - again <= value / 10);
}

static void check_timespan(const char *text)
{
    uint64_t value = 0, again = 0;
    _cleanup_free_ char *formatted = NULL;

    if (text_parse_timespan_usec(text, &value) < 0)
        return;
    formatted = text_format_timespan(value);
    FUZZ_ASSERT(text_parse_timespan_usec(formatted, &again) == 0 && again == value);
}

static void check_signal(const char *text)
{
    int number = 0, again = 0;
    _cleanup_free_ char *formatted = NULL;

    if (text_parse_signal(text, &number) < 0)
        return;
    FUZZ_ASSERT(number > 0 && number <= 64);
    formatted = text_format_signal(number);
    FUZZ_ASSERT(text_parse_signal(formatted, &again) == 0 && again == number);
}

static void check_numbers(const char *text)
{
    uint64_t number = 0;
    int64_t integer = 0;
    bool flag;

    if (text_parse_u64(text, UINT64_MAX, &number) == 0) {
        _cleanup_free_ char *formatted = text_format("%llu", (unsigned long long) number);

        FUZZ_ASSERT(strspn(text, "0123456789") == strlen(text));
        FUZZ_ASSERT(strcmp(text + MIN(strspn(text, "0"), strlen(text) - 1), formatted) == 0);
    }
    if (text_parse_i64(text, -1000, 1000, &integer) == 0)
        FUZZ_ASSERT(integer >= -1000 && integer <= 1000);
    (void) text_parse_bool(text, &flag);
}

static void check_mount(const char *text, unsigned form)
{
    _cleanup_(mount_spec_done) MountSpec mount = {}, again = {};
    _cleanup_error_ Error error = {};
    _cleanup_free_ char *first = NULL, *second = NULL;
    int r = form == 0   ? mount_parse_bind(text, false, &mount, &error)
            : form == 1 ? mount_parse_volume(text, &mount, &error)
            : form == 2 ? mount_parse_tmpfs(text, &mount, &error)
            : form == 3 ? mount_parse_overlay(text, &mount, &error)
                        : mount_parse_mount(text, &mount, &error);

    if (r < 0) {
        FUZZ_ASSERT(error.text && (r == -EINVAL || r == -EOPNOTSUPP) && !mount.inside_path);
        return;
    }
    FUZZ_ASSERT(path_is_absolute(mount.inside_path) && !path_has_dotdot(mount.inside_path) && mount.inside_path[1]);
    FUZZ_ASSERT(mount.kind != MOUNT_KIND_BIND || (mount.volume && !mount.host_path && text_is_name(mount.volume)) ||
                (path_is_absolute(mount.host_path) && !path_has_dotdot(mount.host_path)));
    STRV_FOREACH (layer, mount.host_layers)
        FUZZ_ASSERT(path_is_absolute(*layer) && !path_has_dotdot(*layer));
    first = mount_format(&mount);
    FUZZ_ASSERT(first && mount_parse_mount(first, &again, &error) == 0);
    second = mount_format(&again);
    FUZZ_ASSERT(strcmp(first, second) == 0);
    FUZZ_ASSERT(mount.kind == again.kind && strcmp(mount.inside_path, again.inside_path) == 0);
}

static void check_limit(const char *text)
{
    LimitSpec limit = {}, again = {};
    _cleanup_error_ Error error = {};
    _cleanup_free_ char *formatted = NULL;

    if (limit_parse(text, &limit, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return;
    }
    formatted = limit_format(&limit);
    FUZZ_ASSERT(limit.soft <= limit.hard && limit_parse(formatted, &again, &error) == 0);
    FUZZ_ASSERT(again.resource == limit.resource && again.soft == limit.soft && again.hard == limit.hard);
}

static void check_capability(const char *text)
{
    _cleanup_error_ Error error = {};
    _cleanup_free_ char *formatted = NULL;
    uint64_t mask = 0, again = 0;

    if (capability_parse(text, &mask, &error) < 0)
        return;
    formatted = capability_format_mask(mask);
    FUZZ_ASSERT(mask != 0 && (mask & ~CAPABILITY_ALL) == 0 && capability_parse(formatted, &again, &error) == 0 &&
                again == mask);
}

static void check_words(const char *text)
{
    _cleanup_strv_ char **words = NULL, **again = NULL, **quoted = NULL;
    _cleanup_free_ char *line = NULL;

    if (text_split_words(text, &words) < 0)
        return;
    STRV_FOREACH (word, words)
        FUZZ_ASSERT(strv_push(&quoted, text_quote_word(*word)) == 0);
    line = strv_join(quoted, " ");
    FUZZ_ASSERT(!strpbrk(line, "\n\r") && text_split_words(line, &again) == 0 &&
                strv_length(again) == strv_length(words));
    for (size_t i = 0; words && words[i]; i++)
        FUZZ_ASSERT(strcmp(words[i], again[i]) == 0);
}

static void check_escape(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *escaped = text_escape((const char *) data, size);

    FUZZ_ASSERT(escaped && text_is_utf8(escaped, strlen(escaped)));
    for (const char *c = escaped; *c; c++)
        FUZZ_ASSERT((unsigned char) *c >= 0x20 && *c != 0x7f);
}

static void check_paths_and_names(const char *text)
{
    _cleanup_free_ char *once = path_normalise(text), *twice = path_normalise(once), *joined = path_join("/base", text);

    FUZZ_ASSERT(strcmp(once, twice) == 0 && path_has_dotdot(once) == path_has_dotdot(text) && !strstr(once, "//"));
    FUZZ_ASSERT(strncmp(joined, "/base/", 6) == 0);
    if (text_is_name(text))
        FUZZ_ASSERT(!strchr(text, '/') && text[0] != '.' && strlen(text) <= TEXT_NAME_MAX);
    if (text_is_hostname(text))
        FUZZ_ASSERT(!strstr(text, "..") && text[0] != '-' && text[0] != '.');
}

static void check_environment(const char *text, size_t size)
{
    static char *own[] = {(char *) "A=own", NULL};
    _cleanup_strv_ char **variables = NULL;
    _cleanup_error_ Error error = {};

    if (environment_parse_file(text, size, "fuzz", own, &variables, &error) < 0)
        FUZZ_ASSERT(error.text);
    STRV_FOREACH (variable, variables)
        FUZZ_ASSERT(strchr(*variable, '=') > *variable && !strchr(*variable, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = NULL;

    if (size < 1)
        return 0;
    text = fuzz_string(data + 1, size - 1);
    switch (data[0] % 16) {
    case 0 ... 4:
        check_mount(text, data[0] % 16);
        break;
    case 5:
        check_size(text);
        break;
    case 6:
        check_timespan(text);
        break;
    case 7:
        check_signal(text);
        break;
    case 8:
        check_limit(text);
        break;
    case 9:
        check_capability(text);
        break;
    case 10:
        check_words(text);
        break;
    case 11:
        check_escape(data + 1, size - 1);
        break;
    case 12:
        check_paths_and_names(text);
        break;
    case 13:
        check_environment(text, size - 1);
        break;
    default:
        check_numbers(text);
    }
    return 0;
}
