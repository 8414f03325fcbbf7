/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: HostFacts, what a plan needs to know of this host and of the chosen root, as plain values. Files are open fds;
 *       the plan names them by their place in the list, plus one.
 * Never does: gather (launch/ does).
 * Runs in: fat programs. */

#include "plan/forward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sources of one user mount, same order as spec->mounts. */
typedef struct MountFacts {
    uint64_t source_fd;  /* place plus one; 0: none needed */
    uint64_t *layer_fds; /* OVERLAY: one for each host layer; of the writable one its parent directory */
    size_t layers_count;
    bool is_file;
    bool maps_ids; /* its files are seen through the container's map of ids */
} MountFacts;

typedef enum CredentialPlace {
    CREDENTIAL_DIRECTORY, /* below $CREDENTIALS_DIRECTORY */
    CREDENTIAL_FILE,      /* a file of its own */
    CREDENTIAL_VARIABLE,
} CredentialPlace;

/* A secret for the payload. */
typedef struct Credential {
    char *name; /* a file's absolute path, or a variable's name */
    void *data;
    size_t size;
    CredentialPlace place;
    uint32_t mode, uid, gid; /* of a file, as the container counts */
} Credential;

/* Ranges of ids that the container has to itself, one after the other. */
typedef struct IdRangeFacts {
    uint32_t base;    /* the first id */
    uint64_t lock_fd; /* the lock of the first range; those of the others follow */
    uint64_t count;   /* of 64 Ki each */
} IdRangeFacts;

/* The container's user namespace. Without one the maps are NULL. */
typedef struct UsernsFacts {
    char **uid_map, **gid_map;   /* "INSIDE:HOST:COUNT" */
    uint32_t root_uid, root_gid; /* the host's ids of root inside */
    bool maps_root;              /* a root directory's files are seen through the map; not where they have its ids */
    bool maps_store;             /* and those of the image store */
    bool has_tty_group;          /* the id 5, which terminals have by convention, is mapped */
    IdRangeFacts *ranges;
    size_t ranges_count;
    uint64_t locks_fd; /* the directory of the ranges' locks */
} UsernsFacts;

#define NETWORK_LINK_PREFIX "be0-" /* of the host's ends of containers' links; the number of the address follows */

/* A network of this host that the container gets a link to; bridge 0: none. */
typedef struct NetworkFacts {
    uint32_t bridge;  /* index; of --print-plan 0, too, where there is no bridge yet */
    uint32_t network; /* IPv4, in the host's byte order */
    unsigned prefix_length;
    char network6[46];  /* text, of 64 bits; "": no IPv6 */
    char *const *ports; /* to publish: port_format(), with both numbers; NULL: none */
} NetworkFacts;

struct HostFacts {
    /* The root: a directory, or the layers of an image, lowest first, relative to data_fd. */
    uint64_t directory_fd;
    char *const *layers;
    uint64_t root_mode, root_uid, root_gid; /* of the image's "/" */

    /* /var/lib/berth: the layers, and below containers/NAME what a container writes. */
    uint64_t data_fd;

    MountFacts *mounts;

    UsernsFacts userns;
    NetworkFacts network;
    uint64_t network_fd, uts_fd, pid_fd, ipc_fd, userns_fd; /* namespaces of others that it is to have; 0: none */
    uint64_t shm_fd;                                        /* the /dev/shm of others; 0: its own */
    bool is_shm_cloned;                                     /* which is a detached mount already */

    /* Without systemd: where to make a cgroup; 0: somebody else (a scope, the own unit) gives one. */
    uint64_t cgroup_root_fd;
    const char *cgroup_name;
    char *const *cgroup_files;
    bool has_cgroup; /* a cgroup will be there at all */
    bool is_hybrid_cgroup;

    uint64_t journal_fd; /* the directory of the host for the journal of a system inside; 0: none */
    uint64_t log_fd, run_fd, attach_fd;
    uint64_t registrar_fd; /* berth-registrar; 0: not needed */
    uint64_t unit_notify_fd;
    bool is_traced;         /* somebody may ask where the time of the start went */
    uint64_t watchdog_usec; /* of the unit; 0: none */
    bool keeps_exit;        /* somebody may ask later how it ended */
    uint64_t log;           /* StepLog */
    const char *id, *unit;  /* unit: whose the container is, NULL without systemd */

    const void *health_plan; /* the encoded steps of a health check; size 0: none */
    size_t health_plan_size;

    const void *seccomp_program;
    size_t seccomp_size;

    const char *process_label, *file_label; /* SELinux; NULL: not confined by it */
    uint64_t init_fd;                       /* the program of a reaper that is to be confined, too; 0: none */

    uint16_t terminal_rows, terminal_columns;
    unsigned last_capability;
    unsigned throttled_processors;   /* those whose thermal_throttle directory is to be masked, from 0 on */
    uint64_t available_capabilities; /* what the launcher itself has */
    const char *host_resolv_conf;    /* text, with --network=host or bridge; or NULL */
    const char *machine_id;          /* 32 hexadecimal digits: what a system inside is */
    const char *host_os_release;     /* text of os-release(5), or NULL */
    char *const *host_environment;   /* container_host_id=… and its like, or NULL */
    const Credential *credentials;
    size_t credentials_count;
    uint64_t await_fd;         /* of a bundle: whoever connects to this socket starts it; 0: nobody has to */
    const char *terminal_type; /* $TERM of the caller or NULL */
};
