/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load, images, inspect, rmi. */

#include "ctl/container.h"
#include "ctl/ctl.h"
#include "ctl/filter.h"
#include "ctl/format.h"
#include "ctl/image-filter.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHORT_ID_DIGITS 12

static bool has_image(Ctl *ctl, const char *name)
{
    _cleanup_(store_image_freep) StoreImage *image = NULL;

    return ctl_open_store(ctl, false, NULL) == 0 && store_find_image(ctl->store, name, &image, NULL) == 0;
}

int verb_load(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **arguments = NULL;
    int r = output_format_check(ctl->output, "text table json", error);

    if (r == 0)
        r = ctl_begin_importer("load", &arguments, error);
    if (r < 0)
        return r;
    if (ctl->missing && !ctl->reference)
        return error_set(error, -EINVAL, "--missing needs --name=: what is in the file is not known before");
    if (ctl->missing && has_image(ctl, ctl->reference))
        return 0;
    if (ctl->reference)
        r = strv_append_format(&arguments, "--name=%s", ctl->reference);
    if (r == 0 && ctl->architecture)
        r = strv_append_format(&arguments, "--architecture=%s", ctl->architecture);
    if (r == 0 && ctl->no_size_limit)
        r = strv_append(&arguments, "--no-size-limit");
    if (r == 0 && ctl->quiet)
        r = strv_append(&arguments, "--quiet");
    if (r == 0 && ctl->json)
        r = strv_append(&arguments, "--output=json");
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_append(&arguments, ctl->words[0]);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

/* --- images --- */

enum { IMAGES_REFERENCE, IMAGES_ID, IMAGES_CREATED, IMAGES_SIZE, IMAGES_MANIFEST, IMAGES_LOADED };

static const TableColumn columns[] = {
    [IMAGES_REFERENCE] = {"REFERENCE", "reference", 0}, [IMAGES_ID] = {"ID", "id", 0},
    [IMAGES_CREATED] = {"CREATED", "created_usec", 0},  [IMAGES_SIZE] = {"SIZE", "size_bytes", TABLE_RIGHT},
    [IMAGES_MANIFEST] = {NULL, "manifest", 0},          [IMAGES_LOADED] = {NULL, "loaded_usec", 0},
};

/* What its layers take here; where that was not recorded, what their blobs do. Layers that images share are
 * counted for each. */
static uint64_t image_size_bytes(const StoreImage *image)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < image->layers_count; i++)
        sum += image->layers[i].unpacked_bytes ? image->layers[i].unpacked_bytes : image->layers[i].blob_bytes;
    return sum;
}

/* A list does not read configurations. */
static uint64_t read_created_usec(Store *store, const StoreImage *image)
{
    _cleanup_image_config_ ImageConfig *config = NULL;
    _cleanup_free_ char *json = NULL;
    size_t size = 0;

    if (store_read_blob(store, &image->id, IMAGE_CONFIG_MAX_BYTES, &json, &size, NULL) < 0 ||
        image_config_parse(json, size, &config, NULL) < 0)
        return 0;
    return config->created_usec;
}

static json_t *json_digest(const Digest *digest)
{
    return json_string(digest_format(digest).text);
}

static int add_image(Table *table, Store *store, const StoreImage *image, uint64_t now_usec)
{
    uint64_t created_usec = read_created_usec(store, image), size_bytes = image_size_bytes(image);
    _cleanup_free_ char *size = text_format_size(size_bytes), *id = strndup(image->id.hex, SHORT_ID_DIGITS);
    _cleanup_free_ char *created = created_usec ? time_format_relative(created_usec, now_usec) : strdup("unknown");
    int r = size && id && created ? table_add_row(table) : -ENOMEM;

    if (r == 0)
        r = table_set(table, IMAGES_REFERENCE, image->reference ? image->reference : "<none>");
    if (r == 0 && !image->reference)
        r = table_set_json(table, IMAGES_REFERENCE, json_null());
    if (r == 0)
        r = table_set(table, IMAGES_ID, id);
    if (r == 0)
        r = table_set_json(table, IMAGES_ID, json_digest(&image->id));
    if (r == 0)
        r = table_set(table, IMAGES_CREATED, created);
    if (r == 0)
        r = table_set_json(table, IMAGES_CREATED, created_usec ? json_integer((json_int_t) created_usec) : json_null());
    if (r == 0)
        r = table_set(table, IMAGES_SIZE, size);
    if (r == 0)
        r = table_set_json(table, IMAGES_SIZE, json_integer((json_int_t) size_bytes));
    if (r == 0)
        r = table_set_json(table, IMAGES_MANIFEST, json_digest(&image->manifest));
    if (r == 0)
        r = table_set_json(table, IMAGES_LOADED, json_integer((json_int_t) image->loaded_usec));
    return r;
}

/* Each image once, however many names it has. */
static void print_ids(const StoreImageList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        bool is_known = false;

        for (size_t j = 0; j < i && !is_known; j++)
            is_known = digest_equal(&list->images[j]->id, &list->images[i]->id);
        if (!is_known)
            printf("%.*s\n", SHORT_ID_DIGITS, list->images[i]->id.hex);
    }
}

