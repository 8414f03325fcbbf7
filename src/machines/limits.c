/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/limits.h"

#include "base/strv.h"
#include "base/text.h"
#include "host/properties.h"
#include "host/systemd.h"
#include "kernel/cgroup.h"
#include "machines/roster.h"
#include "machines/usage.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

/* One write, and what stood there before. */
typedef struct Change {
    PropertyCgroupFile file;
    char before[256];
} Change;

typedef struct ChangeList {
    Change *items;
    size_t count;
} ChangeList;

static void change_list_done(ChangeList *list)
{
    for (size_t i = 0; i < list->count; i++)
        property_cgroup_file_done(&list->items[i].file);
    free(list->items);
}

static int prepare_changes(char *const *properties, ChangeList *list, Error *error)
{
    PropertyHost host = {.tasks_max = 32768};
    struct sysinfo info = {};

    if (sysinfo(&info) == 0)
        host.memory_bytes = (uint64_t) info.totalram * info.mem_unit;
    list->items = calloc(strv_length(properties) + 1, sizeof(Change));
    if (!list->items)
        return -ENOMEM;
    STRV_FOREACH (property, properties) {
        int r = property_cgroup_file(*property, properties, &host, &list->items[list->count].file, error);

        if (r < 0)
            return r;
        if (r > 0)
            return error_set(error, -EOPNOTSUPP, "only systemd can apply %s", *property);
        list->count++;
    }
    return 0;
}

static int apply_changes(int group_fd, ChangeList *list, Error *error)
{
    size_t done = 0;
    int r = 0;

    for (; r == 0 && done < list->count; done++) {
        Change *change = &list->items[done];
        ssize_t n = cgroup_read(group_fd, change->file.file, change->before, sizeof(change->before));

        r = n < 0 ? (int) n : cgroup_write(group_fd, change->file.file, change->file.value);
        if (r == -ENOENT)
            r = error_set(error, -EOPNOTSUPP, "cannot set %s: the controller '%s' is not where the container is",
                          change->file.file, change->file.controller);
        else if (r < 0)
            r = error_set(error, r, "cannot set %s to %s: %s", change->file.file, change->file.value, strerror(-r));
    }
    if (r == 0)
        return 0;
    /* The last of them did not succeed. */
    for (size_t i = done - 1; i > 0; i--)
        (void) cgroup_write(group_fd, list->items[i - 1].file.file, list->items[i - 1].before);
    return r;
}

int machine_set_property_files(const Machine *machine, char *const *properties, Error *error)
{
    _cleanup_(change_list_done) ChangeList list = {};
    _cleanup_close_ int group_fd = -EBADF;
    int r = prepare_changes(properties, &list, error);

    if (r < 0)
        return r;
    r = machine_open_cgroup(machine, &group_fd);
    if (r < 0)
        return error_set(error, r == -ENOENT ? -EOPNOTSUPP : r, "'%s' has no cgroup that could have limits",
                         machine->name);
    return apply_changes(group_fd, &list, error);
}

int machine_set_properties(const Machine *machine, char *const *properties, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r = 0;

    STRV_FOREACH (property, properties) {
        r = property_check(*property, error);
        if (r < 0)
            return r;
    }
    if (machine->leader == 0)
        return error_hint(error, error_set(error, -EAGAIN, "'%s' is just being started", machine->name),
                          "try again in a moment");
    if (!machine_is_running(machine))
        return error_set(error, -ESRCH, "'%s' is not running any more", machine->name);
    if (!machine->unit || !systemd_is_running())
        return machine_set_property_files(machine, properties, error);
    r = systemd_open(&systemd, error);
    return r < 0 ? r : systemd_set_properties(systemd, machine->unit, properties, true, error);
}
