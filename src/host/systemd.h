/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the conversation with the service manager: transient scopes, jobs, unit properties, readiness
 *       messages.
 * Never does: link libsystemd (loaded when the first connection is opened), start a user manager, ask polkit.
 * Runs in: fat programs on the host side, as root; systemd_is_running() and systemd_notify() load nothing. */

#include "base/error.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True when systemd is PID 1 here: /run/systemd/system is a directory (sd_booted(3)). */
bool systemd_is_running(void);

/* One private connection. Not for use after fork(). Holds at most one scope request at a time. */
typedef struct Systemd Systemd;

/* -EOPNOTSUPP without libsystemd or without a running systemd, else -errno of the connection.
 * The system bus is tried first and systemd's private socket, where a call starts 1.3 ms later, after it. */
int systemd_open(Systemd **ret, Error *error);
void systemd_close(Systemd *systemd);
DEFINE_CLEANUP(Systemd *, systemd_close)
#define _cleanup_systemd_ _cleanup_(systemd_closep)

/* How `systemctl stop berth-NAME.scope` (and shutdown) becomes an orderly stop.
 *
 * A scope has no main process, so KillMode=mixed sends nobody the first signal and goes on to SIGKILL at
 * once, and KillMode=process leaves everything running (unit_kill_context() in systemd's src/core/unit.c, 252
 * to 257). Controller= (the RequestStop signal) needs a process that stays on the bus as long as the
 * container; our supervisor links libc only. What is left is KillMode=control-group, which signals every
 * process of the scope, payload included. So the signal must be one that a payload does not notice: SIGURG,
 * whose default action is to do nothing. Programs with a handler for it (the Go runtime, PostgreSQL's
 * latches) expect spurious ones. The supervisor blocks it and takes it as "stop in order": it forwards the
 * payload's own stop signal, waits, kills. systemd sends SIGCONT beside it, and SIGKILL to what is left after
 * TimeoutStopSec, which must be longer than the supervisor's own wait.
 *
 * A Berth inside a container gets the signal, too, when the outer scope is stopped, and stops its own in
 * order.
 *
 * On a host whose systemd hierarchy is cgroup v1, systemd does not wait for a delegated unit between the two
 * signals: there only `berthctl stop` is orderly. */
#define SYSTEMD_SCOPE_STOP_SIGNAL SIGURG

typedef struct ScopeRequest {
    const char *name;        /* "berth-web.scope" */
    const char *slice;       /* "machine-berth.slice" */
    const char *description; /* or NULL */

    const pid_t *pids; /* at least one; as systemd's PID namespace counts */
    const int *pidfds; /* NULL, or one for each of `pids`: used where the manager knows them (253) */
    size_t pids_count;

    char *const *properties;    /* "MemoryMax=64M", each accepted by property_check(); or NULL */
    uint64_t timeout_stop_usec; /* 0: the manager's default; UINT64_MAX: for ever */
} ScopeRequest;

/* Sends StartTransientUnit and returns without waiting for the answer, so that the caller can build
 * namespaces meanwhile. Nothing of `request` is needed afterwards; the pidfds may be closed.
 *
 * Always set: Delegate=yes, CollectMode=inactive-or-failed, KillMode=control-group, KillSignal=SIGURG
 * (above); OOMPolicy=continue where systemd is 253 or later (before, it is what Delegate= implies) and
 * TasksMax=16384 unless among the properties. A property of the caller stands after ours and so overrides it,
 * except Delegate=, KillMode= and KillSignal=, which property_check() refuses. */
int systemd_scope_start(Systemd *systemd, const ScopeRequest *request, Error *error);
/* Waits until the scope is active and holds the processes. -EEXIST: a unit of that name is loaded; -ESRCH or
 * -EIO: a process is gone; -ECANCELED: the job was cancelled; -ETIMEDOUT: no answer in 60 s; -ESHUTDOWN: the
 * host goes down; -EACCES; -EINVAL: a property or the name. The text names the unit and what the manager
 * said. */
int systemd_scope_wait(Systemd *systemd, Error *error);
/* True between a successful start and the end of wait. */
bool systemd_scope_is_pending(const Systemd *systemd);

/* Queue the job and wait for its end; stop waits as long as the unit's TimeoutStopSec lets it take.
 * -ENOENT: no such unit (for stop: it is not loaded, so there is nothing to stop). */
int systemd_unit_start(Systemd *systemd, const char *unit, Error *error);
int systemd_unit_stop(Systemd *systemd, const char *unit, Error *error);
int systemd_unit_restart(Systemd *systemd, const char *unit, Error *error);
/* Queues the stop and returns. */
int systemd_unit_stop_queue(Systemd *systemd, const char *unit, Error *error);

/* `who` is "all", "main" or "control"; a scope has only "all". -ESRCH: no process to kill. */
int systemd_unit_kill(Systemd *systemd, const char *unit, const char *who, int signal_number, Error *error);
/* Ends what FreezeUnit did. */
int systemd_unit_thaw(Systemd *systemd, const char *unit, Error *error);
/* A unit that is not loaded counts as reset. */
int systemd_unit_reset_failed(Systemd *systemd, const char *unit, Error *error);

/* Properties by their D-Bus names ("MemoryMax", "TimeoutStopUSec"), of the unit's type or of Unit.
 * -ENODATA: the unit has no such property. A unit that is not loaded answers with the defaults. */
int systemd_unit_property_string(Systemd *systemd, const char *unit, const char *property, char **ret, Error *error);
/* Takes every unsigned, signed (as its bits) and boolean type. */
int systemd_unit_property_u64(Systemd *systemd, const char *unit, const char *property, uint64_t *ret, Error *error);
/* The cgroup below the root of the systemd hierarchy: "/machine.slice/…/berth-web.scope"; -ENOENT when the
 * unit has none because it is not active. */
int systemd_unit_cgroup(Systemd *systemd, const char *unit, char **ret, Error *error);
/* "active", "activating", "deactivating", "inactive", "failed", "reloading", "maintenance". */
int systemd_unit_active_state(Systemd *systemd, const char *unit, char **ret, Error *error);
/* The unit that holds a process, by its cgroup: "berth-web.scope". -ENOENT: none. */
int systemd_unit_of_pid(Systemd *systemd, pid_t pid, char **ret, Error *error);

/* SetUnitProperties: `properties` as in ScopeRequest; `runtime` false keeps them over a reboot
 * (/etc/systemd). */
int systemd_set_properties(Systemd *systemd, const char *unit, char *const *properties, bool runtime, Error *error);
/* Waits for the end of the reload. */
int systemd_daemon_reload(Systemd *systemd, Error *error);
/* The manager's "252.39-1~deb12u1" as 252. */
int systemd_version(Systemd *systemd, unsigned *ret, Error *error);

/* A datagram socket that is connected to $NOTIFY_SOCKET, for somebody else to send by. 1; 0: there is none. */
int systemd_notify_open(int *ret_fd);
/* sd_notify(3) without the library: one datagram ("READY=1\nSTATUS=…\n") to $NOTIFY_SOCKET, a path or
 * "@abstract". 1 sent, 0 no socket in the environment, else -errno. */
int systemd_notify(const char *message);
/* READY=1, with MAINPID= when `main_pid` > 0 and STATUS= when `status` is not NULL. Returns as
 * systemd_notify(). */
int systemd_notify_ready(pid_t main_pid, const char *status);
