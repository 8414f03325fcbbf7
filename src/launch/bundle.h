/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the pipeline of an OCI bundle: its spec and this host into a plan, the executor, and a container that waits for its
 *       start without a supervisor beside it.
 * Never does: read config.json; keep a record of the container (runtime/ does).
 * Runs in: berth-runtime, as root on the host. */

#include "base/error.h"
#include "spec/spec.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct BundleRequest {
    const ContainerSpec *spec;
    const char *id;
    int seccomp_fd;          /* directory of the cache, or -EBADF */
    int listen_fd;           /* whoever connects to this socket starts the program */
    const char *cgroup_path; /* below the root of the unified hierarchy, without a slash at its beginning */
    uint16_t rows, columns;  /* of the terminal; 0: whatever */
    /* Told of everything that is done less than asked, one line each. */
    void (*notice)(const char *text, void *userdata);
    void *userdata;
} BundleRequest;

typedef struct BundleContainer {
    pid_t pid;
    uint64_t started; /* of the process, as in process_start_time() */
    int terminal_fd;  /* the primary end, or -EBADF */
    int control_fd;   /* of the executor, until bundle_announce() */
    pid_t executor_pid;
} BundleContainer;

void bundle_container_done(BundleContainer *container);

/* Everything but the program itself: afterwards the container's first process waits. Standard streams are the caller's own. On
 * failure nothing is left; *ret_exit_status says what a command line should end with. */
int bundle_create(const BundleRequest *request, BundleContainer *ret, int *ret_exit_status, Error *error);

/* Others can find the container: the executor leaves it. Afterwards its first process is the child of whoever adopts ours
 * (PR_SET_CHILD_SUBREAPER of prctl(2)). Without this call a container ends with bundle_container_done(). */
int bundle_announce(BundleContainer *container, Error *error);

/* Lets the program of a container run: socket_fd is connected to its listen_fd. 0 when it does; else why not, and with what status
 * to end. */
int bundle_start(int socket_fd, const char *id, int *ret_exit_status, Error *error);
