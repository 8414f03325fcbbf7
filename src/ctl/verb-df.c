/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* df: what images, containers and volumes take on the disk, what of it several images share, and what prune would free. */

#include "ctl/table.h"
#include "ctl/volumes.h"
#include "ctl/waste.h"

#include "base/strv.h"
#include "base/text.h"
#include "base/walk.h"
#include "host/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef enum Kind { KIND_IMAGE, KIND_CONTAINER, KIND_VOLUME, _KIND_MAX } Kind;

static const char *const kind_names[_KIND_MAX] = {"image", "container", "volume"};

typedef struct Item {
    Kind kind;
    const char *name; /* owned by one of the lists of Usage */
    bool is_used;
    uint64_t size_bytes, shared_bytes; /* shared: of them, what another image has too */
} Item;

typedef struct Total {
    size_t count, used;
    uint64_t size_bytes, free_bytes; /* what several share counts once; free: what only the unused have */
} Total;

typedef struct Usage {
    Item *items;
    size_t count;
    Total totals[_KIND_MAX];
    StoreImageList images;
    char **containers, **volumes, **ids;
} Usage;

static void usage_done(Usage *usage)
{
    free(usage->items);
    store_image_list_done(&usage->images);
    strv_free(usage->containers);
    strv_free(usage->volumes);
    strv_free(usage->ids);
}

static Item *add_item(Usage *usage, Kind kind, const char *name, bool is_used)
{
    Item *larger = reallocarray(usage->items, usage->count + 1, sizeof(*larger));

    if (!larger)
        return NULL;
    usage->items = larger;
    larger[usage->count] = (Item){.kind = kind, .name = name, .is_used = is_used};
    usage->totals[kind].count++;
    usage->totals[kind].used += is_used;
    return &larger[usage->count++];
}

/* --- images --- */

/* A layer's tree or its blob, as one image has it. */
typedef struct Part {
    const Digest *digest;
    bool is_tree;
    uint64_t size_bytes;
    size_t item;
} Part;

typedef struct Parts {
    Part *items;
    size_t count;
} Parts;

static int compare_parts(const void *a, const void *b)
{
    const Part *one = a, *other = b;
    int r = strcmp(one->digest->hex, other->digest->hex);

    if (r == 0)
        r = one->is_tree - other->is_tree;
    return r != 0 ? r : (one->item > other->item) - (one->item < other->item);
}

static bool is_same_part(const Part *one, const Part *other)
{
    return one->is_tree == other->is_tree && digest_equal(one->digest, other->digest);
}

static int add_parts(Parts *parts, const StoreImage *image, size_t item)
{
    Part *larger = reallocarray(parts->items, parts->count + 2 * image->layers_count + 1, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    parts->items = larger;
    for (size_t i = 0; i < image->layers_count; i++) {
        const StoreLayer *layer = &image->layers[i];

        larger[parts->count++] = (Part){&layer->diff_id, true, layer->unpacked_bytes, item};
        larger[parts->count++] = (Part){&layer->blob, false, layer->blob_bytes, item};
    }
    return 0;
}

/* The same part of several images, or several times in one, lies side by side. */
static void count_parts(Usage *usage, Parts *parts)
{
    Total *total = &usage->totals[KIND_IMAGE];
    size_t end;

    if (parts->count > 0)
        qsort(parts->items, parts->count, sizeof(*parts->items), compare_parts);
    for (size_t begin = 0; begin < parts->count; begin = end) {
        const Part *first = &parts->items[begin];
        bool is_used = false, is_shared;

        for (end = begin; end < parts->count && is_same_part(first, &parts->items[end]); end++)
            is_used |= usage->items[parts->items[end].item].is_used;
        is_shared = parts->items[end - 1].item != first->item;
        total->size_bytes += first->size_bytes;
        total->free_bytes += is_used ? 0 : first->size_bytes;
        for (size_t i = begin; i < end; i++) {
            Item *item = &usage->items[parts->items[i].item];

            if (i > begin && parts->items[i].item == parts->items[i - 1].item)
                continue;
            item->size_bytes += first->size_bytes;
            item->shared_bytes += is_shared ? first->size_bytes : 0;
        }
    }
}

static bool is_known(const StoreImageList *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (digest_equal(&list->images[i]->manifest, &list->images[at]->manifest))
            return true;
    return false;
}

/* Each once, by the first of its names. */
static int find_images(Ctl *ctl, Usage *usage, Error *error)
{
    _cleanup_strv_ char **used = NULL;
    Parts parts = {};
    int r = ctl_open_store(ctl, false, error);

    if (r == -ENOENT) {
        error_done(error);
        return 0;
    }
    if (r == 0)
        r = store_list_images(ctl->store, &usage->images, NULL, error);
    if (r == 0)
        r = waste_list_used_images(ctl, NULL, &used, error);
    for (size_t i = 0; r == 0 && i < usage->images.count; i++) {
        const StoreImage *image = usage->images.images[i];
        DigestText id = digest_format(&image->id);

        if (is_known(&usage->images, i))
            continue;
        r = strv_append(&usage->ids, id.text);
        if (r == 0 &&
            !add_item(usage, KIND_IMAGE, image->reference ? image->reference : usage->ids[strv_length(usage->ids) - 1],
                      strv_contains(used, id.text)))
            r = -ENOMEM;
        if (r == 0)
            r = add_parts(&parts, image, usage->count - 1);
    }
    if (r == 0)
        count_parts(usage, &parts);
    free(parts.items);
    return r;
}

/* --- what containers have written --- */

/* A file with several names counts with a part of its size under each. */
static int add_blocks(int fd, const struct stat *st, void *userdata)
{
    uint64_t *sum = userdata;

    (void) fd;
    *sum += (uint64_t) st->st_blocks * 512 / (st->st_nlink > 1 && !S_ISDIR(st->st_mode) ? st->st_nlink : 1);
    return 0;
}

static uint64_t measure(int dir_fd, const char *path)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    uint64_t sum = 0;

    if (fd >= 0)
        (void) walk_tree(fd, add_blocks, &sum);
    return sum;
}

