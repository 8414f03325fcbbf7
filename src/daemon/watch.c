/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of machines and images without reading their records, kept up to date by inotify(7) on the directories
 * that launchers, supervisors and the importer write: nobody has to tell the daemon anything, and nothing is polled. */

#include "daemon/daemon.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

/* Files appear and change by rename(2) or link(2) (file_write_atomic_at()), and go by unlink(2). A state file is renamed into
 * place: one that is only created is not whole yet. */
#define WATCH_EVENTS (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR)

static int emit(Daemon *daemon, const char *signal, BusObject object, const char *name, const char *object_name)
{
    _cleanup_free_ char *path = object_path(object, object_name);

    return path ? sd_bus_emit_signal(daemon->bus, bus_interfaces[BUS_OBJECT_MANAGER].path,
                                     bus_interfaces[BUS_OBJECT_MANAGER].name, signal, "so", name, path)
                : -ENOMEM;
}

static int compare_names(const void *name, const void *machine)
{
    return strcmp(name, ((const KnownMachine *) machine)->name);
}

const KnownMachine *watch_find_machine(const Daemon *daemon, const char *name)
{
    return daemon->machines_count == 0
               ? NULL
               : bsearch(name, daemon->machines, daemon->machines_count, sizeof(*daemon->machines), compare_names);
}

static void known_machine_done(KnownMachine *known)
{
    free(known->name);
    free(known->cgroup);
    free(known->image);
    sd_event_source_disable_unref(known->end);
    *known = (KnownMachine){};
}

static int on_foreign_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Daemon *daemon = userdata;

    (void) fd;
    (void) events;
    (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
    /* Its record goes, and by that it is told. */
    (void) roster_reconcile(daemon->roster, NULL, NULL);
    return 0;
}

/* A foreign machine has no supervisor who would remove its record. Where this fails, the next start or command does. */
static void watch_leader(Daemon *daemon, const Machine *machine, KnownMachine *known)
{
    int fd = machine_open_leader(machine);

    /* It has ended since its record was written. That the record goes is seen after it was taken in. */
    if (fd == -ESRCH)
        (void) roster_reconcile(daemon->roster, NULL, NULL);
    if (fd < 0 || sd_event_add_io(daemon->event, &known->end, fd, EPOLLIN, on_foreign_end, daemon) < 0)
        safe_close(fd);
    else
        (void) sd_event_source_set_io_fd_own(known->end, true);
}

static int read_known(Daemon *daemon, const char *name, KnownMachine *ret)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_error_ Error error = {};
    KnownMachine known = {};
    int r = roster_load(daemon->roster, name, &machine, &error);

    if (r == -EBADMSG)
        log_warning("%s", error.text);
    if (r < 0)
        return r;
    known.name = strdup(name);
    known.cgroup = machine->cgroup ? strdup(machine->cgroup) : NULL;
    known.image = machine->image ? object_text(machine->image) : NULL;
    known.leader = machine->leader;
    known.is_foreign = machine->foreign;
    known.owner = (uid_t) machine->owner;
    if (!known.name || (machine->cgroup && !known.cgroup) || (machine->image && !known.image)) {
        known_machine_done(&known);
        return -ENOMEM;
    }
    if (known.is_foreign)
        watch_leader(daemon, machine, &known);
    *ret = known;
    return 0;
}

/* Takes what is in `known`. */
static int insert_machine(Daemon *daemon, KnownMachine *known)
{
    KnownMachine *larger = reallocarray(daemon->machines, daemon->machines_count + 1, sizeof(*larger));
    size_t at = daemon->machines_count;

    if (!larger)
        return -ENOMEM;
    daemon->machines = larger;
    while (at > 0 && strcmp(known->name, larger[at - 1].name) < 0)
        at--;
    memmove(larger + at + 1, larger + at, (daemon->machines_count - at) * sizeof(*larger));
    larger[at] = *known;
    *known = (KnownMachine){};
    daemon->machines_count++;
    return 0;
}

