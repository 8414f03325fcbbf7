/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spec.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(ContainerSpec, member)
#define BUNDLE(where, value_type, member, meta, what)                                                                  \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, NULL, value_type, AT(member), TRUST_ADMIN, meta, what, where                              \
    }

/* clang-format off */
const Setting settings[] = {
    /* option, short, section, key, image key, type, place, least trust, metavar, help */
    {"name", 'M', "Container", "ContainerName", NULL, SETTING_NAME, AT(name), TRUST_ADMIN, "NAME",
     "name of the container; default: from the image or directory"},
    {NULL, 0, "Container", "Image", NULL, SETTING_STRING, AT(image), TRUST_ADMIN, "IMAGE", "image to run"},
    {"directory", 'D', "Container", "Directory", NULL, SETTING_HOST_PATH, AT(host_directory), TRUST_ADMIN, "PATH",
     "run this directory tree of the host instead of an image"},
    {"boot", 'b', "Container", "Boot", NULL, SETTING_BOOL, AT(boot), TRUST_ADMIN, NULL,
     "find the init program in the tree and boot it"},
    {"hostname", 0, "Container", "HostName", NULL, SETTING_HOSTNAME, AT(hostname), TRUST_ADMIN, "NAME",
     "host name inside; default: the container's name"},
    {"init", 0, "Container", "RunInit", NULL, SETTING_BOOL, AT(init), TRUST_ADMIN, NULL,
     "a tiny reaper as PID 1, the program as PID 2"},
    {"label", 'l', "Container", "Label", "Labels", SETTING_ASSIGNMENTS, AT(labels), TRUST_IMAGE, "KEY=VALUE",
     "metadata kept with the container"},
    {"expose", 0, "Container", "ExposeHostPort", "ExposedPorts", SETTING_LIST, AT(exposed_ports), TRUST_IMAGE,
     "PORT[/PROTO]", "document a port that the payload listens on"},
    {"stop-signal", 0, "Container", "StopSignal", "StopSignal", SETTING_SIGNAL, AT(stop_signal), TRUST_IMAGE,
     "SIGNAL", "signal for an orderly stop; default SIGTERM, with --boot SIGRTMIN+3"},
    {NULL, 0, "Container", "ReloadSignal", NULL, SETTING_SIGNAL, AT(reload_signal), TRUST_ADMIN, "SIGNAL",
     "signal that a reload of the container's service sends"},
    {NULL, 0, "Container", "ReloadCmd", NULL, SETTING_WORDS, AT(reload_command), TRUST_ADMIN, "COMMAND",
     "command that a reload of the container's service runs inside"},
    {"stop-timeout", 0, "Container", "StopTimeout", NULL, SETTING_TIMESPAN, AT(timeout_stop_usec), TRUST_ADMIN,
     "TIME", "how long a stop waits before it kills; default 10s, with --boot 90s"},
    {"restart", 0, "Container", "RestartPolicy", NULL, SETTING_RESTART, AT(restart), TRUST_ADMIN, "POLICY",
     "start it again when its program ends: no (default), on-failure[:N], always or unless-stopped"},
    {"timeout-start", 0, "Container", "TimeoutStart", NULL, SETTING_TIMESPAN, AT(timeout_start_usec), TRUST_ADMIN,
     "TIME", "give up when the container is not started by then; default 90s"},
    {"log-driver", 0, "Container", "LogDriver", NULL, SETTING_LOG_DRIVER, AT(log_driver), TRUST_ADMIN, "DRIVER",
     "journald, file, none or passthrough"},
    {"set-credential", 0, "Container", "SetCredential", NULL, SETTING_CREDENTIAL, AT(set_credentials), TRUST_ADMIN,
     "ID:VALUE", "a secret for the payload, in a file below $CREDENTIALS_DIRECTORY"},
    {"load-credential", 0, "Container", "LoadCredential", NULL, SETTING_CREDENTIAL_FILE, AT(load_credentials),
     TRUST_ADMIN, "ID:PATH", "the same, read from a file, or from a credential of the unit"},
    {"secret", 0, "Container", "Secret", NULL, SETTING_SECRET, AT(secrets), TRUST_ADMIN, "NAME[,OPTION...]",
     "a secret of berthctl secret, as a file below /run/secrets; options: type=env, target=, uid=, gid=, mode="},
    {"uuid", 0, "Container", "Uuid", NULL, SETTING_UUID, AT(uuid), TRUST_ADMIN, "UUID",
     "what a booted system is told that it is; default: what it was, or else a new one"},
    {"notify", 0, "Container", "Notify", NULL, SETTING_NOTIFY, AT(notify), TRUST_ADMIN, "WHOSE",
     "who tells the unit that it is ready: started (default), container or healthy"},
    {"health-cmd", 0, "Container", "HealthCmd", "Healthcheck.Test", SETTING_HEALTH_COMMAND, AT(health_command),
     TRUST_IMAGE, "COMMAND", "command that tells inside whether the container is well, for its shell; none: no check"},
    {"no-healthcheck", 0, "Container", "NoHealthcheck", NULL, SETTING_BOOL, AT(no_health_check), TRUST_ADMIN, NULL,
     "no health check, whatever the image says"},
    {"health-interval", 0, "Container", "HealthInterval", "Healthcheck.Interval", SETTING_TIMESPAN,
     AT(health_interval_usec), TRUST_IMAGE, "TIME", "time between health checks; default 30s"},
    {"health-timeout", 0, "Container", "HealthTimeout", "Healthcheck.Timeout", SETTING_TIMESPAN,
     AT(health_timeout_usec), TRUST_IMAGE, "TIME", "a health check that takes longer has failed; default 30s"},
    {"health-retries", 0, "Container", "HealthRetries", "Healthcheck.Retries", SETTING_COUNT, AT(health_retries),
     TRUST_IMAGE, "N", "so many failures in a row make the container unhealthy; default 3"},
    {"health-start-period", 0, "Container", "HealthStartPeriod", "Healthcheck.StartPeriod", SETTING_TIMESPAN,
     AT(health_start_period_usec), TRUST_IMAGE, "TIME", "failures do not count as long after the start; default 0"},
    {"health-start-interval", 0, "Container", "HealthStartInterval", "Healthcheck.StartInterval", SETTING_TIMESPAN,
     AT(health_start_interval_usec), TRUST_IMAGE, "TIME", "time between health checks in the start period; default 5s"},
    {"health-on-failure", 0, "Container", "HealthOnFailure", NULL, SETTING_HEALTH_ACTION, AT(health_on_failure),
     TRUST_ADMIN, "ACTION", "when it is unhealthy: none (default), kill, restart or stop"},
    {"register", 0, "Container", "Register", NULL, SETTING_REGISTRATION, AT(registration), TRUST_ADMIN, "WHEN",
     "make the container known to systemd-machined: yes, no, or auto: when it stays running"},
    {"link-journal", 0, "Container", "LinkJournal", NULL, SETTING_JOURNAL_LINK, AT(journal_link), TRUST_ADMIN, "WHERE",
     "journal of a booted system: no, host or guest (each linked to the other), try-host, try-guest, or auto"},
    {"log-opt", 0, "Container", "LogOpt", NULL, SETTING_ASSIGNMENTS, AT(log_options), TRUST_ADMIN, "KEY=VALUE",
     "max-size=SIZE, max-file=N, tag=TEMPLATE or labels=NAMES"},
    {"detach", 'd', NULL, NULL, NULL, SETTING_BOOL, AT(detach), TRUST_ADMIN, NULL,
     "run in the background and print the name"},
    {"interactive", 'i', NULL, NULL, NULL, SETTING_BOOL, AT(interactive), TRUST_ADMIN, NULL,
     "keep standard input connected"},
    {"tty", 't', NULL, NULL, NULL, SETTING_BOOL, AT(tty), TRUST_ADMIN, NULL, "give the payload a terminal"},
    {"rm", 0, NULL, NULL, NULL, SETTING_BOOL, AT(remove), TRUST_ADMIN, NULL,
     "remove the container and what it wrote when it ends"},
    {"keep-unit", 0, NULL, NULL, NULL, SETTING_BOOL, AT(keep_unit), TRUST_ADMIN, NULL,
     "stay in the unit that berthctl was started in instead of a scope of its own"},

    {"entrypoint", 0, "Process", "Entrypoint", "Entrypoint", SETTING_WORDS, AT(entrypoint), TRUST_IMAGE, "COMMAND",
     "replace the image's entry point; empty clears it"},
    {NULL, 0, "Process", "Exec", "Cmd", SETTING_WORDS, AT(command), TRUST_IMAGE, "COMMAND",
     "command and arguments"},
    {"env", 'e', "Process", "Environment", "Env", SETTING_ENVIRONMENT, AT(environment), TRUST_IMAGE, "KEY[=VALUE]",
     "environment variable; without a value it is copied from here"},
    {"env-file", 0, "Process", "EnvironmentFile", NULL, SETTING_LIST, AT(environment_files), TRUST_ADMIN, "PATH",
     "read environment variables from a file"},
    {"workdir", 'w', "Process", "WorkingDir", "WorkingDir", SETTING_INSIDE_PATH, AT(working_directory), TRUST_IMAGE,
     "PATH", "working directory inside"},
    {"user", 'u', "Process", "User", "User", SETTING_STRING, AT(user), TRUST_IMAGE, "USER[:GROUP]",
     "user and group to run as, names or numbers"},
    {"ulimit", 0, "Process", "Ulimit", NULL, SETTING_LIMITS, AT(limits), TRUST_ADMIN, "NAME=SOFT[:HARD]",
     "resource limit of the payload"},
    {"oom-score-adjust", 0, "Process", "OOMScoreAdjust", NULL, SETTING_INTEGER, AT(oom_score_adjust), TRUST_ADMIN,
     "N", "out-of-memory preference, -1000 to 1000"},

    {"read-only", 0, "Filesystem", "ReadOnly", NULL, SETTING_BOOL, AT(read_only), TRUST_ADMIN, NULL,
     "mount the root file system read-only"},
    {"ephemeral", 'x', "Filesystem", "Ephemeral", NULL, SETTING_BOOL, AT(ephemeral), TRUST_ADMIN, NULL,
     "write to a temporary layer that goes when the container ends"},
    {"volatile", 0, "Filesystem", "Volatile", NULL, SETTING_VOLATILE, AT(volatile_mode), TRUST_ADMIN, "MODE",
     "no, yes (tmpfs root with the tree's /usr), state (tmpfs /var) or overlay"},
    {"bind", 0, "Filesystem", "Bind", NULL, SETTING_MOUNT_BIND, AT(mounts), TRUST_ADMIN, "SRC[:DST[:OPTIONS]]",
     "bind mount a path of the host"},
    {"bind-ro", 0, "Filesystem", "BindReadOnly", NULL, SETTING_MOUNT_BIND_READ_ONLY, AT(mounts), TRUST_ADMIN,
     "SRC[:DST[:OPTIONS]]", "the same, read-only"},
    {"volume", 'v', "Filesystem", "Volume", "Volumes", SETTING_MOUNT_VOLUME, AT(mounts), TRUST_IMAGE,
     "[SRC:]DST[:OPTIONS]", "bind mount, or an empty directory of the container's own"},
    {"tmpfs", 0, "Filesystem", "Tmpfs", NULL, SETTING_MOUNT_TMPFS, AT(mounts), TRUST_ADMIN, "DST[:OPTIONS]",
     "mount a tmpfs"},
    {"overlay", 0, "Filesystem", "Overlay", NULL, SETTING_MOUNT_OVERLAY, AT(mounts), TRUST_ADMIN,
     "LOWER[:LOWER...]:UPPER:DST", "mount an overlay of host directories"},
    {"mount", 0, "Filesystem", "Mount", NULL, SETTING_MOUNT, AT(mounts), TRUST_ADMIN, "type=TYPE,...",
     "mount in long form: type=bind|tmpfs|overlay|volume|inaccessible,src=,dst=,ro"},
    {"shm-size", 0, "Filesystem", "ShmSize", NULL, SETTING_SIZE, AT(shm_size_bytes), TRUST_ADMIN, "SIZE",
     "size of /dev/shm; default 64M"},

    {"network", 0, "Network", "Network", NULL, SETTING_NETWORK, AT(network), TRUST_ADMIN, "MODE",
     "private (loopback only), bridge (the host's berth0), host, none, container:NAME or ns:PATH"},

    {"publish", 'p', "Network", "PublishPort", NULL, SETTING_PORTS, AT(ports), TRUST_ADMIN,
     "[IP:][HOST:]PORT[/PROTO]", "make a port reachable from outside; without HOST one that is free"},
    {"publish-all", 'P', "Network", "PublishAll", NULL, SETTING_BOOL, AT(publish_all), TRUST_ADMIN, NULL,
     "make all ports that are exposed reachable, each under one that is free"},

    {"uts", 0, "Security", "UTS", NULL, SETTING_NAMESPACE_UTS, AT(uts), TRUST_ADMIN, "MODE",
     "whose host name: private, host, container:NAME or ns:PATH"},
    {"pid", 0, "Security", "PID", NULL, SETTING_NAMESPACE_PROCESS, AT(pid), TRUST_ADMIN, "MODE",
     "whose processes it is among: private, host or container:NAME"},
    {"ipc", 0, "Security", "IPC", NULL, SETTING_NAMESPACE_PROCESS, AT(ipc), TRUST_ADMIN, "MODE",
     "whose shared memory and message queues: private, host or container:NAME"},
    {"time-offset", 0, "Security", "TimeOffset", NULL, SETTING_ASSIGNMENTS, AT(time_offsets), TRUST_ADMIN, "CLOCK=TIME",
     "what the clock monotonic or boottime is ahead of the host's inside"},
    {"userns", 0, "Security", "UserNS", NULL, SETTING_USERNS, AT(userns), TRUST_ADMIN, "MODE",
     "user namespace: auto (a range of ids of its own, the default), host, keep-id or BASE[:COUNT]"},
    {"uidmap", 0, "Security", "UIDMap", NULL, SETTING_ID_MAPS, AT(uid_maps), TRUST_ADMIN, "INSIDE:HOST[:COUNT]",
     "map user ids of the host by hand"},
    {"gidmap", 0, "Security", "GIDMap", NULL, SETTING_ID_MAPS, AT(gid_maps), TRUST_ADMIN, "INSIDE:HOST[:COUNT]",
     "map group ids of the host by hand; default: as --uidmap="},
    {"profile", 0, "Security", "Profile", NULL, SETTING_STRING, AT(profile_name), TRUST_ADMIN, "PROFILE",
     "how it is isolated: application (default), system (default with --boot), nested or privileged"},
    {"cap-add", 0, "Security", "AddCapability", NULL, SETTING_CAPABILITIES, AT(add_capabilities), TRUST_ADMIN, "CAP",
     "grant a capability, or ALL"},
    {"cap-drop", 0, "Security", "DropCapability", NULL, SETTING_CAPABILITIES, AT(drop_capabilities), TRUST_ADMIN,
     "CAP", "withhold a capability, or ALL"},
    {"no-new-privileges", 0, "Security", "NoNewPrivileges", NULL, SETTING_BOOL, AT(no_new_privileges), TRUST_ADMIN,
     NULL, "setuid programs gain nothing; default on, with --boot off"},
    {"privileged", 0, "Security", "Privileged", NULL, SETTING_BOOL, AT(privileged), TRUST_ADMIN, NULL,
     "all capabilities, no system call filter, no masked paths: with --userns=host no isolation at all"},
    {"seccomp-profile", 0, "Security", "SeccompProfile", NULL, SETTING_STRING, AT(seccomp_profile), TRUST_ADMIN,
     "PROFILE", "default, system, nested, unconfined, or the path of a profile in docker's JSON"},
    {"selinux-context", 'Z', "Security", "SELinuxContext", NULL, SETTING_STRING, AT(label_process), TRUST_ADMIN,
     "LABEL", "SELinux label of the payload; default: from the host's policy, with categories of its own"},
    {"selinux-apifs-context", 'L', "Security", "SELinuxFileContext", NULL, SETTING_STRING, AT(label_file), TRUST_ADMIN,
     "LABEL", "SELinux label of what is mounted for the container"},
    {NULL, 0, "Security", "SecurityLabelDisable", NULL, SETTING_BOOL, AT(label_disabled), TRUST_ADMIN, NULL,
     "no SELinux confinement"},
    {NULL, 0, "Security", "SecurityLabelUser", NULL, SETTING_STRING, AT(label_user), TRUST_ADMIN, "USER",
     "user of the payload's SELinux label"},
    {NULL, 0, "Security", "SecurityLabelRole", NULL, SETTING_STRING, AT(label_role), TRUST_ADMIN, "ROLE",
     "role of the payload's SELinux label"},
    {NULL, 0, "Security", "SecurityLabelType", NULL, SETTING_STRING, AT(label_type), TRUST_ADMIN, "TYPE",
     "type of the payload's SELinux label"},
    {NULL, 0, "Security", "SecurityLabelLevel", NULL, SETTING_STRING, AT(label_level), TRUST_ADMIN, "LEVEL",
     "level of the SELinux labels, such as s0:c1,c2"},
    {NULL, 0, "Security", "SecurityLabelFileType", NULL, SETTING_STRING, AT(label_file_type), TRUST_ADMIN, "TYPE",
     "type of the SELinux label of the container's files"},
    {"security-opt", 0, "Security", "SecurityOption", NULL, SETTING_SECURITY, 0, TRUST_ADMIN, "OPTION",
     "seccomp=PROFILE, no-new-privileges[=BOOL], label=disable, label=PART:VALUE, mask=PATH or unmask=PATH, as podman "
     "spells it"},
    {"mask", 0, "Security", "Mask", NULL, SETTING_PATH_LIST, AT(masked_paths), TRUST_ADMIN, "PATH",
     "hide one more path"},
    {"unmask", 0, "Security", "Unmask", NULL, SETTING_PATH_LIST, AT(unmasked_paths), TRUST_ADMIN, "PATH",
     "show a path that is hidden or read-only by default"},
    {"sysctl", 0, "Security", "Sysctl", NULL, SETTING_ASSIGNMENTS, AT(sysctls), TRUST_ADMIN, "KEY=VALUE",
     "kernel parameter of the container's own namespaces"},

    {"memory", 'm', "Resources", "Memory", NULL, SETTING_PROPERTY_MEMORY, AT(properties), TRUST_ADMIN, "SIZE",
     "memory limit (MemoryMax=)"},
    {"cpus", 0, "Resources", "Cpus", NULL, SETTING_PROPERTY_CPUS, AT(properties), TRUST_ADMIN, "N",
     "processor limit, 1.5 is one and a half (CPUQuota=)"},
    {"pids-limit", 0, "Resources", "PidsLimit", NULL, SETTING_PROPERTY_TASKS, AT(properties), TRUST_ADMIN, "N",
     "limit of processes and threads (TasksMax=)"},
    {"io-weight", 0, "Resources", "IoWeight", NULL, SETTING_PROPERTY_IO_WEIGHT, AT(properties), TRUST_ADMIN, "N",
     "share of disk time, 1 to 10000 (IOWeight=)"},
    {"property", 0, "Resources", "Property", NULL, SETTING_PROPERTY, AT(properties), TRUST_ADMIN, "NAME=VALUE",
     "any resource property of the unit (systemd.resource-control(5))"},
    {"slice", 0, "Resources", "Slice", NULL, SETTING_STRING, AT(slice), TRUST_ADMIN, "SLICE",
     "slice of the unit; default machine-berth.slice"},

    /* What no option or key says: of the configuration of an OCI bundle. */
    BUNDLE("/ociVersion", SETTING_BOOL, bundle, NULL, "an OCI bundle, which says everything itself"),
    BUNDLE("/process/capabilities/bounding", SETTING_CAPABILITIES, capability_names[0], "CAP", "the bounding set"),
    BUNDLE("/process/capabilities/effective", SETTING_CAPABILITIES, capability_names[1], "CAP", "the effective set"),
    BUNDLE("/process/capabilities/inheritable", SETTING_CAPABILITIES, capability_names[2], "CAP", "the inheritable set"),
    BUNDLE("/process/capabilities/permitted", SETTING_CAPABILITIES, capability_names[3], "CAP", "the permitted set"),
    BUNDLE("/process/capabilities/ambient", SETTING_CAPABILITIES, capability_names[4], "CAP", "the ambient set"),
    BUNDLE("/process/user/additionalGids", SETTING_LIST, additional_gids, "GID", "supplementary groups of the payload"),
    BUNDLE("/process/user/umask", SETTING_INTEGER, umask, "N", "file mode creation mask of the payload"),
    BUNDLE("/mounts", SETTING_MOUNT_BUNDLE, mounts, "WORDS", "one mount: type, source, target, options"),
    BUNDLE("/domainname", SETTING_STRING, domainname, "NAME", "the NIS domain name"),
    BUNDLE("/linux/cgroupsPath", SETTING_STRING, cgroup_path, "PATH", "where its cgroup is"),
    BUNDLE("/linux/namespaces", SETTING_BOOL, shares_cgroup_namespace, NULL, "the host's cgroup namespace"),
    BUNDLE("/linux/devices", SETTING_DEVICE, devices, "WORDS", "one device node"),
    BUNDLE("/linux/resources", SETTING_LIST, cgroup_files, "FILE=VALUE", "a file of the cgroup"),
    BUNDLE("/linux/resources/devices", SETTING_LIST, device_rules, "RULE", "which devices may be used"),
    BUNDLE("/linux/readonlyPaths", SETTING_PATH_LIST, read_only_paths, "PATH", "paths that become read-only"),
    BUNDLE("/linux/seccomp", SETTING_STRING, seccomp_text, "JSON", "the system call filter"),
};
/* clang-format on */

