/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: one job done by one confined, disposable process, and the messages that come back from it.
 * Never does: believe them: sizes are checked, and what they mean is the receiver's to judge.
 * Runs in: the importer and berthctl; `run` in the child. */

#include "base/error.h"

#include <stdint.h>

#define WORKER_MESSAGE_MAX (32U << 10)

typedef struct Worker Worker; /* the child's side */

typedef struct WorkerJob {
    const char *name;
    int root_fd;     /* the directory that becomes the child's "/"; < 0: an empty one that nothing can be made in */
    int input_fd;    /* to read; <= 0: none */
    int output_fd;   /* to write; <= 0: none */
    int copy_fd;     /* to write, what was read; <= 0: none */
    int tree_fds[3]; /* detached mounts to work on; <= 0: none */
    uint64_t capabilities;
    /* In the child; `root_fd` is its "/" there. */
    int (*run)(Worker *worker, const struct WorkerJob *job, int root_fd, Error *error);
    const void *argument;
    /* In the parent, for each message; `data` is NUL-terminated behind `size` bytes. */
    int (*receive)(unsigned kind, const char *data, size_t size, void *userdata, Error *error);
    void *userdata;
} WorkerJob;

/* Sends a message; kinds below 16 are the job's own. */
int worker_send(Worker *worker, unsigned kind, const void *data, size_t size);

typedef struct WorkerProcess {
    const WorkerJob *job;
    int pidfd, pipe_fd;
} WorkerProcess;
#define WORKER_PROCESS_NONE ((WorkerProcess){NULL, -EBADF, -EBADF})
/* Kills it when it still runs. */
void worker_process_done(WorkerProcess *process);
#define _cleanup_worker_process_ _cleanup_(worker_process_done)

/* The job must stay where it is until worker_finish(). */
int worker_start(const WorkerJob *job, WorkerProcess *ret, Error *error);
/* Receives until the end. The child's error is returned as if it had happened here; a child that died is
 * -EIO. */
int worker_finish(WorkerProcess *process, Error *error);

int worker_run(const WorkerJob *job, Error *error);
