/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines that are no containers of Berth's: somebody's process, under a name, until it ends. All that is believed of them is
 * what the kernel says of a pidfd; the rest is text. (CVE-2026-4105 and its kin registered what was not the caller's, or
 * what was root's own namespace, and then had a manager act on it.) */

#include "daemon/daemon.h"

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PER_USER_MAX      64
#define STOP_TIMEOUT_USEC (10 * UINT64_C(1000000))

static bool is_plain_path(const char *path)
{
    return path[0] == 0 || (path[0] == '/' && strlen(path) < 4096 && !strstr(path, "/../") && !strstr(path, "/./") &&
                            !strstr(path, "//") && !text_has_suffix(path, "/..") && !text_has_suffix(path, "/."));
}

static bool is_id(const char *id)
{
    return id[0] == 0 || (strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64);
}

int arguments_register(Request *request)
{
    const char *name = NULL;
    int r = sd_bus_message_read(request->message, "sssssh", &name, &request->machine_class, &request->service,
                                &request->root, &request->id, &request->fds[0]);

    if (r < 0)
        return r;
    /* A name of ours is a host name, too; "host" and what begins with a dot are no machine's. */
    if (!text_is_name(name) || !text_is_hostname(name) || strcmp(name, "host") == 0 ||
        strcmp(request->machine_class, "container") != 0 || !text_is_name(request->service) ||
        !is_plain_path(request->root) || !is_id(request->id))
        return -EINVAL;
    request->name = strdup(name);
    return request->name ? 0 : -ENOMEM;
}

static bool is_alive(int pidfd)
{
    struct pollfd poll_one = {pidfd, POLLIN, 0};

    return poll(&poll_one, 1, 0) == 0;
}

/* What keeps the caller from registering the leader; NULL: nothing. What was read by number was of the leader if that is
 * still alive afterwards. */
static const char *find_objection(const Request *request, pid_t pid)
{
    const Daemon *daemon = request->daemon;
    bool is_root = caller_is_privileged(daemon, request->caller) && request->caller->uid == 0;
    uid_t owner = (uid_t) -1;

    if (pid == 1)
        return "the leader is PID 1";
    if (!is_root && (process_user_of(pid, &owner) < 0 || owner != request->caller->uid))
        return "the leader is not the caller's";
    if (!is_root && caller_shares_namespace(pid, "user"))
        return "the leader is in the host's user namespace";
    if (caller_find_machine(daemon, pid))
        return "the leader is in a machine";
    return is_alive(request->fds[0]) ? NULL : "the leader has ended";
}

static size_t count_of_user(const Daemon *daemon, uid_t uid)
{
    size_t count = 0;

    for (size_t i = 0; i < daemon->machines_count; i++)
        count += daemon->machines[i].is_foreign && daemon->machines[i].owner == uid;
    return count;
}

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static char *make_id(void)
{
    unsigned char bytes[32];
    char *id = malloc(sizeof(bytes) * 2 + 1);

    if (!id || getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        free(id);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    id[sizeof(bytes) * 2] = 0;
    return id;
}

static int build_record(const Request *request, pid_t pid, Machine **ret)
{
    _cleanup_(machine_freep) Machine *machine = calloc(1, sizeof(*machine));

    if (!machine)
        return -ENOMEM;
    machine->schema = MACHINE_SCHEMA;
    machine->name = strdup(request->name);
    machine->id = request->id[0] != 0 ? strdup(request->id) : make_id();
    machine->machine_class = strdup(request->machine_class);
    machine->service = strdup(request->service);
    machine->foreign_root = request->root[0] != 0 ? strdup(request->root) : NULL;
    if (!machine->name || !machine->id || !machine->machine_class || !machine->service ||
        (request->root[0] != 0 && !machine->foreign_root))
        return -ENOMEM;
    machine->foreign = true;
    machine->owner = request->caller->uid;
    machine->leader = (uint64_t) pid;
    machine->leader_pidfd_id = process_pidfd_id(request->fds[0]);
    machine->created_usec = machine->started_usec = now_usec();
    machine->stop_signal = SIGTERM;
    machine->stop_timeout_usec = STOP_TIMEOUT_USEC;
    if (file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &machine->boot_id, NULL) < 0)
        return -EIO;
    machine->boot_id[strcspn(machine->boot_id, "\n")] = 0;
    if (process_start_time(pid, &machine->leader_started) < 0 || !is_alive(request->fds[0]))
        return -ESRCH;
    *ret = TAKE_PTR(machine);
    return 0;
}

/* Under the name's lock, as a launcher writes its own. */
static int save(Request *request, const Machine *machine)
{
    Roster *roster = request->daemon->roster;
    _cleanup_(machine_freep) Machine *old = NULL;
    _cleanup_close_ int lock_fd = -EBADF;
    int r = roster_lock(roster, request->name, &lock_fd);

    if (r == -EBUSY)
        return -EEXIST;
    if (r < 0)
        return r;
    r = roster_load(roster, request->name, &old, NULL);
    if (r == 0 && machine_is_running(old))
        return -EEXIST;
    if (r == 0)
        roster_undo(roster, old);
    return roster_save(roster, machine);
}

int method_register(Request *request)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_free_ char *path = object_path(BUS_OBJECT_MACHINE, request->name);
    const char *objection;
    pid_t pid = 0;
    int r = path ? process_pid_of(request->fds[0], &pid) : -ENOMEM;

    if (r == -EBADF || r == -ESRCH)
        return bus_reply_error(request->message, SD_BUS_ERROR_INVALID_ARGS, "The leader is not a living process");
    if (r < 0)
        return r;
    objection = find_objection(request, pid);
    if (objection)
        return authorize_refuse(request, BUS_TIER_REGISTER, objection);
    if (request->caller->uid != 0 && count_of_user(request->daemon, request->caller->uid) >= PER_USER_MAX)
        return bus_reply_error(request->message, BUS_ERROR_TOO_MANY, "The caller has too many machines registered");
    r = build_record(request, pid, &machine);
    if (r == 0)
        r = save(request, machine);
    if (r == -EEXIST)
        return bus_reply_error(request->message, BUS_ERROR_MACHINE_EXISTS, "There is a machine '%s' already",
                               request->name);
    return r < 0 ? r : sd_bus_reply_method_return(request->message, "o", path);
}

int method_unregister(Request *request)
{
    const Machine *machine = request->daemon->machine;
    Roster *roster = request->daemon->roster;
    _cleanup_close_ int lock_fd = -EBADF;

    if (machine && !machine->foreign)
        return bus_reply_error(request->message, BUS_ERROR_FAILED, "'%s' was not registered", request->name);
    if (machine && roster_lock(roster, request->name, &lock_fd) == 0) {
        roster_forget(roster, request->name);
        roster_unlock(roster, request->name);
    }
    return sd_bus_reply_method_return(request->message, NULL);
}
