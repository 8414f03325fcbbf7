/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volume: create, list, inspect, rm, prune. */

#include "ctl/table.h"
#include "ctl/volumes.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/time.h"
#include "host/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Volumes {
    int fd; /* -EBADF: there are none */
    char **defined;
} Volumes;

static void volumes_done(Volumes *volumes)
{
    volumes->fd = safe_close(volumes->fd);
    strv_free(volumes->defined);
}

static int say_unknown(const char *name, Error *error)
{
    return error_hint(error, error_set(error, -ENOENT, "there is no volume named '%s'", name),
                      "berthctl volume list shows them");
}

static int say(const char *name, int code, Error *error)
{
    if (code == -ENOENT)
        return say_unknown(name, error);
    if (code == -EINVAL)
        return error_hint(error, error_set(error, code, "'%s' is not a name for a volume", name),
                          "letters, digits, '_', '+', '-' and '.', not first");
    if (code == -EBUSY)
        return error_set(error, code, "the volume '%s' is in use by a running container", name);
    return error_set(error, code, "the volume '%s': %s", name, strerror(-code));
}

/* --- create --- */

static int create(Ctl *ctl, Volumes *volumes, char *const *names, Error *error)
{
    int r = volumes->fd < 0 ? volumes_open(ctl->roster->data_fd, true, &volumes->fd) : 0;

    if (r < 0)
        return error_set(error, r, "cannot make the directory of volumes: %s", strerror(-r));
    STRV_FOREACH (name, names) {
        _cleanup_volume_ Volume volume = VOLUME_NONE;

        r = volume_open(volumes->fd, *name, VOLUME_CREATE, &volume);
        if (r < 0)
            return say(*name, r, error);
        if (!ctl->quiet)
            printf("%s\n", *name);
    }
    return 0;
}

/* --- list and inspect --- */

static const TableColumn columns[] = {
    {"NAME", "name", TABLE_TRUNCATE},
    {"USED", "used", 0},
    {"CREATED", "created_usec", 0},
    {"PATH", "path", TABLE_TRUNCATE},
};

static const char *used_by(const Volumes *volumes, const char *name)
{
    static const char *const words[] = {
        [VOLUME_UNUSED] = "no", [VOLUME_DEFINED] = "defined", [VOLUME_RUNNING] = "running"};

    return words[volumes_tell_use(volumes->fd, volumes->defined, name)];
}

static int add_volume(Table *table, const Volumes *volumes, const char *name, Error *error)
{
    const char *data_dir = secure_getenv("BERTH_DATA_DIR");
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    _cleanup_free_ char *path = text_format("%s/volumes/%s/data", data_dir ? data_dir : STORE_DEFAULT_PATH, name);
    _cleanup_free_ char *age = NULL;
    uint64_t usec;
    int r = volumes->fd < 0 ? -ENOENT : volume_open(volumes->fd, name, VOLUME_UNLOCKED, &volume);

    if (r < 0)
        return say(name, r, error);
    usec = volume_made_usec(&volume);
    age = usec > 0 ? time_format_relative(usec, time_now_usec()) : NULL;
    r = path ? table_add_row(table) : -ENOMEM;
    if (r == 0)
        r = table_set(table, 0, name);
    if (r == 0)
        r = table_set(table, 1, used_by(volumes, name));
    if (r == 0)
        r = table_set(table, 2, age);
    if (r == 0)
        r = table_set_json(table, 2, usec > 0 ? json_integer((json_int_t) usec) : json_null());
    return r < 0 ? r : table_set(table, 3, path);
}

static int show(Ctl *ctl, const Volumes *volumes, char *const *names, bool as_json, Error *error)
{
    _cleanup_table_ Table *table = table_new(columns, ELEMENTSOF(columns));
    int r = table ? 0 : -ENOMEM;

    STRV_FOREACH (name, names) {
        if (r == 0)
            r = add_volume(table, volumes, *name, error);
        if (r < 0)
            return r;
    }
    if (as_json || ctl->json)
        return table_print_json(table);
    if (table_count_rows(table) > 0)
        r = table_print(table, !ctl->no_legend);
    if (r == 0 && !ctl->no_legend)
        printf("%s%zu volume%s.\n", table_count_rows(table) > 0 ? "\n" : "", table_count_rows(table),
               table_count_rows(table) == 1 ? "" : "s");
    return r;
}

