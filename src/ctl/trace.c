/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/trace.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ITEMS_MAX    256
#define USEC_MAX     (UINT64_C(86400) * 1000000)
#define PLOT_WIDTH   1000
#define PLOT_MARGIN  20
#define PLOT_HEADER  60
#define ROW_HEIGHT   20
#define LABEL_OFFSET 6

void trace_list_done(TraceList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].where);
        free(list->items[i].what);
    }
    free(list->items);
    *list = (TraceList){};
}

/* The next word up to a blank; its rest in *text. NULL: there is none, or no memory. */
static char *next_word(const char **text)
{
    size_t length = strcspn(*text, " ");
    char *word = length > 0 ? strndup(*text, length) : NULL;

    *text += length + ((*text)[length] == ' ');
    return word;
}

static int parse_item(const char *text, TraceItem *ret)
{
    _cleanup_free_ char *begin = next_word(&text), *duration = next_word(&text), *where = next_word(&text);
    TraceItem item = {};

    if (!begin || !duration || !where || !*text || text_parse_u64(begin, USEC_MAX, &item.begin_usec) < 0 ||
        text_parse_u64(duration, USEC_MAX, &item.duration_usec) < 0)
        return -EINVAL;
    item.what = strdup(text);
    if (!item.what)
        return -ENOMEM;
    item.where = TAKE_PTR(where);
    *ret = item;
    return 0;
}

int trace_parse(char *const *texts, TraceList *ret)
{
    _cleanup_trace_list_ TraceList list = {};

    list.items = calloc(MIN(strv_length(texts), (size_t) ITEMS_MAX) + 1, sizeof(TraceItem));
    if (!list.items)
        return -ENOMEM;
    STRV_FOREACH (text, texts) {
        TraceItem *item = &list.items[list.count];
        int r = list.count < ITEMS_MAX ? parse_item(*text, item) : -EINVAL;

        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        list.count++;
        list.total_usec = MAX(list.total_usec, item->begin_usec + item->duration_usec);
    }
    *ret = list;
    list = (TraceList){};
    return 0;
}

static int compare_durations(const void *a, const void *b)
{
    const TraceItem *x = a, *y = b;

    if (x->duration_usec != y->duration_usec)
        return x->duration_usec < y->duration_usec ? 1 : -1;
    return (x->begin_usec > y->begin_usec) - (x->begin_usec < y->begin_usec);
}

void trace_sort_by_duration(TraceList *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(TraceItem), compare_durations);
}

char *trace_format_time(uint64_t usec)
{
    if (usec < 1000)
        return text_format("%" PRIu64 "us", usec);
    if (usec < 1000000)
        return text_format("%" PRIu64 ".%03" PRIu64 "ms", usec / 1000, usec % 1000);
    return text_format("%" PRIu64 ".%03" PRIu64 "s", usec / 1000000, usec / 1000 % 1000);
}

/* Text between tags: escaped as for a terminal, then as XML wants it. */
static void append_text(Buffer *buffer, const char *text)
{
    _cleanup_free_ char *safe = text_escape(text, SIZE_MAX);

    if (!safe)
        buffer->failed = -ENOMEM;
    for (const char *c = safe; c && *c; c++)
        switch (*c) {
        case '&':
            buffer_append_string(buffer, "&amp;");
            break;
        case '<':
            buffer_append_string(buffer, "&lt;");
            break;
        case '>':
            buffer_append_string(buffer, "&gt;");
            break;
        default:
            buffer_append(buffer, c, 1);
        }
}

static unsigned to_pixels(const TraceList *list, uint64_t usec)
{
    return list->total_usec > 0 ? (unsigned) (usec * PLOT_WIDTH / list->total_usec) : 0;
}

/* A line each 1, 2 or 5 times a power of ten, so that there are some ten of them. */
static void append_grid(Buffer *buffer, const TraceList *list, unsigned height)
{
    uint64_t step = 1;

    while (list->total_usec / step > 12)
        step *= list->total_usec / step > 50 ? 10 : list->total_usec / step > 24 ? 5 : 2;
    for (uint64_t at = 0; at <= list->total_usec; at += step) {
        _cleanup_free_ char *time = trace_format_time(at);
        unsigned x = PLOT_MARGIN + to_pixels(list, at);

        buffer_append_format(buffer,
                             "<line class=\"grid\" x1=\"%u\" y1=\"%d\" x2=\"%u\" y2=\"%u\"/>"
                             "<text class=\"tick\" x=\"%u\" y=\"%d\">%s</text>\n",
                             x, PLOT_HEADER - 4, x, height - PLOT_MARGIN, x, PLOT_HEADER - 8, time ? time : "");
    }
}

static void append_bar(Buffer *buffer, const TraceList *list, size_t number)
{
    const TraceItem *item = &list->items[number];
    _cleanup_free_ char *time = trace_format_time(item->duration_usec);
    unsigned x = PLOT_MARGIN + to_pixels(list, item->begin_usec), width = to_pixels(list, item->duration_usec);
    unsigned y = PLOT_HEADER + (unsigned) number * ROW_HEIGHT;
    /* Text that would not fit behind its bar stands before it. */
    bool is_left = x > PLOT_MARGIN + PLOT_WIDTH * 2 / 3;

    buffer_append_format(buffer, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%d\"/>",
                         strcmp(item->where, "inner") == 0  ? "inner"
                         : strcmp(item->where, "host") == 0 ? "host"
                                                            : "berthctl",
                         x, y, MAX(width, 1U), ROW_HEIGHT - 4);
    buffer_append_format(buffer, "<text class=\"%s\" x=\"%u\" y=\"%u\">", is_left ? "left" : "right",
                         is_left ? x - LABEL_OFFSET : x + LABEL_OFFSET, y + ROW_HEIGHT - 8);
    append_text(buffer, item->what);
    buffer_append_format(buffer, " (%s)</text>\n", time ? time : "");
}

char *trace_plot(const TraceList *list, const char *title)
{
    unsigned height = PLOT_HEADER + (unsigned) list->count * ROW_HEIGHT + PLOT_MARGIN;
    _cleanup_free_ char *total = trace_format_time(list->total_usec);
    _cleanup_buffer_ Buffer buffer = {};

    buffer_append_format(
        &buffer,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\">\n"
        "<style>\n"
        "rect.background { fill: #fff; }\n"
        "rect.berthctl { fill: #7a9cc6; }\nrect.host { fill: #c69c6d; }\nrect.inner { fill: #8fb98b; }\n"
        "line.grid { stroke: #ddd; }\n"
        "text { font: 12px sans-serif; fill: #222; }\ntext.left { text-anchor: end; }\n"
        "text.tick { font-size: 10px; fill: #777; text-anchor: middle; }\ntext.title { font-size: 16px; }\n"
        "</style>\n"
        "<rect class=\"background\" width=\"100%%\" height=\"100%%\"/>\n"
        "<text class=\"title\" x=\"%d\" y=\"24\">",
        PLOT_WIDTH + 2 * PLOT_MARGIN, height, PLOT_MARGIN);
    append_text(&buffer, title);
    buffer_append_format(&buffer, " started in %s</text>\n", total ? total : "");
    append_grid(&buffer, list, height);
    for (size_t i = 0; i < list->count; i++)
        append_bar(&buffer, list, i);
    buffer_append_string(&buffer, "</svg>\n");
    return buffer_take(&buffer);
}
