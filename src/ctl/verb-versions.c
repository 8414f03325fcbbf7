/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tag, untag, history, rollback. */

#include "ctl/ctl.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/text.h"
#include "host/events.h"
#include "store/versions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHORT_ID_DIGITS 12

/* --- names --- */

int verb_tag(Ctl *ctl, Error *error)
{
    int r = ctl_open_store(ctl, false, error);

    for (char **word = ctl->words + 1; r == 0 && *word; word++) {
        _cleanup_free_ char *name = NULL;

        r = store_tag(ctl->store, ctl->words[0], *word, &name, error);
        if (r == 0)
            events_emit((Event){.kind = EVENT_IMAGE_TAG, .image = name});
    }
    return r;
}

static int untag_one(Ctl *ctl, const char *word, void *userdata, Error *error)
{
    _cleanup_free_ char *name = NULL;
    int r = store_untag(ctl->store, word, &name, error);

    if (r < 0)
        return r;
    printf("Untagged: %s\n", name);
    events_emit((Event){.kind = EVENT_IMAGE_REMOVE, .image = name});
    return 0;
}

int verb_untag(Ctl *ctl, Error *error)
{
    int r = ctl_open_store(ctl, false, error);

    return r < 0 ? r : ctl_for_each_word(ctl, untag_one, NULL, error);
}

static int rollback_one(Ctl *ctl, const char *word, void *userdata, Error *error)
{
    _cleanup_free_ char *text = NULL, *name = NULL;
    Digest manifest = {};
    size_t back = 0;
    int r = store_parse_version(word, &text, &back, error);

    if (r == 0)
        r = store_rollback(ctl->store, text, back, &name, &manifest, error);
    if (r < 0)
        return r;
    printf("%s@%s\n", name, digest_format(&manifest).text);
    events_emit((Event){.kind = EVENT_IMAGE_TAG, .image = name});
    return 0;
}

int verb_rollback(Ctl *ctl, Error *error)
{
    int r = ctl_open_store(ctl, false, error);

    return r < 0 ? r : ctl_for_each_word(ctl, rollback_one, NULL, error);
}

/* --- history --- */

enum { LAYER_ID, LAYER_CREATED, LAYER_SIZE, LAYER_COMMAND, LAYER_COMMENT, LAYER_AUTHOR };

static const TableColumn layer_columns[] = {
    [LAYER_ID] = {"LAYER", "diff_id", 0},
    [LAYER_CREATED] = {"CREATED", "created", 0},
    [LAYER_SIZE] = {"SIZE", "size_bytes", TABLE_RIGHT},
    [LAYER_COMMAND] = {"CREATED BY", "created_by", TABLE_TRUNCATE},
    [LAYER_COMMENT] = {"COMMENT", "comment", TABLE_TRUNCATE},
    [LAYER_AUTHOR] = {NULL, "author", 0},
};

enum { VALUE_NUMBER, VALUE_TIME, VALUE_MANIFEST, VALUE_PRESENT, VALUE_SOURCE };

static const TableColumn value_columns[] = {
    [VALUE_NUMBER] = {"VALUE", "version", TABLE_RIGHT},  [VALUE_TIME] = {"SINCE", "time_usec", 0},
    [VALUE_MANIFEST] = {"MANIFEST", "manifest", 0},      [VALUE_PRESENT] = {"THERE", "is_present", 0},
    [VALUE_SOURCE] = {"FROM", "source", TABLE_TRUNCATE},
};

/* A line of the history of the configuration, with the layer that it made. Either may be missing: both are the image's
 * own claims. */
typedef struct Step {
    const ImageHistory *history;
    const StoreLayer *layer;
} Step;

static size_t list_steps(const StoreImage *image, Step *steps)
{
    const ImageConfig *config = image->config;
    size_t count = 0, layer = 0;

    for (size_t i = 0; i < config->history_count; i++) {
        steps[count].history = &config->history[i];
        if (!config->history[i].is_empty_layer && layer < image->layers_count)
            steps[count].layer = &image->layers[layer++];
        count++;
    }
    for (; layer < image->layers_count; layer++)
        steps[count++].layer = &image->layers[layer];
    return count;
}

static json_t *json_text(const char *text)
{
    return text ? json_safe_string(text) : json_null();
}

static int set_layer(Table *table, const StoreLayer *layer)
{
    uint64_t bytes = !layer ? 0 : layer->unpacked_bytes ? layer->unpacked_bytes : layer->blob_bytes;
    _cleanup_free_ char *size = text_format_size(bytes);
    _cleanup_free_ char *id = layer ? strndup(layer->diff_id.hex, SHORT_ID_DIGITS) : NULL;
    int r = size && (id || !layer) ? table_set(table, LAYER_SIZE, size) : -ENOMEM;

    if (r == 0)
        r = table_set_json(table, LAYER_SIZE, json_integer((json_int_t) bytes));
    if (r == 0 && layer)
        r = table_set(table, LAYER_ID, id);
    if (r == 0 && layer)
        r = table_set_json(table, LAYER_ID, json_string(digest_format(&layer->diff_id).text));
    return r;
}

