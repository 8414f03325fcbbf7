/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is calling: what the bus knows of the connection since it was made, and where that process lives. */

#include "daemon/daemon.h"

#include "base/text.h"
#include "kernel/cgroup.h"
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

void caller_done(Caller *caller)
{
    free(caller->sender);
    *caller = (Caller){.uid = (uid_t) -1};
}

static bool is_alive(int pidfd)
{
    struct pollfd poll_one = {pidfd, POLLIN, 0};

    return poll(&poll_one, 1, 0) == 0;
}

/* One entry of GetConnectionCredentials' a{sv}. */
static int read_credential(sd_bus_message *reply, Caller *caller, int *ret_pidfd)
{
    const char *key = NULL, *contents = NULL;
    uint32_t number = 0;
    int fd = -EBADF, r = sd_bus_message_read(reply, "s", &key);

    if (r < 0)
        return r;
    r = sd_bus_message_peek_type(reply, NULL, &contents);
    if (r < 0)
        return r;
    if (strcmp(key, "ProcessFD") == 0 && strcmp(contents, "h") == 0) {
        r = sd_bus_message_read(reply, "v", "h", &fd);
        if (r >= 0)
            *ret_pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return r;
    }
    if (strcmp(contents, "u") != 0)
        return sd_bus_message_skip(reply, "v");
    r = sd_bus_message_read(reply, "v", "u", &number);
    if (r >= 0 && strcmp(key, "UnixUserID") == 0)
        caller->uid = number;
    else if (r >= 0 && strcmp(key, "ProcessID") == 0)
        caller->pid = (pid_t) number;
    return r;
}

static int ask_bus(Daemon *daemon, Caller *caller, int *ret_pidfd)
{
    sd_bus_message *reply = NULL;
    int r = sd_bus_call_method(daemon->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetConnectionCredentials", NULL, &reply, "s", caller->sender);

    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0) {
        r = sd_bus_message_enter_container(reply, 'e', "sv");
        if (r <= 0)
            break;
        r = read_credential(reply, caller, ret_pidfd);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    sd_bus_message_unref(reply);
    return r;
}

bool caller_shares_namespace(pid_t pid, const char *kind)
{
    _cleanup_free_ char *theirs = text_format("/proc/%d/ns/%s", (int) pid, kind);
    _cleanup_free_ char *ours = text_format("/proc/self/ns/%s", kind);
    struct stat a, b;

    return theirs && ours && stat(theirs, &a) == 0 && stat(ours, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

const KnownMachine *caller_find_machine(const Daemon *daemon, pid_t pid)
{
    char path[PATH_MAX];

    if (cgroup_path_of(pid, path, sizeof(path)) < 0)
        return NULL;
    for (size_t i = 0; i < daemon->machines_count; i++) {
        const char *cgroup = daemon->machines[i].cgroup, *rest = NULL;

        if (cgroup)
            rest = text_after_prefix(path + strspn(path, "/"), cgroup + strspn(cgroup, "/"));
        /* The group around it has the supervisor, and may be a unit with other processes. */
        rest = rest ? text_after_prefix(rest, "/payload") : NULL;
        if (rest && (*rest == 0 || *rest == '/'))
            return &daemon->machines[i];
    }
    return NULL;
}

int caller_identify(Daemon *daemon, sd_bus_message *message, Caller *ret)
{
    _cleanup_caller_ Caller caller = {.uid = (uid_t) -1};
    _cleanup_close_ int pidfd = -EBADF;
    const char *sender = sd_bus_message_get_sender(message);
    int r;

    caller.sender = sender ? strdup(sender) : NULL;
    if (!caller.sender)
        return sender ? -ENOMEM : -ESRCH;
    r = ask_bus(daemon, &caller, &pidfd);
    if (r == -ENOMEM)
        return r;
    if (r < 0 || caller.uid == (uid_t) -1 || caller.pid <= 0)
        return -ESRCH;
    /* On the session bus there is only this user, and nothing that a container could gain. */
    if (!daemon->is_user)
        caller.is_inside = !caller_shares_namespace(caller.pid, "user") ||
                           !caller_shares_namespace(caller.pid, "pid") || caller_find_machine(daemon, caller.pid);
    /* The process that made the connection still lives, so what was read by its pid was of it. */
    if (pidfd >= 0 && !is_alive(pidfd))
        return -ESRCH;
    if (pidfd >= 0)
        caller.pidfd_id = process_pidfd_id(pidfd);
    *ret = caller;
    caller = (Caller){.uid = (uid_t) -1};
    return 0;
}

bool caller_is_privileged(const Daemon *daemon, const Caller *caller)
{
    return !caller->is_inside && (caller->uid == 0 || (daemon->is_user && caller->uid == geteuid()));
}

bool caller_owns(const Caller *caller, uid_t owner)
{
    return !caller->is_inside && caller->uid == owner;
}

bool caller_may_see(const Daemon *daemon, const Caller *caller, uid_t owner)
{
    return caller_is_privileged(daemon, caller) || caller_owns(caller, owner);
}
