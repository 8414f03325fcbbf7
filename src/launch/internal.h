/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the stages of a launch share. Private to launch/.
 * Never does: anything.
 * Runs in: berthctl. */

#include "host/label.h"
#include "host/seccomp.h"
#include "host/systemd.h"
#include "launch/launch.h"
#include "steps/messages.h"

#define LAUNCH_FDS_MAX 512

/* The fds that travel with a plan, in order. Owned ones are closed with the list. */
typedef struct FdList {
    int fds[LAUNCH_FDS_MAX];
    bool is_owned[LAUNCH_FDS_MAX];
    size_t count;
} FdList;

void fd_list_done(FdList *list);
/* Place plus one, as plans name fds; 0 when the list is full. Takes the fd when `owned`. */
uint64_t fd_list_add(FdList *list, int fd, bool owned);

typedef enum LaunchCgroup {
    LAUNCH_CGROUP_NONE,  /* nothing can be had: no limits, no accounting */
    LAUNCH_CGROUP_SCOPE, /* systemd makes a scope */
    LAUNCH_CGROUP_UNIT,  /* --keep-unit: the one we are in */
    LAUNCH_CGROUP_OWN,   /* no systemd: made below the unified hierarchy */
} LaunchCgroup;

/* What berthctl does one after the other; the executor works beside the last three. */
typedef enum LaunchPhase {
    LAUNCH_PHASE_READ, /* before launch_prepare() */
    LAUNCH_PHASE_GATHER,
    LAUNCH_PHASE_PLAN,
    LAUNCH_PHASE_SPAWN,
    LAUNCH_PHASE_CGROUP,
    LAUNCH_PHASE_STARTED,
    LAUNCH_PHASE_REGISTER,
    _LAUNCH_PHASE_MAX
} LaunchPhase;

struct Launch {
    LaunchRequest request;
    HostFacts facts;
    FdList fds;
    MountFacts *mounts;
    char **cgroup_files;
    char *cgroup_path, *resolv_conf, *unit, *host_os_release;
    char **host_environment;
    char **ports; /* to publish */
    Credential *credentials;
    size_t credentials_count;
    LaunchCgroup cgroup;
    SeccompFilter seccomp;
    void *health_plan;
    Label label;
    Machine *joined; /* the container whose PID namespace it is to have, or NULL */
    StepList plan;
    bool is_probe; /* only the plan is asked for */
    bool is_started;
    bool wants_registration; /* with systemd-machined */
    Machine *machine;
    char id[65];
    char machine_id[33]; /* what a system inside is told to be */
    int lock_fd;
    uint64_t begun_usec, phases_usec[_LAUNCH_PHASE_MAX]; /* monotonic: ends, 0 where there was none */
    StartTrace trace;
    int id_locks_fd; /* borrowed from fds; -EBADF: no range of ids was taken */

    /* Once started: */
    Systemd *systemd; /* only while it is needed: who stays on the bus has to read what comes */
    int control_fd, terminal_fd;
    pid_t executor_pid;
    int relay_fds[3]; /* our ends of the pipes that stand in for a terminal of the caller's */
    int child_fds[3]; /* what the executor gets as 0, 1, 2 */
};

/* enter.c: the steps of the health check, into the facts; nothing where there is none. */
int launch_plan_health(Launch *launch, Error *error);

/* register.c: with systemd-machined. Gathering opens the program that the supervisor will take it back with, or tell of
 * a restart; the rest does nothing where this machine is not to be registered. */
int launch_gather_registrar(Launch *launch, Error *error);
/* Sets machine->registered. An error only where it was asked for by name. */
int launch_register(Launch *launch, int leader_pidfd, Error *error);
/* After the announcement: a supervisor whose payload ended before it may not have heard of the registration. */
void launch_unregister_dead(Launch *launch, int leader_pidfd);

/* network.c: the network that the container gets a link to, and which name servers it asks. */
int launch_gather_network(Launch *launch, Error *error);

/* interface.c */
int launch_gather_interface(Launch *launch, Error *error);

