/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* diff. */

#include "ctl/container-root.h"
#include "ctl/table.h"

#include "base/strv.h"
#include "base/text.h"
#include "tree/compare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct Change {
    ChangeKind kind;
    char *path; /* absolute, as inside */
} Change;

typedef struct Changes {
    Change *items;
    size_t count, room;
} Changes;

static void changes_done(Changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        free(changes->items[i].path);
    free(changes->items);
}

static int add(ChangeKind kind, const char *path, void *userdata)
{
    Changes *changes = userdata;
    char *absolute;

    if (changes->count == changes->room) {
        size_t room = changes->room * 2 + 256;
        Change *larger = reallocarray(changes->items, room, sizeof(*larger));

        if (!larger)
            return -ENOMEM;
        changes->items = larger;
        changes->room = room;
    }
    absolute = text_format("/%s", path);
    if (!absolute)
        return -ENOMEM;
    changes->items[changes->count++] = (Change){kind, absolute};
    return 0;
}

static int compare_changes(const void *a, const void *b)
{
    return strcmp(((const Change *) a)->path, ((const Change *) b)->path);
}

static int print_json(const Changes *changes)
{
    _cleanup_json_ json_t *array = json_array();

    for (size_t i = 0; i < changes->count; i++) {
        const char kind[] = {(char) changes->items[i].kind, 0};

        if (json_array_append_new(
                array, json_pack("{s:s, s:o}", "kind", kind, "path", json_safe_string(changes->items[i].path))) < 0)
            return -ENOMEM;
    }
    if (json_dumpf(array, stdout, JSON_INDENT(2)) < 0)
        return -EIO;
    putchar('\n');
    return 0;
}

static int print_text(const Changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        _cleanup_free_ char *path = text_escape(changes->items[i].path, SIZE_MAX);

        if (!path)
            return -ENOMEM;
        printf("%c %s\n", changes->items[i].kind, path);
    }
    return 0;
}

/* The container against what is below its upper directory. */
static int diff_container(Ctl *ctl, const char *name, Changes *changes, Error *error)
{
    _cleanup_container_sides_ ContainerSides sides = {.upper_fd = -EBADF, .lower_fd = -EBADF};
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    CompareRequest request = {.change = add, .userdata = changes};
    int r = container_sides_open(ctl, name, &sides, error);

    if (r == 0)
        r = container_root_open(ctl, name, CONTAINER_ROOT_NO_BELOW, &root, error);
    if (r < 0)
        return r;
    request.upper_fd = sides.upper_fd;
    request.lower_fd = sides.lower_fd;
    request.merged_fd = root.mount_fd;
    return compare_run(&request, error);
}

static int open_image(Ctl *ctl, const char *name, StoreImage **ret, int *ret_fd, Error *error)
{
    int r = store_find_image(ctl->store, name, ret, error);

    if (r == 0) {
        r = container_root_mount_image(ctl, *ret, ret_fd);
        if (r < 0)
            error_set(error, r, "cannot mount the image %s: %s", name, strerror(-r));
    }
    return r;
}

static int diff_images(Ctl *ctl, const char *old_name, const char *new_name, Changes *changes, Error *error)
{
    _cleanup_store_image_ StoreImage *old_image = NULL, *new_image = NULL;
    _cleanup_close_ int old_fd = -EBADF, new_fd = -EBADF;
    CompareRequest request = {.is_exact = true, .change = add, .userdata = changes};
    int r = ctl_open_store(ctl, false, error);

    if (r == 0)
        r = open_image(ctl, old_name, &old_image, &old_fd, error);
    if (r == 0)
        r = open_image(ctl, new_name, &new_image, &new_fd, error);
    if (r < 0)
        return r;
    request.upper_fd = request.merged_fd = new_fd;
    request.lower_fd = old_fd;
    return compare_run(&request, error);
}

int verb_diff(Ctl *ctl, Error *error)
{
    _cleanup_(changes_done) Changes changes = {};
    int r = output_format_check(ctl->output, "table json", error);

    if (r == 0)
        r = ctl->words[1] ? diff_images(ctl, ctl->words[0], ctl->words[1], &changes, error)
                          : diff_container(ctl, ctl->words[0], &changes, error);
    if (r < 0)
        return r;
    if (changes.count > 0)
        qsort(changes.items, changes.count, sizeof(*changes.items), compare_changes);
    return ctl->json ? print_json(&changes) : print_text(&changes);
}
