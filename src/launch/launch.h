/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the pipeline of a start: gather facts, plan, hand over to the executor, announce, follow to the end; and the
 *       shorter one of entering a running machine.
 * Never does: parse options; print anything but the payload's own output.
 * Runs in: berthctl, as root on the host. */

#include "base/error.h"
#include "machines/roster.h"
#include "plan/plan.h"
#include "store/store.h"

#include <sys/types.h>

#define LAUNCH_EXIT_FAILURE 125 /* the container could not be started: docker-run(1), "Exit Status" */

typedef struct Launch Launch;

void launch_free(Launch *launch);
DEFINE_CLEANUP(Launch *, launch_free)

/* Told of everything that is done less than asked, one line each: "no cgroup: …". */
typedef void (*LaunchNotice)(const char *text, void *userdata);

/* CLOCK_MONOTONIC, for begun_usec. */
uint64_t launch_now_usec(void);

typedef struct LaunchRequest {
    Roster *roster;
    const ContainerSpec *spec; /* borrowed until launch_free() */
    const StoreImage *image;   /* of spec->image, borrowed; NULL for a directory */
    const Store *store;
    uint64_t begun_usec; /* CLOCK_MONOTONIC: when somebody asked for it, for the record of the start; 0: now */
    bool has_definition; /* a definition file was written for this run alone */
    LaunchNotice notice;
    void *userdata;
} LaunchRequest;

/* Opens what the plan needs and makes the plan; the host is as it was. With `probe` the name is not reserved. */
int launch_prepare(const LaunchRequest *request, bool probe, Launch **ret, Error *error);
const StepList *launch_plan(const Launch *launch);

/* Starts the executor and waits until the payload's program runs. On failure nothing is left, and *ret_exit_status says
 * what a command line should end with (125 to 127). */
int launch_start(Launch *launch, int *ret_exit_status, Error *error);

/* Foreground: passes terminal, pipes and signals on until the payload ends. */
int launch_follow(Launch *launch, MachineExit *ret, Error *error);

/* The pieces of an entry: what runs inside a machine, by its state. */
typedef struct EnterRequest {
    Roster *roster;
    const Machine *machine;
    char *const *argv;
    char *const *environment;             /* KEY=VALUE on top of the machine's */
    const char *user, *working_directory; /* NULL: the machine's */
    bool tty, interactive, detach, privileged;
} EnterRequest;

/* Runs a program inside a running machine; returns like launch_start() and launch_follow() in one. */
int launch_enter(const EnterRequest *request, int *ret_exit_status, Error *error);

/* Connects to a detached machine's terminal or output until it ends or the person detaches (Ctrl-P Ctrl-Q). The same
 * outcome as launch_follow(); -EREMOTE is "detached". */
int launch_attach(Roster *roster, const Machine *machine, MachineExit *ret, Error *error);

/* What an image says about how to run it, as the weakest layer of a spec. */
int launch_image_layer(const StoreImage *image, SpecLayer **ret, Error *error);