/* journal.c: after the ids are known. Makes the directory or the link on the host. */
int launch_gather_journal(Launch *launch, Error *error);

/* credentials.c */
int launch_gather_credentials(Launch *launch, Error *error);
void launch_free_credentials(Launch *launch);
/* Notes in the machine's record which variables are secrets, and whose. */
int launch_record_secrets(Launch *launch);
/* "VARIABLE=NAME" of a machine's record to "VARIABLE=SECRET", which launch_wipe_strings() frees. What is not there any more is
 * left out. */
int launch_read_secret_variables(const Roster *roster, char *const *assignments, char ***ret, Error *error);
void launch_wipe_strings(char ***list);

/* trace.c */
void launch_trace_mark(Launch *launch, LaunchPhase phase);
/* Fills machine->start_trace. */
int launch_trace_record(Launch *launch);

/* gather.c */
int launch_gather(Launch *launch, Error *error);
unsigned launch_last_capability(void);
/* One line to whoever asked to hear them. */
void launch_notice(const Launch *launch, const char *text);

/* namespaces.c: opens those of others, and notes its own time in the machine's record. */
int launch_gather_namespaces(Launch *launch, Error *error);

/* userns.c: takes a range of ids and says which files are seen through it; notes it in the machine's record; forgets it,
 * and gives it back when the container did not start. */
int launch_gather_userns(Launch *launch, Error *error);
int launch_record_userns(Launch *launch);
void launch_forget_userns(Launch *launch);

/* label.c: after the root and the mounts are known. Relabels volumes. */
int launch_gather_label(Launch *launch, Error *error);

/* spawn.c: runs the executor from a read-only clone of itself. child_fds[i] < 0 is /dev/null. */
int launch_spawn_executor(const StepList *plan, const FdList *fds, const int child_fds[3], uint64_t linger_fd,
                          int *ret_control_fd, pid_t *ret_pid, Error *error);
/* The same clone, to be executed once more. */
int launch_open_executor(int *ret_fd, Error *error);
/* A unit's main process is to become the executor (`linger_fd` > 0): the one process that stays is the one that systemd watches.
 * Its end is the unit's, so it waits until the launcher, a copy of us, has said what went wrong: until this pipe is closed. */
int launch_make_linger(FdList *fds, uint64_t *ret_place);
/* What a payload without a terminal of its own gets as its standard streams: our files, or, where those are a terminal, pipes
 * whose other ends are in relay_fds. A terminal of the caller's never reaches the payload (TIOCSTI and its kind); nor, with a
 * SELinux `label`, any file of the caller's: the kernel would not let the payload use it, so it gets a pipe with that label.
 * In a user namespace output to a regular file goes through a pipe as well: the payload may open it anew (/dev/stdout),
 * which it may not do with a file of ours. What stays as it was is /dev/null. */
int launch_prepare_streams(bool interactive, bool has_userns, const char *label, int child_fds[3], int relay_fds[3]);
/* Reads one message; `fd` is what came with it or -EBADF. 1 a message, 0 the end, -ETIMEDOUT, -errno. */
int launch_read_message(int control_fd, int timeout_msec, Message *ret, int *ret_fd);
/* Tells the supervisor that it may outlive us, and whether it has a registration to take back at the end. */
int launch_announce(int control_fd, bool registered);
/* The text of a failure record with step and origin. */
int launch_explain_failure(const StepList *plan, const Message *message, const char *name, int *ret_exit_status,
                           Error *error);

/* relay.c */
typedef struct Relay {
    int control_fd;   /* the supervisor, or an attached one */
    int terminal_fd;  /* the payload's terminal, -EBADF: none */
    int *pipes;       /* [0] to its stdin, [1] and [2] from its stdout and stderr; or NULL. [0] is closed at
                         the end of our input */
    bool is_attached; /* control_fd is an attach socket: output comes over it, detaching is possible */
} Relay;
/* Until the end, or -EREMOTE when the person detached. */
int relay_run(const Relay *relay, MachineExit *ret, Error *error);
