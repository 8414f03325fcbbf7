/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the kinds of steps a plan is made of, one table row each: name, where it runs, fields, slots; a plan in memory
 *       and its encoding; the description of a step for people.
 * Never does: carry a step out (executor/ does), or decide which steps there are (plan/ does).
 * Runs in: fat programs to build, the executor to read; libc only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a step runs. */
typedef enum StepWhere {
    STEP_HOST,  /* the supervisor, in the host's namespaces; undone in reverse when the container ends */
    STEP_INNER, /* the first process inside the new namespaces, before it becomes the payload */
    STEP_OUTER, /* the supervisor for the first process, which waits: with the host's rights, where needed in the
                   container's namespaces. For what a process in a user namespace may not do */
} StepWhere;

/* Values that are only known while a plan runs. Each is written once, before it is read (asserted by plan.c). */
typedef enum StepSlot {
    SLOT_NONE = 0,
    SLOT_CGROUP,   /* fd: the payload's cgroup */
    SLOT_PAYLOAD,  /* pidfd: first process of the container */
    SLOT_ROOT,     /* fd: the root file system, attached */
    SLOT_PIVOTED,  /* "/" is the container's root */
    SLOT_IDENTITY, /* uid, gid, groups resolved */
    SLOT_LINK,     /* the container's link to a network, and its addresses */
    SLOT_IDS,      /* fd: the container's user namespace, its ids mapped */
    _SLOT_MAX
} StepSlot;

typedef enum StepKind {
    _STEP_INVALID = 0,
    /* host */
    STEP_CGROUP,
    STEP_DIRECTORY,
    STEP_ID_RANGE,
    STEP_CLONE_TREE,
    STEP_DEVICE_TREE,
    STEP_START,
    STEP_JOIN_START,
    STEP_SUPERVISE,
    /* outer */
    STEP_ID_MAP,
    STEP_MAP_TREE,
    STEP_LINK,
    STEP_PUBLISH,
    /* inner */
    STEP_JOIN,
    STEP_JOIN_USER,
    STEP_BECOME_ROOT,
    STEP_AWAIT,
    STEP_PROPAGATION,
    STEP_ROOT_TREE,
    STEP_ROOT_OVERLAY,
    STEP_MOUNT,
    STEP_BIND,
    STEP_OVERLAY,
    STEP_MAKE_DIRECTORY,
    STEP_DEVICE,
    STEP_SYMLINK,
    STEP_FILE,
    STEP_NOTIFY_SOCKET,
    STEP_INACCESSIBLE,
    STEP_CREDENTIAL,
    STEP_SHOW_FILE,
    STEP_TERMINAL,
    STEP_MASK,
    STEP_READ_ONLY,
    STEP_SYSCTL,
    STEP_PIVOT,
    STEP_JOIN_CGROUP,
    STEP_HOSTNAME,
    STEP_LOOPBACK,
    STEP_LABEL,
    STEP_KEYRING,
    STEP_RLIMIT,
    STEP_OOM_SCORE,
    STEP_IDENTITY,
    STEP_WORKING_DIRECTORY,
    STEP_CHOWN_TREE,
    STEP_CAPABILITIES,
    STEP_NO_NEW_PRIVILEGES,
    STEP_SECCOMP,
    STEP_EXEC,
    _STEP_KIND_MAX
} StepKind;

/* The fields of each kind. Pointers lead into the plan's memory. A `_tree` field is the number of a STEP_CLONE_TREE
 * plus one, 0 for none; a `_fd` field a place in the list of fds that travels with the plan, plus one. */
typedef struct StepCgroup {
    const char *name;              /* below the cgroup root fd: made, with a sub-group `payload` */
    uint64_t root_fd;              /* where; 0: the supervisor's own cgroup is already the right one */
    const char **files;            /* "memory.max=67108864", written into it */
    uint64_t owner_uid, owner_gid; /* who manages the payload's group; 0: the host's root */
    uint64_t is_direct;            /* 1: the payload is in the group itself, which stays when the supervisor goes */
    const void *devices;           /* which devices may be used: a program for the kernel (kernel/device-filter.h) */
    uint64_t devices_size;         /* 0: none */
} StepCgroup;

