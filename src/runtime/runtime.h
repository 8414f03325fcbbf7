/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the verbs of berth-runtime share: the command line as data, the record of a container in the root directory.
 * Never does: make a container (launch/bundle.h does).
 * Runs in: berth-runtime, as root on the host; one command, then it is gone. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNTIME_ROOT    "/run/berth-runtime"
#define RUNTIME_VERSION "1.2.0" /* of the specification, in what `state` tells */
#define CONFIG_NAME     "config.json"

typedef struct Runtime Runtime;

typedef enum RuntimeVerbFlags {
    VERB_CREATE = 1 << 0,
    VERB_RUN = 1 << 1,
    VERB_DELETE = 1 << 2,
    VERB_KILL = 1 << 3,
    VERB_LIST = 1 << 4,
    VERB_PS = 1 << 5,
    VERB_SPEC = 1 << 6,
    VERB_OTHER = 1 << 7,
    VERB_GLOBAL = 1 << 8, /* of an option: stands before the verb */
} RuntimeVerbFlags;

typedef struct RuntimeVerb {
    const char *name, *arguments, *help;
    RuntimeVerbFlags flag;
    int least_arguments, most_arguments;
    int (*run)(Runtime *runtime, Error *error);
} RuntimeVerb;

struct Runtime {
    const RuntimeVerb *verb;
    char **words;
    /* global options */
    const char *root, *log_file, *log_format, *log_level, *cgroup_manager, *rootless;
    bool systemd_cgroup, debug, help, version;
    /* of verbs */
    const char *bundle, *pid_file, *console_socket, *config, *format, *preserve_fds;
    bool no_pivot, no_new_keyring, detach, keep, force, all, quiet;

    int root_fd;
    int exit_status; /* what the program ends with; -1: by the result */
};

/* tables.c */
extern const RuntimeVerb runtime_verbs[];
extern const size_t runtime_verbs_count;
int runtime_parse(Runtime *runtime, int argc, char *argv[], Error *error);
void runtime_help(void);

/* log.c: to standard error, and into the file of --log, as engines read it. */
void runtime_log(const Runtime *runtime, const char *level, const char *text);
void runtime_notice(const char *text, void *runtime);

/* state.c */
typedef enum ContainerStatus {
    STATUS_CREATING,
    STATUS_CREATED,
    STATUS_RUNNING,
    STATUS_PAUSED,
    STATUS_STOPPED,
    _STATUS_MAX
} ContainerStatus;

typedef struct ContainerState {
    char *id, *bundle, *rootfs, *cgroup, *created, *annotations; /* annotations: JSON */
    uint64_t pid, pid_started;
    bool has_pid_namespace;
    int directory_fd; /* ROOT/ID */
} ContainerState;

void container_state_done(ContainerState *state);
#define _cleanup_state_ _cleanup_(container_state_done)

/* Makes ROOT/ID: -EEXIST. */
int container_state_make(Runtime *runtime, const char *id, ContainerState *ret, Error *error);
int container_state_save(const ContainerState *state, Error *error);
/* -ENOENT: there is none. */
int container_state_load(Runtime *runtime, const char *id, ContainerState *ret, Error *error);
/* Removes ROOT/ID. */
void container_state_forget(Runtime *runtime, const char *id);

ContainerStatus container_status(const ContainerState *state);
const char *container_status_to_string(ContainerStatus status);
/* Its first process, -ESRCH when that has ended. */
int container_open_process(const ContainerState *state);
int container_open_cgroup(const ContainerState *state, int *ret_fd);

/* The socket that the container waits at, in its directory. */
int container_listen(const ContainerState *state);
int container_connect(const ContainerState *state);

/* Whatever is left of it is ended and removed. */
int container_destroy(Runtime *runtime, ContainerState *state, Error *error);

/* verbs */
int verb_create(Runtime *runtime, Error *error);
int verb_start(Runtime *runtime, Error *error);
int verb_run(Runtime *runtime, Error *error);
int verb_state(Runtime *runtime, Error *error);
int verb_kill(Runtime *runtime, Error *error);
int verb_delete(Runtime *runtime, Error *error);
int verb_list(Runtime *runtime, Error *error);
int verb_ps(Runtime *runtime, Error *error);
int verb_pause(Runtime *runtime, Error *error);
int verb_resume(Runtime *runtime, Error *error);
int verb_spec(Runtime *runtime, Error *error);
int verb_features(Runtime *runtime, Error *error);