static int list(Ctl *ctl, Volumes *volumes, char *const *unused, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = volumes->fd < 0 ? 0 : volumes_list(volumes->fd, &names);

    if (r < 0)
        return error_set(error, r, "cannot read the list of volumes: %s", strerror(-r));
    if (ctl->quiet && !ctl->json) {
        STRV_FOREACH (name, names)
            printf("%s\n", *name);
        return 0;
    }
    return show(ctl, volumes, names, false, error);
}

static int inspect(Ctl *ctl, Volumes *volumes, char *const *names, Error *error)
{
    return show(ctl, volumes, names, true, error);
}

/* --- rm and prune --- */

static int remove_one(const Volumes *volumes, const char *name, Error *error)
{
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    int r = volumes->fd < 0 ? -ENOENT : volume_open(volumes->fd, name, VOLUME_EXCLUSIVE, &volume);

    if (r == 0 && volumes_list_has(volumes->defined, name))
        return error_hint(error, error_set(error, -EBUSY, "the definition of a container mounts the volume '%s'", name),
                          "remove the container first: berthctl rm");
    if (r == 0)
        r = volume_remove(volumes->fd, name);
    return r < 0 ? say(name, r, error) : 0;
}

static int rm(Ctl *ctl, Volumes *volumes, char *const *names, Error *error)
{
    STRV_FOREACH (name, names) {
        int r = remove_one(volumes, *name, error);

        if (r == -ENOENT && ctl->force) {
            error_done(error);
            continue;
        }
        if (r < 0)
            return r;
        if (!ctl->quiet)
            printf("%s\n", *name);
    }
    return 0;
}

static int prune(Ctl *ctl, Volumes *volumes, char *const *unused, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    size_t count = 0;
    int r = volumes->fd < 0 ? 0 : volumes_list(volumes->fd, &names);

    if (r < 0)
        return error_set(error, r, "cannot read the list of volumes: %s", strerror(-r));
    if (!ctl->force)
        return error_hint(error, error_set(error, -EPERM, "what is in volumes cannot be had back"),
                          "--force removes those that no container uses or defines");
    STRV_FOREACH (name, names) {
        _cleanup_error_ Error problem = {};
        bool is_used = volumes_list_has(volumes->defined, *name);

        r = is_used ? -EBUSY : remove_one(volumes, *name, &problem);
        if (r < 0 && r != -EBUSY && r != -ENOENT)
            error_report(&problem, r);
        if (r == 0 && !ctl->quiet)
            printf("%s\n", *name);
        count += r == 0;
    }
    if (volumes->fd >= 0)
        volumes_sweep(volumes->fd);
    if (!ctl->quiet)
        printf("Removed %zu volume%s.\n", count, count == 1 ? "" : "s");
    return 0;
}

static const struct {
    const char *name;
    bool has_names;
    int (*run)(Ctl *ctl, Volumes *volumes, char *const *names, Error *error);
} actions[] = {
    {"create", true, create}, {"list", false, list}, {"ls", false, list},     {"inspect", true, inspect},
    {"rm", true, rm},         {"remove", true, rm},  {"prune", false, prune},
};

int verb_volume(Ctl *ctl, Error *error)
{
    _cleanup_(volumes_done) Volumes volumes = {.fd = -EBADF};
    int r = output_format_check(ctl->output, "table json", error);

    for (size_t i = 0; i < ELEMENTSOF(actions) && r == 0; i++) {
        if (strcmp(ctl->words[0], actions[i].name) != 0)
            continue;
        if (actions[i].has_names != !!ctl->words[1])
            return error_set(error, -EINVAL, "volume %s takes %s", actions[i].name,
                             actions[i].has_names ? "the names of volumes" : "no names");
        r = ctl_open_roster(ctl, error);
        if (r == 0)
            r = volumes_list_defined(&volumes.defined, error);
        if (r < 0)
            return r;
        r = volumes_open(ctl->roster->data_fd, false, &volumes.fd);
        if (r < 0 && r != -ENOENT)
            return error_set(error, r, "cannot open the volumes: %s", strerror(-r));
        return actions[i].run(ctl, &volumes, ctl->words + 1, error);
    }
    return r < 0 ? r
                 : error_hint(error, error_set(error, -EINVAL, "'%s' is nothing to do with volumes", ctl->words[0]),
                              "create, list, inspect, rm or prune");
}