static void remove_machine(Daemon *daemon, KnownMachine *known)
{
    size_t at = (size_t) (known - daemon->machines);

    known_machine_done(known);
    memmove(known, known + 1, (daemon->machines_count - at - 1) * sizeof(*known));
    daemon->machines_count--;
}

/* What is in the file of that name now, whatever happened to it. */
static int look_at_machine(Daemon *daemon, const char *name, bool is_told)
{
    KnownMachine *known = (KnownMachine *) (uintptr_t) watch_find_machine(daemon, name), now = {};
    bool was_known = known != NULL;
    int r = read_known(daemon, name, &now);

    if (r == -ENOMEM)
        return r;
    if (r < 0 && !was_known)
        return 0;
    if (r < 0) {
        r = is_told ? emit(daemon, "MachineRemoved", BUS_OBJECT_MACHINE, name, name) : 0;
        remove_machine(daemon, known);
        return r;
    }
    if (was_known) {
        known_machine_done(known);
        *known = now;
    } else
        r = insert_machine(daemon, &now);
    known_machine_done(was_known ? &(KnownMachine){} : &now);
    if (r == 0 && is_told)
        r = emit(daemon, was_known ? "MachineChanged" : "MachineNew", BUS_OBJECT_MACHINE, name, name);
    return r;
}

static int scan_machines(Daemon *daemon, bool is_told)
{
    _cleanup_strv_ char **names = NULL, **gone = NULL;
    int r = roster_list(daemon->roster, &names);

    for (size_t i = 0; r == 0 && i < daemon->machines_count; i++)
        if (!strv_contains(names, daemon->machines[i].name))
            r = strv_append(&gone, daemon->machines[i].name);
    STRV_FOREACH (name, gone)
        if (r >= 0)
            r = look_at_machine(daemon, *name, is_told);
    STRV_FOREACH (name, names)
        if (r >= 0)
            r = look_at_machine(daemon, *name, is_told);
    return r < 0 ? r : 0;
}

static int on_machines(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    Daemon *daemon = userdata;
    int r = 0;

    (void) source;
    if (event->mask & IN_Q_OVERFLOW)
        r = scan_machines(daemon, true);
    else if (event->len > 0 && text_is_name(event->name))
        r = look_at_machine(daemon, event->name, true);
    if (r < 0)
        log_warning("cannot follow what becomes of machines: %s", strerror(-r));
    return 0;
}

static void forget_images(KnownImage *images, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(images[i].reference);
    free(images);
}

static int read_images(Daemon *daemon, KnownImage **ret, size_t *ret_count)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    KnownImage *images = NULL;
    size_t count = 0;
    int r = store_list_images(daemon->store, &list, NULL, NULL);

    if (r == 0 && list.count > 0)
        images = calloc(list.count, sizeof(*images));
    if (r < 0 || (list.count > 0 && !images))
        return r < 0 ? r : -ENOMEM;
    for (size_t i = 0; i < list.count; i++)
        if (list.images[i]->reference)
            images[count++] =
                (KnownImage){TAKE_PTR(list.images[i]->reference), list.images[i]->manifest, list.images[i]->id};
    *ret = images;
    *ret_count = count;
    return 0;
}

static bool has_image(const KnownImage *images, size_t count, const KnownImage *image)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(images[i].reference, image->reference) == 0 && digest_equal(&images[i].manifest, &image->manifest))
            return true;
    return false;
}

static int compare_images(Daemon *daemon)
{
    KnownImage *now = NULL;
    size_t count = 0;
    int r = read_images(daemon, &now, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < daemon->images_count; i++)
        if (!has_image(now, count, &daemon->images[i]))
            (void) emit(daemon, "ImageRemoved", BUS_OBJECT_IMAGE, daemon->images[i].reference,
                        daemon->images[i].id.hex);
    for (size_t i = 0; i < count; i++)
        if (!has_image(daemon->images, daemon->images_count, &now[i]))
            (void) emit(daemon, "ImageNew", BUS_OBJECT_IMAGE, now[i].reference, now[i].id.hex);
    forget_images(daemon->images, daemon->images_count);
    daemon->images = now;
    daemon->images_count = count;
    return 0;
}

