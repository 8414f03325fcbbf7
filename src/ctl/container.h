/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what is known of a container by its name, running or not: state file, lock, exit record, definition.
 * Never does: print; look at the container's processes or files.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

typedef enum ContainerState {
    CONTAINER_STARTING, /* its payload does not run yet */
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_UNSUPERVISED, /* its supervisor is dead, what it left has not been taken back yet */
    CONTAINER_EXITED,       /* and how is known */
    CONTAINER_OOM_KILLED,   /* the same; the kernel killed it for want of memory */
    CONTAINER_STOPPED,      /* defined, and has not run since the host was booted */
    _CONTAINER_STATE_MAX
} ContainerState;

typedef struct Container {
    char *name;
    ContainerState state;
    Machine *machine;        /* of a running one, else NULL */
    MachineHealth health;    /* of a running one that has checks */
    MachineExit exit;        /* of EXITED and OOM_KILLED */
    char *definition;        /* path of the definition file, NULL when there is none */
    char *image, *directory; /* of the machine, or else of the definition; each may be NULL */
} Container;

void container_free(Container *container);
DEFINE_CLEANUP(Container *, container_free)
#define _cleanup_container_ _cleanup_(container_freep)

/* -ENOENT with the nearest name as a hint; -EBADMSG when the state file is damaged. */
int container_load(Ctl *ctl, const char *name, Container **ret, Error *error);

/* The names of the running ones; with `all` also of those that have a definition or left something that `rm`
 * removes. Sorted, each once. */
int container_list_names(Ctl *ctl, bool all, char ***ret, Error *error);

static inline bool container_is_running(const Container *container)
{
    return container->machine != NULL;
}

/* "running", "exited": for programs. */
const char *container_state_to_string(ContainerState state);
/* "exited (137)": for people. NULL: no memory. */
char *container_format_state(const Container *container);

/* All of it as one flat JSON object, new reference: "state", "definition", every member of a running one's
 * state file (also those of a newer version), every member of an ended one's exit record with "exit_" before
 * its name. NULL: no memory. */
json_t *container_build(const Container *container);
/* The names that container_build() can give, of this version; caller owns. */
int container_list_members(char ***ret);
