/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/profile.h"

#include "base/cleanup.h"
#include "spec/values.h"

#include <linux/capability.h>
#include <string.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* The set that container users know, less the three that only serve attacks on the network and the audit trail (NET_RAW,
 * MKNOD, AUDIT_WRITE). */
#define CAPABILITIES_APPLICATION                                                                                       \
    (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(KILL) | CAP(SETGID) | CAP(SETUID) |              \
     CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(SETFCAP))
/* Service managers mount, trace, set limits and log. */
#define CAPABILITIES_SYSTEM                                                                                            \
    (CAPABILITIES_APPLICATION | CAP(NET_BROADCAST) | CAP(NET_ADMIN) | CAP(NET_RAW) | CAP(IPC_OWNER) |                  \
     CAP(SYS_PTRACE) | CAP(SYS_ADMIN) | CAP(SYS_BOOT) | CAP(SYS_NICE) | CAP(SYS_RESOURCE) | CAP(SYS_TTY_CONFIG) |      \
     CAP(LEASE) | CAP(AUDIT_WRITE))
/* What an engine gives to its own containers it must have, and it sets up their networks and mounts. All of it counts in
 * the user namespace only. */
#define CAPABILITIES_NESTED (CAPABILITIES_SYSTEM | CAP(MKNOD) | CAP(IPC_LOCK) | CAP(LINUX_IMMUTABLE))

static const char *const no_paths[] = {NULL};

/* Kernel files that tell of the host, its hardware or other processes, or that act on them. Missing ones are no error:
 * which there are depends on the kernel. */
static const char *const masked_application[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/kallsyms",
    "/sys/firmware",
    "/sys/fs/selinux",
    "/sys/dev/block",
    "/sys/devices/virtual/powercap",                 /* energy used tells what others compute (CVE-2020-8694) */
    "/sys/devices/system/cpu/cpu*/thermal_throttle", /* so do counts of events */
    NULL,
};
static const char *const read_only_application[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static const char *const masked_system[] = {
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sysrq-trigger",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
    "/sys/devices/system/cpu/cpu*/thermal_throttle",
    NULL,
};
static const char *const read_only_system[] = {
    "/proc/sys", "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi", NULL,
};

const Profile profiles[] = {
    {
        .name = "application",
        .description = "one program and its children; the default",
        .capabilities = CAPABILITIES_APPLICATION,
        .no_new_privileges = true,
        .seccomp = "default",
        .masked_paths = masked_application,
        .read_only_paths = read_only_application,
        .device_policy = "closed",
        .devices_allow = "char-pts rw",
        .tasks_max = "2048",
    },
    {
        .name = "system",
        .description = "an init with services; the default with --boot",
        .capabilities = CAPABILITIES_SYSTEM,
        .seccomp = "system",
        .masked_paths = masked_system,
        .read_only_paths = read_only_system,
        .has_writable_cgroup = true,
        .owns_cgroup = true,
        .device_policy = "closed",
        .devices_allow = "char-pts rw",
        .tasks_max = "16384",
    },
    {
        .name = "nested",
        .description = "podman, docker or berthctl works inside; always in a user namespace",
        .capabilities = CAPABILITIES_NESTED,
        .seccomp = "nested",
        /* In a user namespace the kernel mounts another /proc or /sys only where one is seen whole, without anything
         * mounted over parts of it (mount_too_revealing(), fs/namespace.c). What those files show and do is left to
         * their owner, who is nobody in the user namespace. */
        .masked_paths = no_paths,
        .read_only_paths = no_paths,
        .has_writable_sys = true,
        .has_writable_cgroup = true,
        .owns_cgroup = true,
        .needs_user_namespace = true,
        .runs_containers = true,
        .device_policy = "closed",
        .devices_allow = "char-pts rw",
        .tasks_max = "16384",
    },
    {
        .name = "privileged",
        .description = "no isolation from a hostile payload; the same as --privileged",
        .capabilities = CAPABILITY_ALL,
        .seccomp = "unconfined",
        .masked_paths = no_paths,
        .read_only_paths = no_paths,
        .has_writable_sys = true,
        .has_writable_cgroup = true,
        .has_all_devices = true,
        .tasks_max = "2048",
    },
};
const Profile profile_bundle = {
    .name = "bundle",
    .description = "as the configuration of an OCI bundle has it",
    .seccomp = "unconfined",
    .masked_paths = no_paths,
    .read_only_paths = no_paths,
    .has_writable_sys = true,
    .has_writable_cgroup = true,
    .has_all_devices = true,
};
const size_t profiles_count = ELEMENTSOF(profiles);

const ProfileDevice profile_devices[] = {
    {"/dev/null", 1, 3},    {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8},
    {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},  {NULL, 0, 0},
};

const Profile *profile_find(const char *name)
{
    for (size_t i = 0; i < profiles_count; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

const char *const profile_namespaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", NULL};