static void count_item(Usage *usage, Item *item, uint64_t size_bytes, bool can_go)
{
    item->size_bytes = size_bytes;
    usage->totals[item->kind].size_bytes += size_bytes;
    usage->totals[item->kind].free_bytes += can_go ? size_bytes : 0;
}

static int find_containers(Ctl *ctl, Usage *usage, Error *error)
{
    int r = container_list_names(ctl, true, &usage->containers, error);

    STRV_FOREACH (name, usage->containers) {
        _cleanup_container_ Container *container = NULL;
        Item *item;

        if (r < 0)
            return r;
        if (container_load(ctl, *name, &container, NULL) < 0)
            continue;
        item = add_item(usage, KIND_CONTAINER, *name, container_is_running(container));
        if (!item)
            return -ENOMEM;
        count_item(usage, item, measure(ctl->roster->containers_fd, *name), waste_is_container(container));
    }
    return r;
}

static int find_volumes(Ctl *ctl, Usage *usage, Error *error)
{
    _cleanup_strv_ char **defined = NULL;
    _cleanup_close_ int volumes_fd = -EBADF;
    int r = volumes_open(ctl->roster->data_fd, false, &volumes_fd);

    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = volumes_list(volumes_fd, &usage->volumes);
    if (r < 0)
        return error_set(error, r, "cannot read the list of volumes: %s", strerror(-r));
    r = volumes_list_defined(&defined, error);
    STRV_FOREACH (name, usage->volumes) {
        bool is_used = volumes_tell_use(volumes_fd, defined, *name) != VOLUME_UNUSED;
        Item *item = r == 0 ? add_item(usage, KIND_VOLUME, *name, is_used) : NULL;

        if (!item)
            return r < 0 ? r : -ENOMEM;
        count_item(usage, item, measure(volumes_fd, *name), !is_used);
    }
    return r;
}

/* --- tables --- */

static int set_size(Table *table, size_t column, uint64_t size_bytes)
{
    _cleanup_free_ char *text = text_format_size(size_bytes);
    int r = text ? table_set(table, column, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, column, json_integer((json_int_t) size_bytes));
}

static int set_count(Table *table, size_t column, size_t count)
{
    _cleanup_free_ char *text = text_format("%zu", count);
    int r = text ? table_set(table, column, text) : -ENOMEM;

    return r < 0 ? r : table_set_json(table, column, json_integer((json_int_t) count));
}

static Table *build_totals(const Usage *usage)
{
    static const TableColumn columns[] = {{"TYPE", "type", 0},
                                          {"TOTAL", "count", TABLE_RIGHT},
                                          {"IN USE", "used", TABLE_RIGHT},
                                          {"SIZE", "size_bytes", TABLE_RIGHT},
                                          {"RECLAIMABLE", "reclaimable_bytes", TABLE_RIGHT}};
    Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = table ? 0 : -ENOMEM;

    for (Kind kind = 0; r == 0 && kind < _KIND_MAX; kind++) {
        const Total *total = &usage->totals[kind];

        r = table_add_row(table);
        if (r == 0)
            r = table_set(table, 0, kind_names[kind]);
        if (r == 0)
            r = set_count(table, 1, total->count);
        if (r == 0)
            r = set_count(table, 2, total->used);
        if (r == 0)
            r = set_size(table, 3, total->size_bytes);
        if (r == 0)
            r = set_size(table, 4, total->free_bytes);
    }
    if (r < 0) {
        table_free(table);
        return NULL;
    }
    return table;
}

static Table *build_items(const Usage *usage)
{
    static const TableColumn columns[] = {{"TYPE", "type", 0},
                                          {"NAME", "name", TABLE_TRUNCATE},
                                          {"IN USE", "is_used", 0},
                                          {"SIZE", "size_bytes", TABLE_RIGHT},
                                          {"SHARED", "shared_bytes", TABLE_RIGHT},
                                          {"OWN", "own_bytes", TABLE_RIGHT}};
    Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = table ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < usage->count; i++) {
        const Item *item = &usage->items[i];

        r = table_add_row(table);
        if (r == 0)
            r = table_set(table, 0, kind_names[item->kind]);
        if (r == 0)
            r = table_set(table, 1, item->name);
        if (r == 0)
            r = table_set(table, 2, item->is_used ? "yes" : "no");
        if (r == 0)
            r = table_set_json(table, 2, json_boolean(item->is_used));
        if (r == 0)
            r = set_size(table, 3, item->size_bytes);
        if (r == 0)
            r = set_size(table, 4, item->shared_bytes);
        if (r == 0)
            r = set_size(table, 5, item->size_bytes - item->shared_bytes);
    }
    if (r < 0) {
        table_free(table);
        return NULL;
    }
    return table;
}

int verb_df(Ctl *ctl, Error *error)
{
    _cleanup_(usage_done) Usage usage = {};
    _cleanup_table_ Table *table = NULL;
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = ctl_open_roster(ctl, error);
    if (r == 0)
        r = find_images(ctl, &usage, error);
    if (r == 0)
        r = find_containers(ctl, &usage, error);
    if (r == 0)
        r = find_volumes(ctl, &usage, error);
    if (r < 0)
        return r;
    table = ctl->verbose ? build_items(&usage) : build_totals(&usage);
    if (!table)
        return -ENOMEM;
    return ctl->json ? table_print_json(table) : table_print(table, !ctl->no_legend);
}
