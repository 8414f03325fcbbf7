/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the executor's state: the plan, its fds, what steps wrote, the sockets of the handshake; the step loop.
 * Never does: decide anything that the plan could have said; link more than the C library.
 * Runs in: the supervisor (host and outer steps) and, as a copy, in the container's first process (inner steps). */

#include "executor/trace.h"
#include "steps/messages.h"
#include "steps/steps.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TREES_MAX 128

typedef struct Identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[64];
    size_t groups_count;
    char home[256];
    bool has_home;
} Identity;

/* All fds are -EBADF where there is none. */
typedef struct Context {
    StepList plan;
    const int *fds; /* the plan's fds, in order */
    size_t fds_count;

    int control_fd; /* supervisor ↔ launcher */
    int inner_fd;   /* the end of this process of the socket between supervisor and inner process */

    int trees[TREES_MAX]; /* detached mounts, by number - 1 */
    size_t trees_count;

    /* slots */
    int cgroup_fd; /* the container's cgroup */
    int payload_cgroup_fd;
    uid_t cgroup_uid; /* who manages it, 0: the host's root */
    gid_t cgroup_gid;
    int payload_pidfd;
    pid_t payload_pid;
    int root_fd;
    bool is_pivoted;
    int proc_fd; /* own mount of the container's procfs, never reached by a path that could be redirected */
    Identity identity;
    int userns_fd;  /* supervisor: the container's user namespace, its ids mapped */
    uid_t root_uid; /* of the container's root on the host */
    gid_t root_gid;
    uint32_t link_index; /* supervisor: the host's end of the container's link, and its name; 0: none */
    char link_name[16];
    uint32_t link_number, address; /* which of the network's addresses: IPv4, in the host's byte order */
    unsigned char address6[16];    /* all zero: none */
    bool is_published;             /* ports of the host lead there */
    int host_mounts_fd;            /* supervisor: its own mount namespace, while it is in the container's */
    bool may_ask;                  /* inner process: in a user namespace, with a supervisor that does what it may not */
    bool made_directory;           /* STEP_DIRECTORY found none there */
    bool is_waiting;               /* the first process awaits its start: STEP_AWAIT */
    bool is_failing;               /* undoing a start that did not succeed */

    int notify_fd;        /* supervisor: what the payload tells of itself comes here */
    int terminal_fd;      /* supervisor: primary end */
    int output_fds[2];    /* supervisor: read ends of the payload's stdout and stderr */
    int payload_stdio[3]; /* what the inner process puts on 0, 1, 2; -EBADF keeps its own */

    size_t current; /* step being run */
    Trace *trace;   /* when each step was; NULL: nobody knows */
    char failure[sizeof(((Message *) 0)->text)];
    int end_code;    /* how the payload ended, as a shell has it */
    int exit_status; /* what the launcher should exit with when this fails; 0: 125 */
} Context;

/* Nothing known and every fd unset. */
void context_init(Context *context);

/* Records the text of a failure, once, and returns r. */
int fail(Context *context, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a place in the root that nothing can be mounted on or made in. */
int target_failure(Context *context, int r, const char *target);

/* The fd that a field names by place plus one; -EBADF for 0 or out of range. */
int context_fd(const Context *context, uint64_t place_plus_one);
int context_tree(const Context *context, uint64_t number);

/* Runs the steps of one side in order; undoes what was done on failure. */
int run_host_steps(Context *context);
_Noreturn void run_inner_steps(Context *context);
int run_step(Context *context, size_t number);

/* outer.c: the supervisor carries out the row of outer steps from `first` on, or one inner step that it was asked for, and
 * answers. The inner process asks for those from the current one on: *ret_fd is what was made, or -EBADF. */
int serve_outer_steps(Context *context, size_t first, int root_fd);
int ask_for_steps(Context *context, int *ret_fd);

/* Undoes steps in reverse: what was done from outside for a payload, and host steps from the one before `end`. Failures are
 * ignored: there is nobody to tell, and whoever comes next reconciles. */
void undo_steps(Context *context, size_t end);

/* Once more what comes before supervision. Nothing is undone on failure: the end does that. */
int run_start_steps(Context *context);
/* Follows the container's first process until its program runs. */
int follow_start(Context *context);
/* After the payload's end: starts it again. On failure there is none. */
int restart_payload(Context *context);

/* One record to the launcher (supervisor) or the supervisor (inner). */
void send_failure(Context *context, int socket_fd, int r);
int send_message(int socket_fd, MessageKind kind, int number, int fd);

/* Stays until the payload ends. */
int supervise(Context *context, const StepSupervise *step);