typedef struct StepDirectory {
    uint64_t parent_fd;
    const char *name;
    uint64_t mode;
    uint64_t remove; /* 1: removed with all below when the container ends; 0: only on failure, when it was made here */
    const char **children;                     /* directories to make in it */
    uint64_t child_mode, child_uid, child_gid; /* of those, when they are new */
} StepDirectory;

typedef struct StepIdRange {
    const char *name;          /* whose it is */
    uint64_t base;             /* the first of `count` ranges of 64 Ki ids, one after the other */
    uint64_t lock_fd, count;   /* their locks, one after the other */
    uint64_t locks_fd, run_fd; /* where their names are: the locks, and ranges/BASE in /run/berth */
} StepIdRange;

typedef struct StepCloneTree {
    uint64_t source_fd;
    const char *host_path; /* for people only: the fd decides */
    uint64_t recursive;
    uint64_t is_clone; /* the source is a detached mount already */
} StepCloneTree;

typedef struct StepDeviceTree {
    const char **options; /* of the tmpfs */
    uint64_t attributes;
    const char **nodes; /* "null=1:3" */
    uint64_t uid, gid;  /* whose they are, on the host */
} StepDeviceTree;

typedef struct StepStart {
    uint64_t namespaces;                         /* CLONE_NEW*, to be made */
    uint64_t network_fd, uts_fd, pid_fd, ipc_fd; /* namespaces to join; 0: none */
    const char **time_offsets; /* "CLOCK SECONDS NANOSECONDS" of a time namespace of its own; NULL: the host's */
} StepStart;

typedef struct StepJoinUser {
    uint64_t user_fd;    /* the user namespace to join */
    uint64_t namespaces; /* CLONE_NEW*, to be made in it */
} StepJoinUser;

typedef struct StepJoinStart {
    uint64_t target_pidfd; /* a process of the container to join */
    uint64_t cgroup_fd;    /* where to start; 0: stay */
} StepJoinStart;

typedef struct StepJoin {
    uint64_t target_pidfd;
    uint64_t namespaces; /* CLONE_NEW*, without the pid namespace: STEP_JOIN_START entered that one */
    uint64_t uid, gid;   /* the container's root on the host: pipes that are its standard streams become its own */
} StepJoin;

/* What an unhealthy container gets. */
typedef enum StepHealthAction {
    STEP_HEALTH_NONE,
    STEP_HEALTH_KILL,
    STEP_HEALTH_RESTART, /* an end with the status that its unit restarts on */
    STEP_HEALTH_STOP,
} StepHealthAction;

/* Whose word it is that a unit is ready: the launcher's, the payload's, the health check's. */
typedef enum StepNotify { STEP_NOTIFY_STARTED, STEP_NOTIFY_CONTAINER, STEP_NOTIFY_HEALTHY } StepNotify;

typedef struct StepIdMap {
    const char **uid_map, **gid_map; /* "INSIDE:HOST:COUNT" */
    uint64_t uid, gid;               /* as in StepJoin */
    uint64_t is_there;               /* the namespace is somebody else's and has this map */
} StepIdMap;

typedef struct StepLink {
    const char *name;   /* inside */
    const char *prefix; /* of its other end's name on the host: the number of its address in the network follows */
    const char *alternative_name; /* of that end, for people */
    uint64_t bridge;              /* the index of the bridge that it is a port of */
    uint64_t network;             /* IPv4, in the host's byte order: the first address that is free is taken */
    uint64_t prefix_length;
    const char *network6; /* of 64 bits, in which the number is the same; "": no IPv6 */
} StepLink;

typedef struct StepPublish {
    const char *const *ports; /* of the host, as port_parse() takes them, with both numbers */
    const char *owner;        /* whose name the record of them has */
} StepPublish;

typedef struct StepMapTree {
    uint64_t tree;         /* a cloned tree, not attached yet: its files are seen through the container's map of ids */
    uint64_t count;        /* of trees, one after the other */
    const char *host_path; /* for people */
    uint64_t recursive;
} StepMapTree;

typedef enum StepLog { STEP_LOG_PASSTHROUGH, STEP_LOG_NONE, STEP_LOG_JOURNAL, STEP_LOG_FILE } StepLog;

