/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/roster.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/events.h"
#include "host/label.h"
#include "kernel/cgroup.h"
#include "kernel/namespace.h"
#include "kernel/process.h"
#include "kernel/publish.h"
#include "proto/health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RUN_DIR         "/run/berth"
#define DATA_DIR        "/var/lib/berth"
#define STATE_MAX_BYTES (1U << 20)
/* A state file is written in less: who has not renamed it by then was killed. */
#define TEMPORARY_AGE_SEC 60
/* How long `wait` can tell how a container ended that was removed at its end. */
#define EXIT_AGE_SEC (24 * 3600)

void roster_close(Roster *roster)
{
    if (!roster)
        return;
    int *const fds[] = {&roster->run_fd,    &roster->machines_fd,  &roster->locks_fd,   &roster->exits_fd,
                        &roster->attach_fd, &roster->logs_fd,      &roster->seccomp_fd, &roster->definitions_fd,
                        &roster->data_fd,   &roster->containers_fd};

    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        *fds[i] = safe_close(*fds[i]);
    free(roster);
}

static int open_private(int parent_fd, const char *path, bool create, int *ret_fd, Error *error)
{
    struct stat st;
    int r;

    /* Below our own directories a link is a mistake at best: behind it, files that are no state would be taken for
     * damaged state and moved aside. */
    if (parent_fd != AT_FDCWD && fstatat(parent_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
        return error_set(error, -ENOTDIR, "'%s' in the state directory is not a directory; remove it", path);
    r = file_open_directory_at(parent_fd, path, create, 0700, ret_fd);
    if (r < 0)
        return error_set(error, r, "cannot open '%s': %s", path, strerror(-r));
    if (fstat(*ret_fd, &st) < 0)
        return -errno;
    /* Others must not even search it: state files tell commands and paths, layers hold setuid files. */
    if (st.st_uid != geteuid())
        return error_set(error, -EPERM, "'%s' belongs to user %u; remove it or give it to root", path,
                         (unsigned) st.st_uid);
    if ((st.st_mode & 077) && fchmod(*ret_fd, 0700) < 0)
        return error_set(error, -errno, "cannot close '%s' to others: %s", path, strerror(errno));
    return 0;
}

int roster_open(bool create, Roster **ret, Error *error)
{
    _cleanup_(roster_closep) Roster *roster = malloc(sizeof(Roster));
    const char *run_dir = secure_getenv("BERTH_RUN_DIR"), *data_dir = secure_getenv("BERTH_DATA_DIR");
    int r;

    if (!roster)
        return -ENOMEM;
    *roster = (Roster){-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF};
    const struct {
        const char *name;
        int *fd;
    } places[] = {
        {"machines", &roster->machines_fd},     {"locks", &roster->locks_fd}, {"exits", &roster->exits_fd},
        {"attach", &roster->attach_fd},         {"logs", &roster->logs_fd},   {"seccomp", &roster->seccomp_fd},
        {"containers", &roster->definitions_fd}};

    r = open_private(AT_FDCWD, run_dir ? run_dir : RUN_DIR, create, &roster->run_fd, error);
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(places); i++)
        r = open_private(roster->run_fd, places[i].name, create, places[i].fd, error);
    if (r < 0)
        return r;
    r = open_private(AT_FDCWD, data_dir ? data_dir : DATA_DIR, create, &roster->data_fd, create ? error : NULL);
    if (r == 0)
        r = open_private(roster->data_fd, "containers", create, &roster->containers_fd, create ? error : NULL);
    if (r < 0 && create)
        return r;
    *ret = TAKE_PTR(roster);
    return 0;
}

int roster_open_at(int run_fd, Roster **ret, Error *error)
{
    _cleanup_(roster_closep) Roster *roster = malloc(sizeof(Roster));
    int r;

    if (!roster)
        return -ENOMEM;
    *roster = (Roster){-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF};
    roster->run_fd = fcntl(run_fd, F_DUPFD_CLOEXEC, 3);
    if (roster->run_fd < 0)
        return error_set(error, -errno, "there is no run directory");
    r = open_private(roster->run_fd, "machines", false, &roster->machines_fd, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(roster);
    return 0;
}

int roster_lock(Roster *roster, const char *name, int *ret_fd)
{
    return lock_take(roster->locks_fd, name, ret_fd);
}

void roster_unlock(Roster *roster, const char *name)
{
    (void) unlinkat(roster->locks_fd, name, 0);
}

bool roster_is_alive(Roster *roster, const char *name)
{
    return lock_is_taken(roster->locks_fd, name);
}

bool roster_has(Roster *roster, const char *name)
{
    return faccessat(roster->machines_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int read_json(int dir_fd, const char *name, json_t **ret, Error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = file_read_at(dir_fd, name, STATE_MAX_BYTES, &text, &size);

    return r < 0 ? r : json_parse_object(text, size, ret, error);
}

/* What is wrong with the state of a machine that lives is left where it is: its supervisor removes it in the end, and until
 * then it shows that there is one. The name's lock tells, unless that is ours. */
static int tell_damage(Roster *roster, const char *name, bool is_locked_by_us, Error *error)
{
    _cleanup_free_ char *aside = NULL;

    if (!is_locked_by_us && roster_is_alive(roster, name))
        return error_hint(
            error, error_prefix(error, -EBADMSG, RUN_DIR "/machines/%s is damaged, and its container still runs", name),
            "'fuser -k -TERM " RUN_DIR "/locks/%s' stops it in order, as does 'systemctl stop' of its unit", name);
    aside = text_format(".#%s.corrupt", name);
    if (aside)
        (void) renameat(roster->machines_fd, name, roster->machines_fd, aside);
    return error_prefix(error, -EBADMSG, RUN_DIR "/machines/%s is damaged and was moved to %s", name,
                        aside ? aside : "nowhere");
}

static int load(Roster *roster, const char *name, bool is_locked_by_us, Machine **ret, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = calloc(1, sizeof(Machine));
    _cleanup_json_ json_t *json = NULL;
    int r;

    if (!machine)
        return -ENOMEM;
    if (!text_is_name(name))
        return -ENOENT;
    r = read_json(roster->machines_fd, name, &json, error);
    if (r == -ENOENT || r == -ENOMEM)
        return r;
    if (r == 0)
        r = json_fields_read(json, machine_fields, machine_fields_count, machine, &machine->unknown, error);
    if (r == 0 && (!machine->name || strcmp(machine->name, name) != 0))
        r = error_set(error, -EBADMSG, "it does not name its machine");
    if (r < 0)
        return tell_damage(roster, name, is_locked_by_us, error);
    *ret = TAKE_PTR(machine);
    return 0;
}

int roster_load(Roster *roster, const char *name, Machine **ret, Error *error)
{
    return load(roster, name, false, ret, error);
}

static int save(Roster *roster, const Machine *machine, FileWriteFlags flags)
{
    _cleanup_json_ json_t *json = json_fields_build(machine, machine_fields, machine_fields_count);
    _cleanup_free_ char *text = NULL;

    if (!json)
        return -ENOMEM;
    if (machine->unknown)
        (void) json_object_update_missing(json, machine->unknown);
    text = json_dumps(json, JSON_COMPACT);
    return text ? file_write_atomic_at(roster->machines_fd, machine->name, text, strlen(text), 0600, flags) : -ENOMEM;
}

int roster_save(Roster *roster, const Machine *machine)
{
    return save(roster, machine, 0);
}

int roster_update(Roster *roster, const Machine *machine)
{
    return save(roster, machine, FILE_WRITE_EXISTING);
}

static void forget_health(Roster *roster, const char *name)
{
    char record[TEXT_NAME_MAX + 16];

    (void) snprintf(record, sizeof(record), "%s" HEALTH_RECORD_SUFFIX, name);
    (void) unlinkat(roster->machines_fd, record, 0);
}

void roster_forget(Roster *roster, const char *name)
{
    forget_health(roster, name);
    (void) unlinkat(roster->machines_fd, name, 0);
}

int roster_list(Roster *roster, char ***ret)
{
    _cleanup_strv_ char **names = NULL;
    int r = file_list_at(roster->machines_fd, ".", text_is_name, &names);

    if (r < 0)
        return r;
    *ret = TAKE_PTR(names);
    return 0;
}

int roster_load_health(Roster *roster, const char *name, MachineHealth *ret)
{
    _cleanup_json_ json_t *json = NULL;
    char record[TEXT_NAME_MAX + 16];
    MachineHealth health = {};
    int r;

    if (!text_is_name(name))
        return -ENOENT;
    (void) snprintf(record, sizeof(record), "%s" HEALTH_RECORD_SUFFIX, name);
    r = read_json(roster->machines_fd, record, &json, NULL);
    if (r == 0)
        r = json_fields_read(json, machine_health_fields, machine_health_fields_count, &health, NULL, NULL);
    if (r < 0) {
        machine_health_done(&health);
        return r;
    }
    *ret = health;
    return 0;
}

int roster_load_exit(Roster *roster, const char *name, MachineExit *ret)
{
    _cleanup_json_ json_t *json = NULL;
    MachineExit record = {};
    int r;

    if (!text_is_name(name))
        return -ENOENT;
    r = read_json(roster->exits_fd, name, &json, NULL);
    if (r == 0)
        r = json_fields_read(json, machine_exit_fields, machine_exit_fields_count, &record, NULL, NULL);
    if (r == 0)
        *ret = record;
    return r;
}

void roster_forget_exit(Roster *roster, const char *name)
{
    (void) unlinkat(roster->exits_fd, name, 0);
}

void roster_forget_log(Roster *roster, const char *name)
{
    unsigned missing = unlinkat(roster->logs_fd, name, 0) < 0 ? 1 : 0;

    /* A supervisor that was killed while it moved them up left at most one gap. */
    for (unsigned i = 1; missing < 2; i++) {
        char part[TEXT_NAME_MAX + 16];

        snprintf(part, sizeof(part), "%s:%u", name, i);
        missing = unlinkat(roster->logs_fd, part, 0) < 0 ? missing + 1 : 0;
    }
}

/* State can outlive a boot where /run is no tmpfs; pids and start times then mean other processes. */
static bool is_of_this_boot(const Machine *machine)
{
    _cleanup_free_ char *boot_id = NULL;

    if (!machine->boot_id || file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot_id, NULL) < 0)
        return true;
    boot_id[strcspn(boot_id, "\n")] = 0;
    return strcmp(boot_id, machine->boot_id) == 0;
}

/* A pid that still is who it was when the state was written, and no zombie that nobody reaped. */
static int open_verified(const Machine *machine, uint64_t pid, uint64_t started)
{
    _cleanup_close_ int pidfd = -EBADF;
    struct pollfd poll_one;
    uint64_t now_started = 0;
    int r;

    if (pid == 0 || pid > INT32_MAX || !is_of_this_boot(machine))
        return -ESRCH;
    pidfd = process_open((pid_t) pid);
    if (pidfd < 0)
        return pidfd;
    poll_one = (struct pollfd){pidfd, POLLIN, 0};
    if (poll(&poll_one, 1, 0) != 0)
        return -ESRCH;
    /* The pidfd is open: the start time that is read now is that of the process it refers to, or it is dead. */
    r = process_start_time((pid_t) pid, &now_started);
    if (r < 0)
        return r;
    return now_started == started ? TAKE_FD(pidfd) : -ESRCH;
}

int machine_open_leader(const Machine *machine)
{
    return open_verified(machine, machine->leader, machine->leader_started);
}

int machine_open_supervisor(const Machine *machine)
{
    return open_verified(machine, machine->supervisor, machine->supervisor_started);
}

int machine_open_userns(const Machine *machine)
{
    _cleanup_close_ int leader = -EBADF, fd = -EBADF;

    if (!machine->uid_map || !machine->uid_map[0])
        return -ENOENT;
    leader = machine_open_leader(machine);
    if (leader < 0)
        return leader;
    fd = namespace_open((pid_t) machine->leader, "user");
    if (fd < 0)
        return fd == -ENOENT ? -ESRCH : fd;
    /* Still the one that we looked at: its pid was not another's meanwhile. */
    return process_send_signal(leader, 0) < 0 ? -ESRCH : TAKE_FD(fd);
}

bool machine_is_running(const Machine *machine)
{
    _cleanup_close_ int leader = machine_open_leader(machine);

    return leader >= 0;
}

/* Ends what is left of the payload and removes the cgroup where it was ours to make. Never more than the sub-group
 * `payload`: the group around it may be a unit that holds others, the caller too (--keep-unit). */
static void clear_cgroup(const Machine *machine)
{
    _cleanup_free_ char *payload = machine->cgroup ? text_format("%s/payload", machine->cgroup) : NULL;
    _cleanup_close_ int root_fd = -EBADF, group_fd = -EBADF;
    bool is_hybrid = false, is_populated = true;

    if (!payload || cgroup_open_root(&root_fd, &is_hybrid) < 0)
        return;
    if (cgroup_open(root_fd, payload, false, &group_fd) < 0) {
        if (!machine->unit)
            (void) cgroup_remove(root_fd, machine->cgroup);
        return;
    }
    (void) cgroup_kill(group_fd);
    for (unsigned i = 0; i < 100 && cgroup_is_populated(group_fd, &is_populated) == 0 && is_populated; i++)
        (void) poll(NULL, 0, 10);
    if (!machine->unit)
        (void) cgroup_remove(root_fd, machine->cgroup);
}

/* The note of a range of ids. Its lock went with the supervisor. */
static void release_ranges(Roster *roster, const Machine *machine)
{
    STRV_FOREACH (number, machine->id_ranges) {
        _cleanup_free_ char *path = text_is_name(*number) ? text_format("ranges/%s", *number) : NULL;

        if (path)
            (void) unlinkat(roster->run_fd, path, 0);
    }
}

void roster_undo(Roster *roster, const Machine *machine)
{
    _cleanup_close_ int leader = machine_open_leader(machine);
    _cleanup_free_ char *definition = text_format("%s.container", machine->name);

    if (leader >= 0)
        (void) process_send_signal(leader, 9);
    clear_cgroup(machine);
    release_ranges(roster, machine);
    /* The record is its name's, which is ours: another one of this name has not been started yet. */
    if (machine->ports)
        (void) publish_remove_owner(machine->name);
    if (machine->remove && roster->containers_fd >= 0)
        (void) file_remove_tree_at(roster->containers_fd, machine->name);
    if (machine->remove && machine->has_definition && definition)
        (void) unlinkat(roster->definitions_fd, definition, 0);
    (void) unlinkat(roster->attach_fd, machine->name, 0);
    roster_forget(roster, machine->name);
    roster_unlock(roster, machine->name);
}

/* Of a container that went with its end nobody asks for ever how that was. */
static void sweep_exits(Roster *roster)
{
    _cleanup_strv_ char **names = NULL;
    MachineExit record = {};
    struct stat st;

    (void) file_list_at(roster->exits_fd, ".", text_is_name, &names);
    STRV_FOREACH (name, names)
        if (fstatat(roster->exits_fd, *name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            time(NULL) - st.st_mtime > EXIT_AGE_SEC && roster_load_exit(roster, *name, &record) == 0 &&
            record.is_removed)
            (void) unlinkat(roster->exits_fd, *name, 0);
}

/* A machine that goes on without its supervisor keeps what it has. */
static bool is_needed(const char *lock, int fd, void *userdata)
{
    Roster *roster = userdata;
    char owner[TEXT_NAME_MAX + 1];
    const char *name = label_lock_owner(lock, fd, owner, sizeof(owner)) ? owner : lock;

    return text_is_name(name) && roster_has(roster, name);
}

void roster_sweep(Roster *roster)
{
    /* A supervisor does not know which categories it holds, and neither it nor a launcher may live to unlink a name. */
    lock_sweep(roster->locks_fd, TEMPORARY_AGE_SEC, is_needed, roster);
    sweep_exits(roster);
    file_sweep_temporary_at(roster->machines_fd, TEMPORARY_AGE_SEC);
    file_sweep_temporary_at(roster->exits_fd, TEMPORARY_AGE_SEC);
    file_sweep_temporary_at(roster->definitions_fd, TEMPORARY_AGE_SEC);
}

int roster_reconcile(Roster *roster, RosterReport report, void *userdata)
{
    _cleanup_strv_ char **names = NULL;
    int r = roster_list(roster, &names);

    if (r < 0)
        return r;
    STRV_FOREACH (name, names) {
        _cleanup_(machine_freep) Machine *machine = NULL;
        _cleanup_error_ Error error = {};
        _cleanup_close_ int lock_fd = -EBADF;

        if (roster_lock(roster, *name, &lock_fd) < 0)
            continue;
        /* Nobody holds the name: whatever the state says, the supervisor is gone. */
        r = load(roster, *name, true, &machine, &error);
        if (r == 0 && machine_is_running(machine))
            continue;
        if (r == 0) {
            roster_undo(roster, machine);
            if (report)
                report(*name, "its supervisor died; what it left was taken back", userdata);
            continue;
        }
        roster_unlock(roster, *name);
        if (r == -EBADMSG && report)
            report(*name, error.text ? error.text : "damaged state", userdata);
    }
    return 0;
}

void machine_tell(const Machine *machine, EventKind kind)
{
    events_emit((Event){.kind = kind,
                        .name = machine->name,
                        .id = machine->id,
                        .image = machine->image,
                        .image_id = machine->image_id,
                        .unit = machine->unit});
}