static int on_images(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    int r = compare_images(userdata);

    (void) source;
    (void) event;
    if (r < 0)
        log_warning("cannot follow what becomes of images: %s", strerror(-r));
    return 0;
}

static int list_volumes(Daemon *daemon, bool create, char ***ret)
{
    _cleanup_close_ int volumes_fd = -EBADF;
    int r = volumes_open(daemon->roster->data_fd, create, &volumes_fd);

    return r < 0 ? r : volumes_list(volumes_fd, ret);
}

static int compare_volumes(Daemon *daemon)
{
    _cleanup_strv_ char **now = NULL;
    int r = list_volumes(daemon, false, &now);

    if (r < 0)
        return r;
    STRV_FOREACH (name, daemon->volumes)
        if (!strv_contains(now, *name))
            (void) emit(daemon, "VolumeRemoved", BUS_OBJECT_VOLUME, *name, *name);
    STRV_FOREACH (name, now)
        if (!strv_contains(daemon->volumes, *name))
            (void) emit(daemon, "VolumeNew", BUS_OBJECT_VOLUME, *name, *name);
    strv_free(daemon->volumes);
    daemon->volumes = TAKE_PTR(now);
    return 0;
}

static int on_volumes(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    int r = compare_volumes(userdata);

    (void) source;
    (void) event;
    if (r < 0)
        log_warning("cannot follow what becomes of volumes: %s", strerror(-r));
    return 0;
}

static int add_watch(Daemon *daemon, int dir_fd, const char *below, sd_event_inotify_handler_t handler,
                     uint32_t more_events, sd_event_source **ret)
{
    char path[64];
    int r;

    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, below);
    r = sd_event_add_inotify(daemon->event, ret, path, WATCH_EVENTS | more_events, handler, daemon);
    /* Before the bus: what was there when a call was sent is in the answer. */
    return r < 0 ? r : sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_IMPORTANT);
}

int watch_start(Daemon *daemon)
{
    int r = add_watch(daemon, daemon->roster->machines_fd, "", on_machines, 0, &daemon->machines_watch);

    /* Watch first: what comes in between is looked at twice. */
    return r < 0 ? r : scan_machines(daemon, false);
}

int watch_images(Daemon *daemon)
{
    int r;

    if (daemon->images_watch)
        return 0;
    /* There must be one to watch for the first image that comes. */
    r = object_open_store(daemon, true, NULL);
    if (r == 0)
        r = add_watch(daemon, store_get_fd(daemon->store), "refs", on_images, IN_CREATE, &daemon->images_watch);
    if (r >= 0)
        r = read_images(daemon, &daemon->images, &daemon->images_count);
    return r < 0 ? r : 0;
}

int watch_volumes(Daemon *daemon)
{
    int r;

    if (daemon->volumes_watch)
        return 0;
    /* Made when it is not there, as that of images. */
    r = list_volumes(daemon, true, &daemon->volumes);
    if (r == 0)
        r = add_watch(daemon, daemon->roster->data_fd, "volumes", on_volumes, IN_CREATE, &daemon->volumes_watch);
    return r < 0 ? r : compare_volumes(daemon);
}

void watch_done(Daemon *daemon)
{
    sd_event_source_unref(daemon->machines_watch);
    sd_event_source_unref(daemon->images_watch);
    sd_event_source_unref(daemon->volumes_watch);
    strv_free(daemon->volumes);
    for (size_t i = 0; i < daemon->machines_count; i++)
        known_machine_done(&daemon->machines[i]);
    free(daemon->machines);
    forget_images(daemon->images, daemon->images_count);
}