const size_t settings_count = ELEMENTSOF(settings);

size_t setting_number(const Setting *setting)
{
    return (size_t) (setting - settings);
}

/* Other spellings that people bring along. */
/* clang-format off */
const SettingAlias setting_aliases[] = {
    /* option, short, key, stands for the option */
    {"machine", 0, NULL, "name"},  /* nspawn, machinectl */
    {"net", 0, NULL, "network"},   /* docker */
    {"notify-ready", 0, "NotifyReady", "notify"}, /* nspawn */
    {"private-users", 0, "PrivateUsers", "userns"}, /* nspawn */
    {"setenv", 'E', NULL, "env"},  /* nspawn */
    {NULL, 0, "Rootfs", "directory"}, /* quadlet */
};
/* clang-format on */

const size_t setting_aliases_count = ELEMENTSOF(setting_aliases);

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static const Setting *find_exact(const char *option)
{
    for (size_t i = 0; i < settings_count; i++)
        if (is_same(settings[i].option, option))
            return &settings[i];
    return NULL;
}

const Setting *setting_find_option(const char *option)
{
    for (size_t i = 0; i < setting_aliases_count; i++)
        if (is_same(setting_aliases[i].option, option))
            return find_exact(setting_aliases[i].target);
    return find_exact(option);
}