static int add_step(Table *table, const Step *step, uint64_t now_usec)
{
    static const ImageHistory none = {};
    const ImageHistory *history = step->history ? step->history : &none;
    _cleanup_free_ char *created = NULL;
    uint64_t usec = 0;
    int r = table_add_row(table);

    if (r == 0)
        r = set_layer(table, step->layer);
    if (r == 0 && history->created && time_parse_rfc3339(history->created, strlen(history->created), &usec) == 0) {
        created = time_format_relative(usec, now_usec);
        r = created ? table_set(table, LAYER_CREATED, created) : -ENOMEM;
    }
    if (r == 0)
        r = table_set_json(table, LAYER_CREATED, json_text(history->created));
    if (r == 0)
        r = table_set(table, LAYER_COMMAND, history->created_by);
    if (r == 0)
        r = table_set(table, LAYER_COMMENT, history->comment);
    if (r == 0)
        r = table_set_json(table, LAYER_AUTHOR, json_text(history->author));
    return r;
}

/* The newest first, as docker history has it. */
static int fill_layers(Table *table, const StoreImage *image, uint64_t now_usec)
{
    _cleanup_free_ Step *steps = calloc(image->config->history_count + image->layers_count + 1, sizeof(*steps));
    int r = steps ? 0 : -ENOMEM;

    if (r == 0)
        for (size_t i = list_steps(image, steps); i > 0 && r == 0; i--)
            r = add_step(table, &steps[i - 1], now_usec);
    return r;
}

static int add_value(Table *table, Store *store, const RefEntry *entry, size_t number, uint64_t now_usec)
{
    _cleanup_free_ char *time = time_format_relative(entry->time_usec, now_usec), *count = text_format("@%zu", number);
    _cleanup_free_ char *manifest = strndup(entry->manifest.hex, SHORT_ID_DIGITS);
    bool is_present = store_has_image(store, &entry->manifest);
    int r = time && manifest && count ? table_add_row(table) : -ENOMEM;

    if (r == 0)
        r = table_set(table, VALUE_NUMBER, number > 0 ? count : "now");
    if (r == 0)
        r = table_set_json(table, VALUE_NUMBER, json_integer((json_int_t) number));
    if (r == 0)
        r = table_set(table, VALUE_TIME, time);
    if (r == 0)
        r = table_set_json(table, VALUE_TIME, json_integer((json_int_t) entry->time_usec));
    if (r == 0)
        r = table_set(table, VALUE_MANIFEST, manifest);
    if (r == 0)
        r = table_set_json(table, VALUE_MANIFEST, json_string(digest_format(&entry->manifest).text));
    if (r == 0)
        r = table_set(table, VALUE_PRESENT, is_present ? "yes" : "no");
    if (r == 0)
        r = table_set_json(table, VALUE_PRESENT, json_boolean(is_present));
    return r < 0 ? r : table_set(table, VALUE_SOURCE, entry->source);
}

static int fill_values(Table *table, Store *store, const Ref *ref, uint64_t now_usec)
{
    int r = 0;

    for (size_t i = ref->count; i > 0 && r == 0; i--)
        r = add_value(table, store, &ref->entries[i - 1], ref->count - i, now_usec);
    return r;
}

/* One object on one line: both parts are arrays. */
static int print_json(const Table *layers, const Table *values)
{
    _cleanup_json_ json_t *object =
        json_pack("{s:o, s:o}", "layers", table_build_json(layers), "values", table_build_json(values));

    return object ? json_print(object) : -ENOMEM;
}

int verb_history(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *layers = table_new(layer_columns, ELEMENTSOF(layer_columns)),
                          *values = table_new(value_columns, ELEMENTSOF(value_columns));
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_free_ char *name = NULL;
    _cleanup_ref_ Ref ref = {};
    uint64_t now_usec = time_now_usec();
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = layers && values ? ctl_open_store(ctl, false, error) : -ENOMEM;
    if (r == 0)
        r = store_find_image(ctl->store, ctl->words[0], &image, error);
    if (r == 0 && image->reference)
        r = store_load_history(ctl->store, image->reference, &name, &ref, error);
    if (r == 0)
        r = fill_layers(layers, image, now_usec);
    if (r == 0)
        r = fill_values(values, ctl->store, &ref, now_usec);
    if (r < 0)
        return r;
    if (ctl->json)
        return print_json(layers, values);
    r = table_print(layers, !ctl->no_legend);
    if (r < 0 || ref.count == 0)
        return r;
    putchar('\n');
    return table_print(values, !ctl->no_legend);
}