typedef enum StepRestart {
    STEP_RESTART_NO,
    STEP_RESTART_ON_FAILURE,
    STEP_RESTART_ALWAYS,
    STEP_RESTART_UNLESS_STOPPED,
} StepRestart;

typedef struct StepSupervise {
    const char *name, *id, *image, *tag, *unit; /* for the log's fields */
    uint64_t stop_signal, stop_timeout_usec;
    uint64_t log;        /* StepLog */
    uint64_t log_fd;     /* STEP_LOG_FILE: where lines are appended */
    uint64_t echo;       /* 1: the payload reads our standard input, and what it writes goes to our output, too */
    uint64_t run_fd;     /* /run/berth: machines/NAME, locks/NAME and attach/NAME are removed at the end */
    uint64_t keep_exit;  /* 1: exits/NAME is written there */
    uint64_t forget_log; /* 1: logs/NAME is removed too */
    uint64_t log_max_bytes, log_max_files; /* of each file; how many with the older ones */
    const char **log_fields;               /* more fields of the journal's entries, "NAME=VALUE" */
    uint64_t attach_fd;                    /* listening socket for attach; 0: none */
    uint64_t is_system;                    /* an init system: a reboot inside is an orderly end */
    uint64_t restarts;                     /* 1: a reboot inside starts it again */
    uint64_t restart_mode;                 /* StepRestart: when the program ends by itself */
    uint64_t restart_attempts;             /* 0: any number */
    uint64_t notify;                       /* StepNotify */
    const void *health_plan;               /* the inner steps of a health check, encoded: from join to exec */
    uint64_t health_plan_size;             /* 0: there is none */
    uint64_t health_interval_usec, health_timeout_usec, health_start_period_usec, health_start_interval_usec;
    uint64_t health_retries, health_on_failure; /* StepHealthAction */
    uint64_t unit_notify_fd;                    /* connected to the $NOTIFY_SOCKET of the unit; 0: none */
    uint64_t watchdog_usec;                     /* that the unit wants to hear of; 0: it does not */
    const char *file_label;                     /* SELinux label of the payload's pipes; NULL: none */
    uint64_t trace;                             /* 1: STARTED tells where the time went */
    uint64_t
        leaves; /* 1: goes when the first process awaits its start, and takes nothing back: whoever deletes it does */
    uint64_t registrar_fd; /* the program that speaks for the supervisor (executor/registrar.h); 0: none */
} StepSupervise;

typedef struct StepAwait {
    uint64_t listen_fd; /* a socket: who connects to it lets the program run, or hears why it does not */
} StepAwait;

typedef struct StepPropagation {
    uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED */
    const char *path;
} StepPropagation;

typedef struct StepRootTree {
    uint64_t tree;
    uint64_t volatile_usr; /* 1: the root is an empty tmpfs with the tree's /usr in it, read-only */
    uint64_t attributes;   /* MOUNT_ATTR_* of the tree and all below it */
    uint64_t read_only;    /* 1: nothing is made in the tree, no mount point either */
} StepRootTree;

typedef struct StepRootOverlay {
    uint64_t data_tree;  /* cloned tree that `lower` and `upper` are relative to: overlayfs wants its directories in
                           the mount namespace that it is mounted in */
    const char **lower;  /* highest first */
    const char *upper;   /* holds upper/ and work/; NULL: on a tmpfs of their own */
    uint64_t tree;       /* another cloned tree, as the lowest directory */
    uint64_t attributes; /* MOUNT_ATTR_* */
    uint64_t root_mode, root_uid, root_gid; /* of an upper directory on a tmpfs: the root shows its topmost layer's */
    const char *label;                      /* SELinux label of all files in it; NULL: what they have */
} StepRootOverlay;

typedef struct StepMount {
    const char *type, *source, *target;
    const char **options;
    uint64_t attributes;
    uint64_t plain; /* 1: no component of the target may be a link */
    const char
        *label; /* SELinux label of its root, for a type that exists before it is mounted and so takes no option; NULL:
                          what it has */
} StepMount;

typedef struct StepBind {
    uint64_t tree;
    const char *target;
    uint64_t attributes;
    uint64_t is_file;
    uint64_t plain; /* 1: no component of the target may be a link */
} StepBind;

