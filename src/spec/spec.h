/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: ContainerSpec, the plain description of what to run; the settings table, one row per setting; layers of
 *       assignments, their merge and the validation of the result.
 * Never does: I/O, or look at this host.
 * Runs in: fat programs; pure. */

#include "base/error.h"
#include "spec/forward.h"
#include "spec/profile.h"
#include "spec/values.h"

/* Who says so. A setting whose row asks for more trust than its source has is refused (image) with a message. */
typedef enum Trust {
    _TRUST_INVALID = 0, /* an unfilled row: the table test fails */
    TRUST_IMAGE,        /* arrived inside an image: may describe the payload, never widen what it can do */
    TRUST_ADMIN,        /* the administrator's files and command line */
} Trust;

typedef enum VolatileMode { VOLATILE_NO, VOLATILE_YES, VOLATILE_STATE, VOLATILE_OVERLAY, _VOLATILE_MAX } VolatileMode;
typedef enum LogDriver {
    LOG_DRIVER_AUTO, /* detached: journald, or a file where there is none; foreground: passthrough */
    LOG_DRIVER_JOURNALD,
    LOG_DRIVER_FILE,
    LOG_DRIVER_NONE,
    LOG_DRIVER_PASSTHROUGH,
    _LOG_DRIVER_MAX
} LogDriver;

/* With systemd-machined; auto: what stays (detached, booted, in a unit of its own), where it can be done. */
typedef enum Registration { REGISTER_AUTO, REGISTER_YES, REGISTER_NO, _REGISTRATION_MAX } Registration;

/* What follows when its program ends by itself; the order is that of StepRestart. */
typedef enum RestartMode {
    RESTART_NO,
    RESTART_ON_FAILURE,
    RESTART_ALWAYS,
    RESTART_UNLESS_STOPPED, /* the same: what was stopped is not started again before somebody does it */
    _RESTART_MODE_MAX
} RestartMode;

typedef struct RestartPolicy {
    RestartMode mode;
    uint64_t attempts; /* with RESTART_ON_FAILURE; 0: any number */
} RestartPolicy;

const char *restart_mode_to_string(RestartMode mode);

/* Where the journal of a booted system is (systemd-nspawn(1), --link-journal=). The "try" ones and auto do without. */
typedef enum JournalLink {
    JOURNAL_LINK_AUTO, /* on the host when it was there before, by what links to the other */
    JOURNAL_LINK_NO,
    JOURNAL_LINK_HOST, /* in the host's /var/log/journal */
    JOURNAL_LINK_TRY_HOST,
    JOURNAL_LINK_GUEST, /* in the tree, with a link in the host's */
    JOURNAL_LINK_TRY_GUEST,
    _JOURNAL_LINK_MAX
} JournalLink;

/* What follows when it is unhealthy; the order is that of StepHealthAction. */
typedef enum HealthAction {
    HEALTH_ACTION_NONE,
    HEALTH_ACTION_KILL,
    HEALTH_ACTION_RESTART,
    HEALTH_ACTION_STOP,
    _HEALTH_ACTION_MAX
} HealthAction;

/* Whose word it is that the container is ready; the order is that of StepNotify. */
typedef enum NotifyMode { NOTIFY_STARTED, NOTIFY_CONTAINER, NOTIFY_HEALTHY, _NOTIFY_MAX } NotifyMode;

const char *volatile_mode_to_string(VolatileMode mode);
const char *log_driver_to_string(LogDriver driver);
const char *journal_link_to_string(JournalLink link);

/* A number that may be absent. */
typedef struct OptionalInt {
    bool is_set;
    int64_t value;
} OptionalInt;

typedef struct MountList {
    MountSpec *items;
    size_t count;
} MountList;

typedef struct DeviceList {
    DeviceSpec *items;
    size_t count;
} DeviceList;

typedef struct LimitList {
    LimitSpec *items;
    size_t count;
} LimitList;

/* Every pointer is owned. Only spec.c writes one; after spec_finish() all others see it const. */
struct ContainerSpec {
    /* Container */
    char *name, *image, *host_directory, *hostname;
    char **labels, **exposed_ports;
    char **ports; /* to publish, as port_format() writes them */
    bool publish_all;
    bool boot, init, detach, interactive, tty, remove, keep_unit;
    LogDriver log_driver;
    Registration registration;
    JournalLink journal_link;
    RestartPolicy restart;
    char **log_options;
    NotifyMode notify;
    char **health_command; /* as an image has it: CMD and words, CMD-SHELL and a text, or NONE */
    bool no_health_check;
    uint64_t health_interval_usec, health_timeout_usec, health_start_period_usec, health_start_interval_usec;
    uint64_t health_retries;
    HealthAction health_on_failure;
    char **set_credentials, **load_credentials; /* "ID:VALUE", "ID:PATH" */
    char **secrets;                             /* secret_use_parse() reads them */
    char *uuid;                                 /* 32 hexadecimal digits; NULL: by itself */
    uint64_t timeout_start_usec, timeout_stop_usec;
    int stop_signal;   /* 0: SIGTERM, or SIGRTMIN+3 with boot */
    int reload_signal; /* 0: none; of this and the command one at most is set */
    char **reload_command;

