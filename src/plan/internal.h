/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the contributors to a plan share. Private to plan/.
 * Never does: anything.
 * Runs in: fat programs; pure. */

#include "plan/plan.h"

#include <linux/mount.h>

typedef struct Planner {
    const ContainerSpec *spec;
    const HostFacts *facts;
    StepList *list;
    uint64_t trees;         /* STEP_CLONE_TREEs so far: their numbers */
    uint64_t data_tree;     /* of these, the data directory; 0: not needed */
    uint64_t root_tree;     /* of these, the root directory; 0: the root is an image */
    uint64_t journal_tree;  /* of these, the directory of the host for the journal; 0: not linked */
    bool root_is_recursive; /* with what is mounted below it */
    uint64_t device_tree;   /* of these, the file system for /dev; 0: it is made inside */
    uint64_t shm_tree;      /* of these, the /dev/shm of others; 0: its own */
    uint64_t *mount_trees;  /* for each spec mount its (first) tree, 0: none */
} Planner;

#define DEFAULT_ORIGIN "default"
/* For file systems that hold no programs and no devices. */
#define ATTRIBUTES_STRICT ((uint64_t) (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC))

static inline bool planner_has_userns(const Planner *planner)
{
    return planner->facts->userns.uid_map != NULL;
}

/* CLONE_NEW* of those that are made for it. */
uint64_t plan_new_namespaces(const Planner *planner);

/* Each contributes its steps in order; plan.c lists them. */
void plan_id_ranges(Planner *planner);
void plan_device_tree(Planner *planner);
void plan_ids(Planner *planner);
void plan_become_root(Planner *planner);
void plan_chown(Planner *planner);
void plan_host_resources(Planner *planner);
void plan_host_trees(Planner *planner);
void plan_start(Planner *planner);
void plan_root(Planner *planner);
void plan_api_mounts(Planner *planner);
void plan_devices(Planner *planner);
void plan_journal(Planner *planner);
void plan_interface(Planner *planner);
void plan_files(Planner *planner);
void plan_user_mounts(Planner *planner);
void plan_secrets(Planner *planner);
void plan_terminal(Planner *planner);
void plan_kernel_paths(Planner *planner);
void plan_enter(Planner *planner);
void plan_process(Planner *planner);
void plan_supervise(Planner *planner);

/* bundle.c: what only an OCI bundle has; nothing for others. */
void plan_bundle_devices(Planner *planner);
void plan_await(Planner *planner);
void plan_file_system(Planner *planner, const MountSpec *mount);
void plan_bundle_cgroup(Planner *planner, StepCgroup *step);
void plan_bundle_join_cgroup(Planner *planner, StepJoinCgroup *step);

/* Whether the payload is given a socket to tell of itself. */
bool plan_has_notify_socket(const Planner *planner);
/* And secrets of that place, and where they are. */
#define PLAN_CREDENTIALS "/run/host/credentials"
bool plan_has_credentials(const Planner *planner, CredentialPlace place);
/* "NAME=VALUE" of those that are variables, or NULL. */
const char **plan_secret_variables(Planner *planner);

/* The name of the work directory of a user's overlay, beside its writable directory. */
const char *plan_overlay_work_name(Planner *planner, size_t number);

/* Options of a file system that is made for this container: with its label. The kernel's own have the kernel's. */
const char **plan_labelled_options(Planner *planner, const char *type, char *const *options);

/* A mount step of the kind everything uses. */
void plan_add_mount(Planner *planner, const char *origin, const char *type, const char *target, uint64_t attributes,
                    char *const *options);