/* A store that was never made is an empty one. */
static int list_images(Ctl *ctl, StoreImageList *ret, Error *error)
{
    _cleanup_strv_ char **damaged = NULL;
    _cleanup_error_ Error problem = {};
    int r = ctl_open_store(ctl, false, &problem);

    if (r == -ENOENT)
        return 0;
    if (r < 0) {
        error_move(error, &problem);
        return r;
    }
    r = store_list_images(ctl->store, ret, &damaged, error);
    STRV_FOREACH (text, damaged)
        log_warning("%s", *text);
    return r;
}

/* Takes the others out of the list. */
static int filter_images(Ctl *ctl, StoreImageList *list, Error *error)
{
    static const char *const keys[] = {IMAGE_FILTER_KEYS};
    ImageFilter filter;
    size_t count = 0;
    int r = filter_check(ctl->filters, keys, ELEMENTSOF(keys), error);

    if (r == 0)
        r = image_filter_parse(ctl->filters, &filter, error);
    for (size_t i = 0; r == 0 && i < list->count; i++)
        if (image_filter_matches(&filter, ctl->store, list->images[i]))
            list->images[count++] = list->images[i];
        else
            store_image_free(list->images[i]);
    if (r == 0)
        list->count = count;
    return r;
}

/* Not as the table has it: with what that leaves out, and whole. */
static int print_fields(const Table *table, const char *format, Error *error)
{
    _cleanup_json_ json_t *array = table_build_json(table);

    return array ? format_print(array, format, error) : -ENOMEM;
}

int verb_images(Ctl *ctl, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    _cleanup_store_image_list_ StoreImageList list = {};
    uint64_t now_usec = time_now_usec();
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = list_images(ctl, &list, error);
    if (r == 0 && ctl->filters)
        r = filter_images(ctl, &list, error);
    if (r < 0 || !table)
        return r < 0 ? r : -ENOMEM;
    if (ctl->quiet && !ctl->json && !ctl->format) {
        print_ids(&list);
        return 0;
    }
    for (size_t i = 0; r == 0 && i < list.count; i++)
        r = add_image(table, ctl->store, list.images[i], now_usec);
    if (r == 0 && ctl->format)
        return print_fields(table, ctl->format, error);
    if (r < 0 || ctl->json)
        return r < 0 ? r : table_print_json(table);
    if (list.count > 0)
        r = table_print(table, !ctl->no_legend);
    if (r == 0 && !ctl->no_legend)
        printf("%s%zu image%s.\n", list.count > 0 ? "\n" : "", list.count, list.count == 1 ? "" : "s");
    return r;
}

/* --- inspect --- */

static json_t *json_optional(const char *string)
{
    return string ? json_safe_string(string) : json_null();
}

/* NULL for no list at all, which is not the same as an empty one. */
static json_t *json_list(char *const *list, bool is_set)
{
    json_t *array = is_set || list ? json_array() : json_null();

    STRV_FOREACH (item, list)
        (void) json_array_append_new(array, json_safe_string(*item));
    return array;
}

/* {"80/tcp": {}}: the form that these two have in a configuration. */
static json_t *json_set(char *const *list)
{
    json_t *object = json_object();

    STRV_FOREACH (item, list) {
        _cleanup_json_ json_t *key = json_safe_string(*item);

        if (key)
            (void) json_object_set_new(object, json_string_value(key), json_object());
    }
    return object;
}

static json_t *json_labels(const ImageConfig *config)
{
    json_t *object = json_object();

    for (size_t i = 0; i < config->labels_count; i++) {
        _cleanup_json_ json_t *key = json_safe_string(config->labels[i].key);

        if (key)
            (void) json_object_set_new(object, json_string_value(key), json_safe_string(config->labels[i].value));
    }
    return object;
}

static json_t *json_layers(const StoreImage *image)
{
    json_t *array = json_array();

    for (size_t i = 0; i < image->layers_count; i++) {
        const StoreLayer *layer = &image->layers[i];

        (void) json_array_append_new(array,
                                     json_pack("{s:o, s:o, s:I, s:I}", "diff_id", json_digest(&layer->diff_id), "blob",
                                               json_digest(&layer->blob), "blob_bytes", (json_int_t) layer->blob_bytes,
                                               "unpacked_bytes", (json_int_t) layer->unpacked_bytes));
    }
    return array;
}

static json_t *json_history(const ImageConfig *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->history_count; i++) {
        const ImageHistory *item = &config->history[i];

        (void) json_array_append_new(
            array, json_pack("{s:o, s:o, s:o, s:o, s:b}", "created", json_optional(item->created), "created_by",
                             json_optional(item->created_by), "author", json_optional(item->author), "comment",
                             json_optional(item->comment), "empty_layer", item->is_empty_layer));
    }
    return array;
}