typedef struct StepOverlay {
    uint64_t lower_tree; /* the first of `lower_count` cloned trees, lowest layer first */
    uint64_t lower_count;
    uint64_t upper_tree; /* `upper` and `work` are names in it; 0: read-only */
    const char *upper, *work;
    const char *target;
    uint64_t attributes;
} StepOverlay;

typedef struct StepMakeDirectory {
    const char *path;
} StepMakeDirectory;

typedef struct StepDevice {
    const char *target;
    uint64_t major, minor, mode;
    uint64_t type; /* S_IFBLK or S_IFIFO of inode(7); 0: a character device */
    uint64_t uid, gid;
    uint64_t may_exist; /* 1: one that is there already is as good */
} StepDevice;

typedef struct StepSymlink {
    const char *target, *content;
} StepSymlink;

typedef struct StepFile {
    const char *target, *content;
    uint64_t mode;
    uint64_t only_if_missing;
} StepFile;

typedef struct StepNotifySocket {
    const char *directory, *name;
    const char *label; /* SELinux label of the socket, that of the payload: nobody else may be sent to; NULL: none */
} StepNotifySocket;

typedef struct StepInaccessible {
    const char *directory;
} StepInaccessible;

typedef struct StepCredential {
    const char *directory, *name;
    uint64_t mode, uid, gid;
    const void *data; /* shown by its size only */
    uint64_t data_size;
} StepCredential;

/* A file that is inside already, at another place, too: read-only, no program. */
typedef struct StepShowFile {
    const char *source, *target;
} StepShowFile;

typedef struct StepTerminal {
    uint64_t is_stdio; /* 1: standard input, output and error of the payload; 0: /dev/console only */
    uint64_t rows, columns;
} StepTerminal;

typedef struct StepMask {
    const char **paths;
} StepMask;

typedef struct StepReadOnly {
    const char **paths;
} StepReadOnly;

typedef struct StepSysctl {
    const char **assignments;
} StepSysctl;

typedef struct StepPivot {
    uint64_t read_only;
} StepPivot;

typedef struct StepJoinCgroup {
    uint64_t mount;          /* 1: mount it at /sys/fs/cgroup */
    uint64_t keep_namespace; /* 1: the host's cgroup namespace */
    uint64_t read_only;
} StepJoinCgroup;

typedef struct StepLabel {
    const char *process; /* SELinux label of the payload */
} StepLabel;

typedef struct StepHostname {
    const char *name;   /* NULL: as it is */
    const char *domain; /* of NIS; NULL: as it is */
} StepHostname;

typedef struct StepRlimit {
    uint64_t resource, soft, hard;
} StepRlimit;

typedef struct StepOomScore {
    uint64_t score_plus_1000;
} StepOomScore;

typedef struct StepIdentity {
    const char *user;    /* "user[:group]" as text; resolved in the container's own files */
    const char **groups; /* numbers: these and no others, and `user` is numbers, too */
    uint64_t is_exact;
} StepIdentity;

typedef struct StepWorkingDirectory {
    const char *path;
    uint64_t create;
} StepWorkingDirectory;

typedef struct StepChownTree {
    uint64_t tree;
    const char *target; /* for people */
} StepChownTree;

typedef struct StepCapabilities {
    uint64_t bounding, last;
    uint64_t is_exact; /* 1: the sets below; 0: for root all of the bounding set, for others none */
    uint64_t effective, permitted, inheritable, ambient;
} StepCapabilities;

typedef struct StepSeccomp {
    const char *profile;
    const void *program;
    uint64_t program_size;
} StepSeccomp;

typedef struct StepExec {
    const char **argv, **environment;
    const char **secrets; /* KEY=VALUE on top; KEYs that `environment` does not have */
    uint64_t init;        /* 1: a reaper stays as PID 1 */
    uint64_t
        init_fd; /* the executor, which the reaper is to become once more, with the label of the payload; 0: it goes
                                on as who it is */
    uint64_t umask_plus_one; /* 0: 022 */
    const char **candidates; /* boot: the first of these that exists is run with argv behind it */
} StepExec;

