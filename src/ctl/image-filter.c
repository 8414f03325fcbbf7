/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/image-filter.h"

#include "ctl/filter.h"
#include "ctl/time.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Of several the earliest counts: each of them must be fulfilled. */
static int read_until(char *const *filters, uint64_t *ret, Error *error)
{
    *ret = UINT64_MAX;
    STRV_FOREACH (filter, filters) {
        const char *text = text_after_prefix(*filter, "until=");
        uint64_t span_usec, usec, now_usec = time_now_usec();

        if (!text)
            continue;
        /* A span is an age, as in "24h"; anything else a point in time. */
        if (text_parse_timespan_usec(text, &span_usec) == 0 && span_usec <= now_usec)
            usec = now_usec - span_usec;
        else if (time_parse(text, now_usec, &usec) < 0)
            return error_set(error, -EINVAL, "--filter=until=%s: neither an age (24h) nor a time (2026-11-23 14:00)",
                             text);
        *ret = MIN(*ret, usec);
    }
    return 0;
}

int image_filter_parse(char *const *filters, ImageFilter *ret, Error *error)
{
    ImageFilter filter = {.filters = filters};
    int r = read_until(filters, &filter.until_usec, error);

    if (r < 0)
        return r;
    STRV_FOREACH (item, filters) {
        const char *value = text_after_prefix(*item, "dangling=");

        if (!value)
            continue;
        if (text_parse_bool(value, &filter.is_dangling) < 0)
            return error_set(error, -EINVAL, "--filter=dangling=%s: use yes or no", value);
        filter.has_dangling = true;
    }
    *ret = filter;
    return 0;
}

/* "KEY" or "KEY=VALUE". */
static bool has_label(const ImageConfig *config, const char *wanted)
{
    for (size_t i = 0; i < config->labels_count; i++) {
        const char *rest = text_after_prefix(wanted, config->labels[i].key);

        if (rest && (*rest == 0 || (*rest == '=' && strcmp(rest + 1, config->labels[i].value) == 0)))
            return true;
    }
    return false;
}

/* All labels that are asked for. */
static bool has_labels(char *const *filters, Store *store, const StoreImage *image)
{
    _cleanup_store_image_ StoreImage *found = NULL;

    STRV_FOREACH (item, filters) {
        const char *wanted = text_after_prefix(*item, "label=");

        if (!wanted)
            continue;
        if (!found && store_find_image(store, digest_format(&image->id).text, &found, NULL) < 0)
            return false;
        if (!has_label(found->config, wanted))
            return false;
    }
    return true;
}

bool image_filter_matches(const ImageFilter *filter, Store *store, const StoreImage *image)
{
    return image->loaded_usec < filter->until_usec &&
           (!filter->has_dangling || filter->is_dangling == !image->reference) &&
           filter_matches(filter->filters, "reference", image->reference) && has_labels(filter->filters, store, image);
}
