/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/control.h"

#include "base/file.h"
#include "base/text.h"
#include "ctl/definitions.h"
#include "definitions/change.h"
#include "definitions/services.h"
#include "host/events.h"
#include "machines/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int control_stop(Ctl *ctl, const char *name, uint64_t timeout_usec, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    bool wait = timeout_usec == UINT64_MAX;
    int r = service_stop(name, wait, error), q;

    if (r < 0 || (r > 0 && wait))
        return MIN(r, 0);
    q = ctl_load_machine(ctl, name, &machine, error);
    if (q == 0 && r == 0)
        q = service_stop_unit(machine->unit, wait, error);
    if (q < 0 || (q > 0 && wait))
        return MIN(q, 0);
    return machine_stop(ctl->roster, machine, timeout_usec, error);
}

void definition_remove_transient(Ctl *ctl, const char *name)
{
    _cleanup_free_ char *file = text_format("%s" DEFINITION_SUFFIX, name);

    if (file)
        (void) unlinkat(ctl->roster->definitions_fd, file, 0);
}

/* The caller holds the name. */
static int remove_locked(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_free_ char *path = NULL;
    bool is_defined = definition_exists(name, &path), has_data;
    struct stat st;
    int r;

    has_data = fstatat(ctl->roster->containers_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_defined && !has_data && faccessat(ctl->roster->exits_fd, name, F_OK, 0) < 0)
        return error_set(error, -ENOENT, "there is no container named '%s'", name);
    if (is_defined && unlink(path) < 0 && errno != ENOENT)
        return error_set(error, -errno, "cannot remove '%s': %s", path, strerror(errno));
    if (is_defined)
        (void) definition_remove_drop_ins(path, name);
    r = file_remove_tree_at(ctl->roster->containers_fd, name);
    if (r < 0)
        return error_set(error, r, "cannot remove what '%s' wrote: %s", name, strerror(-r));
    roster_forget_exit(ctl->roster, name);
    roster_forget_log(ctl->roster, name);
    (void) unlinkat(ctl->roster->attach_fd, name, 0);
    events_emit((Event){.kind = EVENT_REMOVE, .name = name});
    return 0;
}

/* -EBUSY while it runs, with its supervisor (which holds the lock) or without. */
static int lock_stopped(Ctl *ctl, const char *name, int *ret_fd)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r = roster_lock(ctl->roster, name, &fd);

    if (r < 0)
        return r;
    if (roster_load(ctl->roster, name, &machine, NULL) == 0 && machine_is_running(machine))
        return -EBUSY;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int control_remove(Ctl *ctl, const char *name, bool force, Error *error)
{
    _cleanup_close_ int lock_fd = -EBADF;
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    if (!text_is_name(name))
        return error_set(error, -EINVAL, "'%s' is not a container name", name);
    r = lock_stopped(ctl, name, &lock_fd);
    if (r == -EBUSY && force) {
        r = control_stop(ctl, name, UINT64_MAX, error);
        if (r == 0)
            r = lock_stopped(ctl, name, &lock_fd);
    }
    if (r == -EBUSY)
        return error_hint(error, error_set(error, r, "'%s' is running", name), "--force stops it first");
    if (r < 0)
        return error_prefix(error, r, "cannot lock '%s'", name);
    r = remove_locked(ctl, name, error);
    roster_unlock(ctl->roster, name);
    return r;
}