/* With the names of the OCI image configuration (config.md), for whoever knows those. */
static json_t *json_config(const ImageConfig *config)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Entrypoint",
                     json_list(config->entrypoint, config->has_entrypoint), "Cmd", json_list(config->cmd, false), "Env",
                     json_list(config->env, false), "WorkingDir", json_optional(config->working_dir), "User",
                     json_optional(config->user), "Volumes", json_set(config->volumes), "ExposedPorts",
                     json_set(config->exposed_ports), "Labels", json_labels(config), "StopSignal",
                     json_optional(config->stop_signal));
}

/* Every name that the image has. */
static json_t *json_references(const StoreImageList *list, const StoreImage *image)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        if (list->images[i]->reference && digest_equal(&list->images[i]->manifest, &image->manifest))
            (void) json_array_append_new(array, json_safe_string(list->images[i]->reference));
    return array;
}

static json_t *json_image(const StoreImageList *list, const StoreImage *image)
{
    const ImageConfig *config = image->config;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:o, s:o, s:o}", "id",
                     json_digest(&image->id), "manifest", json_digest(&image->manifest), "references",
                     json_references(list, image), "architecture", json_optional(config->architecture), "variant",
                     json_optional(config->variant), "os", json_optional(config->os), "created",
                     json_optional(config->created), "created_usec", (json_int_t) config->created_usec, "author",
                     json_optional(config->author), "loaded_usec", (json_int_t) image->loaded_usec, "size_bytes",
                     (json_int_t) image_size_bytes(image), "config", json_config(config), "layers", json_layers(image),
                     "history", json_history(config));
}

int verb_inspect(Ctl *ctl, Error *error)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_json_ json_t *array = json_array();
    int r = ctl_open_store(ctl, false, error);

    if (r == 0)
        r = store_list_images(ctl->store, &list, NULL, error);
    STRV_FOREACH (name, ctl->words) {
        _cleanup_store_image_ StoreImage *image = NULL;

        if (r == 0)
            r = store_find_image(ctl->store, *name, &image, error);
        if (r == 0 && json_array_append_new(array, json_image(&list, image)) < 0)
            r = -ENOMEM;
    }
    if (r == 0 && ctl->format)
        return format_print(array, ctl->format, error);
    return r < 0 ? r : json_print(array);
}

/* --- rmi --- */

/* A container that is stopped holds no lock; its definition says what it will want. 1 when there is one. (A running one's
 * lock is the store's to look at.) */
static int find_stopped_user(Ctl *ctl, const char *name, char **ret, Error *error)
{
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_strv_ char **containers = NULL;
    int r = store_find_image(ctl->store, name, &image, NULL);

    if (r < 0) /* store_remove_image() says what is wrong with the name */
        return 0;
    r = container_list_names(ctl, true, &containers, error);
    STRV_FOREACH (candidate, containers) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_store_image_ StoreImage *its = NULL;

        if (r < 0 || container_load(ctl, *candidate, &container, NULL) < 0 || container->machine || !container->image ||
            store_find_image(ctl->store, container->image, &its, NULL) < 0 ||
            !digest_equal(&its->manifest, &image->manifest))
            continue;
        /* By another name it is still there afterwards. */
        if (image->reference && its->reference && strcmp(image->reference, its->reference) != 0)
            continue;
        *ret = strdup(*candidate);
        return *ret ? 1 : -ENOMEM;
    }
    return r;
}

static int check_stopped_users(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_free_ char *user = NULL;
    int r = ctl->force ? 0 : find_stopped_user(ctl, name, &user, error);

    if (r <= 0)
        return r;
    return error_hint(
        error, error_set(error, -EBUSY, "the container '%s', which does not run, needs the image %s", user, name),
        "remove it (berthctl rm %s), or use --force", user);
}

static int remove_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_store_removed_ StoreRemoved removed = {};
    bool *is_postponed = userdata;
    int r = check_stopped_users(ctl, name, error);

    if (r == 0)
        r = store_remove_image(ctl->store, name, ctl->force ? STORE_REMOVE_FORCE : 0, &removed, error);

    if (r < 0)
        return r;
    STRV_FOREACH (reference, removed.untagged) {
        printf("Untagged: %s\n", *reference);
        events_emit((Event){.kind = EVENT_IMAGE_REMOVE, .image = *reference});
    }
    STRV_FOREACH (id, removed.deleted) {
        printf("Deleted: %s\n", *id);
        if (!removed.untagged)
            events_emit((Event){.kind = EVENT_IMAGE_REMOVE, .image = *id, .image_id = *id});
    }
    *is_postponed |= !removed.is_swept;
    return 0;
}

int verb_rmi(Ctl *ctl, Error *error)
{
    bool is_postponed = false;
    int result = ctl_open_store(ctl, false, error);

    if (result < 0)
        return result;
    result = ctl_for_each_word(ctl, remove_one, &is_postponed, error);
    if (is_postponed)
        log_info("images are being loaded: the space is freed when that has ended");
    return result;
}
