/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the roster of running machines: one state file each below /run/berth/machines, a lock per name that dies with
 *       its holder, exit records, and taking back what a dead machine left.
 * Never does: start a machine; trust a state file further than the lock beside it.
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"
#include "proto/events.h"
#include "proto/state.h"

typedef struct Roster {
    int run_fd;      /* /run/berth */
    int machines_fd; /* state files */
    int locks_fd, exits_fd;
    int attach_fd;      /* sockets of detached machines */
    int logs_fd;        /* where there is no journal */
    int seccomp_fd;     /* compiled filters */
    int definitions_fd; /* /run/berth/containers */
    int data_fd;        /* /var/lib/berth, -EBADF when it is not there */
    int containers_fd;  /* /var/lib/berth/containers, -EBADF when it is not there */
} Roster;

void roster_close(Roster *roster);
DEFINE_CLEANUP(Roster *, roster_close)

/* Opens (and with `create` makes, 0700) the directories. -ENOENT without `create` when nothing ever ran. The places can
 * be moved by BERTH_RUN_DIR and BERTH_DATA_DIR, for tests. */
int roster_open(bool create, Roster **ret, Error *error);

/* For who has the run directory by fd and changes nothing but state files. */
int roster_open_at(int run_fd, Roster **ret, Error *error);

/* Takes the name: an exclusive lock on locks/NAME, held by the fd and all its copies. -EBUSY when somebody has it. */
int roster_lock(Roster *roster, const char *name, int *ret_fd);

/* Removes the name of a lock that the caller holds; the lock itself goes with its last fd. */
void roster_unlock(Roster *roster, const char *name);

/* -ENOENT: no such machine. A file that cannot be read is reported as -EBADMSG, and moved to .#NAME.corrupt unless
 * the machine's supervisor lives. */
int roster_load(Roster *roster, const char *name, Machine **ret, Error *error);
int roster_save(Roster *roster, const Machine *machine);
/* The same when there is one already: -ENOENT when its supervisor has removed it, and nothing is written. */
int roster_update(Roster *roster, const Machine *machine);
/* Takes back what the machine left: processes, cgroup, directories, state, the lock's name. Only for a dead supervisor,
 * and by whoever holds the lock. */
void roster_undo(Roster *roster, const Machine *machine);
/* Removes the state file. */
void roster_forget(Roster *roster, const char *name);

/* Tells of what happened to it (host/events.h). */
void machine_tell(const Machine *machine, EventKind kind);

/* Whether the machine's supervisor lives: its name is locked. */
bool roster_is_alive(Roster *roster, const char *name);
/* Whether there is a state file of that name. */
bool roster_has(Roster *roster, const char *name);

/* The names that have a state file, sorted. */
int roster_list(Roster *roster, char ***ret);

/* What its health checks say; -ENOENT without one that has ended. */
int roster_load_health(Roster *roster, const char *name, MachineHealth *ret);

/* 0, or -ENOENT when it has not ended since it was last started. */
int roster_load_exit(Roster *roster, const char *name, MachineExit *ret);
void roster_forget_exit(Roster *roster, const char *name);
/* Removes the log file with its older parts NAME:1, NAME:2, … */
void roster_forget_log(Roster *roster, const char *name);

/* Takes back what machines left whose supervisor and first process are both dead: processes in their cgroup, the cgroup, a
 * directory that was to go, the state file. A machine that runs on without its supervisor is left alone: it can be
 * listed, entered and stopped. `report` is told of each that was taken back; may be NULL. */
typedef void (*RosterReport)(const char *name, const char *what, void *userdata);
int roster_reconcile(Roster *roster, RosterReport report, void *userdata);
/* Removes the temporary files of writers that were killed, the names of containers and of SELinux categories that nobody holds
 * and no machine has, and a day later the exit records of containers that were removed at their end. */
void roster_sweep(Roster *roster);

/* A pidfd of the machine's first process, verified by its start time: -ESRCH when the pid was recycled. */
int machine_open_leader(const Machine *machine);
int machine_open_supervisor(const Machine *machine);
/* The machine's user namespace: what mount_map_ids() takes to show files of the host as its own. -ENOENT when it has the
 * host's. */
int machine_open_userns(const Machine *machine);
/* Whether its first process lives, supervised or not. */
bool machine_is_running(const Machine *machine);