    /* Process */
    char **entrypoint, **command, **environment, **environment_files;
    char *working_directory, *user;
    LimitList limits;
    OptionalInt oom_score_adjust;

    /* Filesystem */
    bool read_only, ephemeral;
    VolatileMode volatile_mode;
    MountList mounts;
    char **masked_paths, **unmasked_paths;
    uint64_t shm_size_bytes;

    /* Network */
    NamespaceSpec network;

    /* Security */
    char **add_capabilities, **drop_capabilities;
    bool no_new_privileges;
    bool privileged;
    char *profile_name;     /* NULL: by kind of container */
    const Profile *profile; /* found by spec_finish(): what holds where settings say nothing */
    NamespaceSpec uts, pid, ipc;
    char **time_offsets; /* "monotonic=-1h" */
    UsernsSpec userns;
    char **uid_maps, **gid_maps; /* INSIDE:HOST:COUNT; the gids are as the uids when only those are said */
    char *seccomp_profile;       /* NULL: by kind of container; "unconfined"; a name */
    /* SELinux; NULL: as the host's policy has it for containers */
    bool label_disabled;
    char *label_process, *label_file; /* whole contexts */
    char *label_user, *label_role, *label_type, *label_level, *label_file_type;
    char **sysctls;

    /* Resources: systemd's own property assignments, "MemoryMax=64M" */
    char **properties;
    char *slice;

    /* Of an OCI bundle, which says everything itself: no mounts, paths and privileges but those that it names. */
    bool bundle;
    char **capability_names[_CAPABILITY_SET_MAX];
    uint64_t capability_sets[_CAPABILITY_SET_MAX]; /* computed by spec_finish() */
    char **additional_gids;                        /* numbers */
    OptionalInt umask;
    char **read_only_paths;
    DeviceList devices;
    char **device_rules; /* "allow c 1:3 rwm", "deny a *:* rwm": the last that fits counts */
    char **cgroup_files; /* "memory.max=1048576" */
    char *cgroup_path, *domainname;
    char *seccomp_text;           /* JSON */
    bool shares_cgroup_namespace; /* the host's */

    /* The origin of each setting's last assignment, by row number; NULL where the default holds. */
    char **origins;
    uint64_t capabilities; /* computed by spec_finish() */
};

void container_spec_free(ContainerSpec *spec);
DEFINE_CLEANUP(ContainerSpec *, container_spec_free)

/* What a value looks like: decides parser, formatter and how often it may be given. */
typedef enum SettingType {
    _SETTING_TYPE_INVALID = 0,
    SETTING_BOOL,
    SETTING_STRING,
    SETTING_NAME,     /* text_is_name() */
    SETTING_HOSTNAME, /* text_is_hostname() */
    SETTING_HOST_PATH,
    SETTING_INSIDE_PATH,
    SETTING_SIZE,
    SETTING_TIMESPAN,
    SETTING_SIGNAL,
    SETTING_INTEGER, /* OptionalInt, -1000..1000: oom_score_adj */
    SETTING_VOLATILE,
    SETTING_NETWORK,
    SETTING_NAMESPACE_UTS,
    SETTING_NAMESPACE_PROCESS,
    SETTING_USERNS,
    SETTING_LOG_DRIVER,
    SETTING_REGISTRATION,
    SETTING_JOURNAL_LINK,
    SETTING_RESTART,        /* no, always, unless-stopped, on-failure[:N] */
    SETTING_HEALTH_COMMAND, /* as of an image, or one text: for a shell, a JSON array, or "none" */
    SETTING_HEALTH_ACTION,
    SETTING_COUNT,           /* uint64_t, 1 to 10000 */
    SETTING_NOTIFY,          /* and boolean: yes is container */
    SETTING_UUID,            /* with or without dashes */
    SETTING_WORDS,           /* one argv: replaces as a whole */
    SETTING_LIST,            /* free text, appends */
    SETTING_PATH_LIST,       /* absolute paths inside, appends */
    SETTING_PORTS,           /* port_parse(), appends */
    SETTING_ASSIGNMENTS,     /* KEY=VALUE, a later KEY replaces an earlier one */
    SETTING_CREDENTIAL,      /* ID:VALUE, a later ID replaces an earlier one; secret */
    SETTING_CREDENTIAL_FILE, /* ID:PATH */
    SETTING_SECRET,          /* NAME[,OPTION...], a later one of the same target replaces an earlier one */
    SETTING_ENVIRONMENT,     /* the same; KEY alone was resolved by the source before */
    SETTING_CAPABILITIES,
    SETTING_ID_MAPS, /* INSIDE:HOST:COUNT, appends */
    SETTING_LIMITS,
    SETTING_MOUNT_BIND,
    SETTING_MOUNT_BIND_READ_ONLY,
    SETTING_MOUNT_TMPFS,
    SETTING_MOUNT_OVERLAY,
    SETTING_MOUNT_VOLUME,
    SETTING_MOUNT,
    SETTING_MOUNT_BUNDLE, /* one mount by its words, mount_parse_bundle() */
    SETTING_DEVICE,       /* one device by its words, device_parse() */
    SETTING_PROPERTY,
    SETTING_PROPERTY_MEMORY, /* shorthands for a property: --memory=64M is MemoryMax=64M */
    SETTING_PROPERTY_CPUS,
    SETTING_PROPERTY_TASKS,
    SETTING_PROPERTY_IO_WEIGHT,
    SETTING_SECURITY, /* seccomp=…, no-new-privileges, mask=…, unmask=… */
    _SETTING_TYPE_MAX
} SettingType;