const Setting *setting_find_short(char short_option)
{
    for (size_t i = 0; i < setting_aliases_count; i++)
        if (short_option != 0 && setting_aliases[i].short_option == short_option)
            return find_exact(setting_aliases[i].target);
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].short_option == short_option)
            return &settings[i];
    return NULL;
}

const Setting *setting_find_key(const char *section, const char *key)
{
    bool any = !section || strcmp(section, "Container") == 0;

    for (size_t i = 0; i < settings_count; i++)
        if (is_same(settings[i].key, key) && (any || strcmp(settings[i].section, section) == 0))
            return &settings[i];
    for (size_t i = 0; any && i < setting_aliases_count; i++)
        if (is_same(setting_aliases[i].key, key))
            return find_exact(setting_aliases[i].target);
    return NULL;
}

const Setting *setting_find_image_key(const char *key)
{
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].image_key && strcmp(settings[i].image_key, key) == 0)
            return &settings[i];
    return NULL;
}

const Setting *setting_of(size_t offset)
{
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].offset == offset && settings[i].type != SETTING_SECURITY)
            return &settings[i];
    return NULL;
}

const Setting *setting_of_pointer(const char *pointer)
{
    for (size_t i = 0; i < settings_count; i++)
        if (is_same(settings[i].pointer, pointer))
            return &settings[i];
    return NULL;
}

bool setting_takes_argument(const Setting *setting)
{
    return setting->type != SETTING_BOOL;
}
