/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the isolation profiles: what a container of a kind may do unless settings say otherwise, one row each.
 * Never does: I/O; know which container has which (spec.c decides), or carry any of it out (plan/ does).
 * Runs in: fat programs; pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device node that every container of the profile has. Numbers: Documentation/admin-guide/devices.txt of Linux. */
typedef struct ProfileDevice {
    const char *path;
    unsigned major, minor;
} ProfileDevice;

/* Pointers lead to constants. Lists of paths end with NULL; a '*' in one stands for the number of a processor. */
typedef struct Profile {
    const char *name, *description;
    uint64_t capabilities; /* 1 << CAP_* of capabilities(7) */
    bool no_new_privileges;
    const char *seccomp; /* of the profiles of host/seccomp-profile.h */
    const char *const *masked_paths, *const *read_only_paths;
    bool has_writable_sys;     /* /sys is not read-only */
    bool has_writable_cgroup;  /* nor is /sys/fs/cgroup */
    bool owns_cgroup;          /* with a user namespace, its root manages the container's part of the cgroup tree */
    bool has_all_devices;      /* no device filter, and device nodes in the root file system work */
    bool needs_user_namespace; /* it would be no boundary without one */
    bool runs_containers;      /* for what SELinux calls a container engine */
    const char *device_policy; /* DevicePolicy= of systemd.resource-control(5), NULL: none */
    const char *devices_allow; /* DeviceAllow=, NULL: none */
    const char *tasks_max;     /* TasksMax= */
} Profile;

extern const Profile profiles[];
extern const size_t profiles_count;

/* What holds in an OCI bundle: nothing that it does not say itself. Not among the others, nobody chooses it. */
extern const Profile profile_bundle;

/* NULL: there is none of that name. */
const Profile *profile_find(const char *name);

/* The device nodes in every container's /dev, whatever its profile. Ended by a row without a path. */
extern const ProfileDevice profile_devices[];

/* Namespaces that every container has of its own when nothing else is said, whatever its profile: names of namespaces(7).
 * Ended by NULL. */
extern const char *const profile_namespaces[];