/* One setting. The row feeds the command line, --help, the definition file, completion and introspection. */
struct Setting {
    const char *option;    /* long option, NULL: no option */
    char short_option;     /* 0: none */
    const char *section;   /* of the definition file */
    const char *key;       /* NULL: not in the file */
    const char *image_key; /* of the OCI image configuration's "config" object, NULL: not there */
    SettingType type;
    size_t offset; /* in ContainerSpec */
    Trust least_trust;
    const char *metavar, *help;
    const char *pointer; /* in the configuration of an OCI bundle, of a row that has neither option nor key */
};

/* The table, ended by SETTINGS_COUNT. setting_number() is a row's place in it. */
extern const Setting settings[];
extern const size_t settings_count;
size_t setting_number(const Setting *setting);

/* Another spelling of a row's option or key: understood everywhere, written nowhere. `target` is the row's option. */
typedef struct SettingAlias {
    const char *option; /* NULL: no long option */
    char short_option;
    const char *key; /* of the section [Container]; NULL: none */
    const char *target;
} SettingAlias;

extern const SettingAlias setting_aliases[];
extern const size_t setting_aliases_count;

/* By long option without dashes, by file key (any section when `section` is NULL or "Container"), by image key. */
const Setting *setting_find_option(const char *option);
const Setting *setting_find_short(char short_option);
const Setting *setting_find_key(const char *section, const char *key);
const Setting *setting_find_image_key(const char *key);
/* The row of a member, for code that builds a layer: setting_of(offsetof(ContainerSpec, name)). */
const Setting *setting_of(size_t offset);

/* The row that is of bundles only, by its pointer. */
const Setting *setting_of_pointer(const char *pointer);

/* Whether an option of this type takes an argument; a boolean takes one only as --option=BOOL. */
bool setting_takes_argument(const Setting *setting);

/* One value, still text, from one place. */
typedef struct Assignment {
    const Setting *setting;
    char **values; /* several only for lists and words; none resets a list */
    char *origin;  /* "--memory", "web.container:12", "image web:latest" */
} Assignment;

/* What one source said, in order. */
struct SpecLayer {
    Trust trust;
    bool has_keys; /* a definition file: messages name the key beside the origin */
    Assignment *assignments;
    size_t count;
};

void spec_layer_free(SpecLayer *layer);
DEFINE_CLEANUP(SpecLayer *, spec_layer_free)
SpecLayer *spec_layer_new(Trust trust);
/* Copies the values (`values` NULL-terminated, may be NULL) and the origin. */
int spec_layer_add_values(SpecLayer *layer, const Setting *setting, char *const *values, const char *origin);
int spec_layer_add(SpecLayer *layer, const Setting *setting, const char *value, const char *origin);

/* What the layer alone says of the unit's properties: "MemoryMax=67108864", each name once. Caller owns. */
int spec_layer_read_properties(const SpecLayer *layer, char ***ret, Error *error);

/* Merges the layers, weakest first, into a new spec and validates it as a whole. On failure the Error names the
 * value and its origin. */
int spec_finish(SpecLayer *const *layers, size_t count, ContainerSpec **ret, Error *error);

/* Whether one assignment of a layer would be taken by itself: for a reader that wants to tell all that is wrong. */
int spec_check_assignment(const SpecLayer *layer, const Assignment *assignment, Error *error);

/* What the container's unit, scope or service, is given: "NAME=VALUE" of systemd's resource properties, those of the spec
 * behind the defaults: a limit of processes, and no device but those that are in every container's /dev. */
int spec_list_unit_properties(const ContainerSpec *spec, char ***ret);

/* The setting as its rows' text, one string per assignment that would give this value again; NULL when nobody said
 * anything, an empty list when a list was said to be empty. */
int spec_format_setting(const ContainerSpec *spec, const Setting *setting, char ***ret);

/* Whether it is checked at all: there is a command, and nobody said that there is to be none. */
bool spec_has_health_check(const ContainerSpec *spec);

/* Where the setting came from, "default" when nobody said anything. */
const char *spec_origin(const ContainerSpec *spec, size_t offset);

/* Whether its user namespace is that of the container whose PID namespace it joins: unless something else is said. */
bool spec_joins_userns(const ContainerSpec *spec);

/* Whether the network namespace is made for it, and not that of the host or of others. */
bool spec_has_own_network(const ContainerSpec *spec);

/* Whether systemd-machined would take its name. */
bool spec_can_be_registered(const ContainerSpec *spec);