typedef struct Step {
    StepKind kind;
    bool is_outer;      /* an inner step that the supervisor does for the first process: step_where() */
    const char *origin; /* who asked for it: an option, file:line, "default" */
    union {
        StepCgroup cgroup;
        StepDirectory directory;
        StepIdRange id_range;
        StepCloneTree clone_tree;
        StepDeviceTree device_tree;
        StepStart start;
        StepJoinStart join_start;
        StepJoin join;
        StepSupervise supervise;
        StepJoinUser join_user;
        StepIdMap id_map;
        StepMapTree map_tree;
        StepLink link;
        StepAwait await;
        StepPublish publish;
        StepPropagation propagation;
        StepRootTree root_tree;
        StepRootOverlay root_overlay;
        StepMount mount;
        StepBind bind;
        StepOverlay overlay;
        StepMakeDirectory make_directory;
        StepDevice device;
        StepSymlink symlink;
        StepFile file;
        StepNotifySocket notify_socket;
        StepInaccessible inaccessible;
        StepCredential credential;
        StepShowFile show_file;
        StepTerminal terminal;
        StepMask mask;
        StepReadOnly read_only;
        StepSysctl sysctl;
        StepPivot pivot;
        StepJoinCgroup join_cgroup;
        StepLabel label;
        StepHostname hostname;
        StepRlimit rlimit;
        StepOomScore oom_score;
        StepIdentity identity;
        StepWorkingDirectory working_directory;
        StepChownTree chown_tree;
        StepCapabilities capabilities;
        StepSeccomp seccomp;
        StepExec exec;
    };
} Step;

typedef enum StepFieldType {
    STEP_FIELD_NUMBER,
    STEP_FIELD_OCTAL,
    STEP_FIELD_HEX,
    STEP_FIELD_FLAGS_MOUNT,
    STEP_FIELD_FLAGS_NAMESPACE,
    STEP_FIELD_FLAGS_CAPABILITY,
    STEP_FIELD_IPV4,
    STEP_FIELD_STRING,
    STEP_FIELD_LIST,
    STEP_FIELD_SECRETS, /* a list of KEY=VALUE, of which only the KEYs are shown */
    STEP_FIELD_BYTES,   /* the next field of the row's struct is its size and has no row of its own */
} StepFieldType;

typedef struct StepField {
    const char *name;
    StepFieldType type;
    size_t offset; /* in Step */
} StepField;

typedef struct StepKindRow {
    const char *name;
    StepWhere where;
    const StepField *fields;
    size_t fields_count;
    StepSlot reads[3], writes[2];
    bool may_be_outer; /* an inner step that Step.is_outer is understood for */
} StepKindRow;

extern const StepKindRow step_kinds[_STEP_KIND_MAX];
/* Where a step runs: its kind's place, or outside when it says so. */
StepWhere step_where(const Step *step);
const char *step_slot_name(StepSlot slot);

/* A plan being built or read. Everything that steps point to is owned by `memory`. */
typedef struct StepList {
    Step *steps;
    size_t count;
    void **memory;
    size_t memory_count;
    int failed;   /* -ENOMEM from any of the calls below; checked once, at the end */
    Step scratch; /* what step_list_add() gives out when memory is short */
} StepList;

void step_list_done(StepList *list);

/* Appends a step; the returned pointer is valid until the next call. Never NULL: with memory short it leads to a
 * scratch step and list->failed is set. */
Step *step_list_add(StepList *list, StepKind kind, const char *origin);
/* Copies into the list's memory; NULL gives NULL. */
const char *step_list_string(StepList *list, const char *string);
const char *step_list_format(StepList *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char **step_list_strings(StepList *list, char *const *strings);
const void *step_list_bytes(StepList *list, const void *data, size_t size);

/* The encoding: native byte order, for one kernel and one boot; never stored. `ret` is allocated. */
int step_list_encode(const StepList *list, void **ret, size_t *ret_size);

/* Reads an encoding. `data` must stay as long as `ret` is used: strings lead into it. -EBADMSG for anything that
 * step_list_encode() would not have written; bounded in steps, lists and size. */
int step_list_decode(const void *data, size_t size, StepList *ret);

/* One line without the origin: "mount type=proc target=/proc attributes=nosuid,nodev,noexec". Caller owns it;
 * unescaped. NULL: no memory. */
char *step_describe(const Step *step);
/* Its kind and the one thing that it is about: "mount /proc". */
char *step_label(const Step *step);
