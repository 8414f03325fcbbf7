/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* prune: what nobody will miss. Definitions that a person wrote are configuration, and stay. */

#include "ctl/container.h"
#include "ctl/control.h"
#include "ctl/definitions.h"

#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

typedef struct Waste {
    char **containers;     /* stopped, and defined by nobody but `run` */
    char **records;        /* names of exit records and logs that belong to no container */
    char **images;         /* "sha256:HEX": dangling, or with --all not used */
    char **images_as_told; /* the same for people */
} Waste;

static void waste_done(Waste *waste)
{
    strv_free(waste->containers);
    strv_free(waste->records);
    strv_free(waste->images);
    strv_free(waste->images_as_told);
}

/* A definition below /run was made by `run`, and none at all by nobody. */
static bool is_for_this_run(const Container *container)
{
    _cleanup_strv_ char **directories = definition_directories();

    return !container->definition || (directories && path_is_below(container->definition, directories[1]));
}

static int find_containers(Ctl *ctl, Waste *waste, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = container_list_names(ctl, true, &names, error);

    STRV_FOREACH (name, names) {
        _cleanup_container_ Container *container = NULL;

        if (r < 0)
            return r;
        if (container_load(ctl, *name, &container, NULL) < 0 || container_is_running(container) ||
            !is_for_this_run(container))
            continue;
        r = strv_append(&waste->containers, *name);
    }
    return r;
}

static bool is_container(Ctl *ctl, const char *name)
{
    return roster_is_alive(ctl->roster, name) || faccessat(ctl->roster->machines_fd, name, F_OK, 0) == 0 ||
           definition_exists(name, NULL);
}

/* Names in a directory of records; of a log that was begun anew, "NAME:1", the name. */
static int find_records(Ctl *ctl, int dir_fd, Waste *waste)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!directory) {
        safe_close(fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(directory))) {
        _cleanup_free_ char *name = strndup(entry->d_name, strcspn(entry->d_name, ":"));

        if (!name)
            r = -ENOMEM;
        else if (text_is_name(name) && !strv_contains(waste->containers, name) &&
                 !strv_contains(waste->records, name) && !is_container(ctl, name))
            r = strv_append(&waste->records, name);
    }
    closedir(directory);
    strv_sort(waste->records);
    return r;
}

/* The images that containers which stay name, by what the store finds under those names. */
static int find_used_images(Ctl *ctl, const Waste *waste, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL, **used = NULL;
    int r = container_list_names(ctl, true, &names, error);

    STRV_FOREACH (name, names) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_store_image_ StoreImage *image = NULL;

        if (r < 0)
            return r;
        if (strv_contains(waste->containers, *name) || container_load(ctl, *name, &container, NULL) < 0)
            continue;
        if (container->machine && container->machine->image_id)
            r = strv_append(&used, container->machine->image_id);
        if (r == 0 && container->image && store_find_image(ctl->store, container->image, &image, NULL) == 0)
            r = strv_append(&used, digest_format(&image->id).text);
    }
    if (r == 0)
        *ret = TAKE_PTR(used);
    return r;
}

static int find_images(Ctl *ctl, Waste *waste, Error *error)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_strv_ char **used = NULL;
    int r = ctl_open_store(ctl, false, error);

    if (r == -ENOENT) {
        error_done(error);
        return 0;
    }
    if (r == 0)
        r = store_list_images(ctl->store, &list, NULL, error);
    if (r == 0)
        r = find_used_images(ctl, waste, &used, error);
    for (size_t i = 0; r == 0 && i < list.count; i++) {
        const StoreImage *image = list.images[i];
        DigestText id = digest_format(&image->id);

        if ((image->reference && !ctl->all) || strv_contains(used, id.text))
            continue;
        r = strv_append(&waste->images, image->reference ? image->reference : id.text);
        if (r == 0)
            r = image->reference ? strv_append(&waste->images_as_told, image->reference)
                                 : strv_append_format(&waste->images_as_told, "%.19s (without a name)", id.text);
    }
    return r;
}

static int print_names(const char *what, char *const *names)
{
    STRV_FOREACH (name, names) {
        _cleanup_free_ char *safe = text_escape(*name, SIZE_MAX);

        if (!safe)
            return -ENOMEM;
        printf("  %s %s\n", what, safe);
    }
    return 0;
}

static int print_waste(const Waste *waste)
{
    int r = 0;

    puts("To be removed:");
    r = print_names("container", waste->containers);
    if (r == 0)
        r = print_names("record and log of", waste->records);
    return r < 0 ? r : print_names("image", waste->images_as_told);
}

/* 1: yes. */
static int ask(Error *error)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return error_hint(error,
                          error_set(error, -EPERM, "not without being asked, and there is no terminal to ask on"),
                          "--force removes without asking");
    fputs("Go on? [y/N] ", stdout);
    if (fflush(stdout) != 0 || !fgets(answer, sizeof(answer), stdin))
        return 0;
    return answer[0] == 'y' || answer[0] == 'Y';
}

/* One that cannot be removed does not keep the others. Returns how many were. */
static size_t remove_containers(Ctl *ctl, const Waste *waste)
{
    size_t count = 0;

    STRV_FOREACH (name, waste->containers) {
        _cleanup_error_ Error problem = {};
        int r = control_remove(ctl, *name, false, &problem);

        if (r < 0 && r != -ENOENT)
            error_report(&problem, r);
        count += r == 0;
    }
    STRV_FOREACH (name, waste->records) {
        _cleanup_close_ int lock_fd = -EBADF;

        if (roster_lock(ctl->roster, *name, &lock_fd) < 0)
            continue;
        roster_forget_exit(ctl->roster, *name);
        roster_forget_log(ctl->roster, *name);
        roster_unlock(ctl->roster, *name);
    }
    return count;
}

static size_t remove_images(Ctl *ctl, const Waste *waste)
{
    size_t count = 0;

    STRV_FOREACH (name, waste->images) {
        _cleanup_store_removed_ StoreRemoved removed = {};
        _cleanup_error_ Error problem = {};
        int r = store_remove_image(ctl->store, *name, 0, &removed, &problem);

        if (r < 0 && r != -ENOENT)
            error_report(&problem, r);
        count += r == 0;
    }
    return count;
}

int verb_prune(Ctl *ctl, Error *error)
{
    _cleanup_(waste_done) Waste waste = {};
    size_t containers, images;
    int r = ctl_open_roster(ctl, error);

    if (r == 0)
        r = find_containers(ctl, &waste, error);
    if (r == 0)
        r = find_records(ctl, ctl->roster->exits_fd, &waste);
    if (r == 0)
        r = find_records(ctl, ctl->roster->logs_fd, &waste);
    if (r == 0)
        r = find_images(ctl, &waste, error);
    if (r < 0)
        return r;
    if (waste.containers || waste.records || waste.images) {
        r = print_waste(&waste);
        if (r == 0 && !ctl->force) {
            r = ask(error);
            if (r <= 0)
                return r < 0 ? r : 1;
            r = 0;
        }
    }
    if (r < 0)
        return r;
    containers = remove_containers(ctl, &waste);
    images = remove_images(ctl, &waste);
    /* What no image needs, also of loads that were killed. */
    if (ctl->store)
        r = store_collect_garbage(ctl->store, error);
    printf("Removed %zu container%s, %zu record%s, %zu image%s.\n", containers, containers == 1 ? "" : "s",
           strv_length(waste.records), strv_length(waste.records) == 1 ? "" : "s", images, images == 1 ? "" : "s");
    if (r == 1)
        log_info("something is being loaded: it will collect what is unused now");
    return MIN(r, 0);
}
