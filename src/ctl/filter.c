/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/filter.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* The pattern of a filter for `key`, or NULL. */
static const char *pattern_for(const char *filter, const char *key)
{
    const char *rest = text_after_prefix(filter, key);

    return rest && *rest == '=' ? rest + 1 : NULL;
}

int filter_check(char *const *filters, const char *const *keys, size_t keys_count, Error *error)
{
    STRV_FOREACH (filter, filters) {
        _cleanup_free_ char *word = strndup(*filter, strcspn(*filter, "="));
        Nearest nearest = {};
        bool is_known = false;

        if (!word)
            return -ENOMEM;
        if (strlen(word) == strlen(*filter))
            return error_set(error, -EINVAL, "--filter: '%s' is not KEY=PATTERN", *filter);
        for (size_t i = 0; i < keys_count; i++) {
            is_known = is_known || strcmp(keys[i], word) == 0;
            text_nearest_consider(&nearest, word, keys[i]);
        }
        if (is_known)
            continue;
        (void) error_set(error, -EINVAL, "--filter: there is no key '%s'", word);
        return nearest.best ? error_hint(error, -EINVAL, "did you mean '%s'?", nearest.best) : -EINVAL;
    }
    return 0;
}

bool filter_has(char *const *filters, const char *key)
{
    STRV_FOREACH (filter, filters)
        if (pattern_for(*filter, key))
            return true;
    return false;
}

bool filter_matches(char *const *filters, const char *key, const char *value)
{
    bool has_any = false;

    STRV_FOREACH (filter, filters) {
        const char *pattern = pattern_for(*filter, key);

        if (!pattern)
            continue;
        has_any = true;
        if (fnmatch(pattern, value ? value : "", 0) == 0)
            return true;
    }
    return !has_any;
}
