/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: compound values of settings, each with an x_parse/x_format pair: mounts, resource limits, namespaces,
 *       capabilities.
 * Never does: I/O; paths are looked at as text.
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum MountKind {
    MOUNT_KIND_BIND,
    MOUNT_KIND_TMPFS,
    MOUNT_KIND_OVERLAY,
    MOUNT_KIND_ANONYMOUS, /* a VOLUME of an image: an empty directory of this container's own */
    MOUNT_KIND_INACCESSIBLE,
    MOUNT_KIND_FILE_SYSTEM, /* of a bundle: any that the kernel has */
    _MOUNT_KIND_MAX,
    _MOUNT_KIND_INVALID = -1,
} MountKind;

/* Whose the files of a mount are in a container with a user namespace. */
typedef enum MountIds {
    MOUNT_IDS_DEFAULT, /* as MAP where the file system can, else as KEEP */
    MOUNT_IDS_MAP,     /* who has an id inside has the files of that id on the host */
    MOUNT_IDS_KEEP,    /* what the host calls them: nobody's, but for ids that are mapped */
} MountIds;

/* One mount that somebody asked for. host_path and inside_path are absolute and normalised. */
typedef struct MountSpec {
    MountKind kind;
    char *host_path;    /* BIND: the source, */
    char *volume;       /* or the name of a volume, or of the file NAME.volume that tells it; one of both */
    char **host_layers; /* OVERLAY: lower directories, lowest first, then the upper one unless read_only */
    char *inside_path;
    char **options; /* TMPFS: size=, mode=, … for the file system */
    bool read_only, not_recursive, no_exec, no_suid, no_dev;
    bool relabel_shared,
        relabel_private; /* BIND: "z", "Z": give the source a label for all, or for this container only */
    MountIds ids;        /* BIND */
    bool chown;          /* BIND: all in it is given to the container's user */
    bool no_copy;        /* of a volume: what the image has there is not its first content */
    char *type, *source; /* FILE_SYSTEM */
    uint64_t attributes; /* of a bundle: more MOUNT_ATTR_* of linux/mount.h */
    char *origin;
} MountSpec;

void mount_spec_done(MountSpec *mount);

/* What a bind's source is called in messages. */
static inline const char *mount_source(const MountSpec *mount)
{
    return mount->volume ? mount->volume : mount->host_path;
}

/* SOURCE[:TARGET[:OPTIONS]]; "\:" is a colon. As --bind= and --bind-ro= of systemd-nspawn(1). */
int mount_parse_bind(const char *text, bool read_only, MountSpec *ret, Error *error);
/* SOURCE:TARGET[:OPTIONS] or TARGET, as -v of podman-run(1); a source without a slash is the name of a volume. */
int mount_parse_volume(const char *text, MountSpec *ret, Error *error);
/* TARGET[:OPTIONS] as --tmpfs of both. */
int mount_parse_tmpfs(const char *text, MountSpec *ret, Error *error);
/* LOWER[:LOWER…]:UPPER:TARGET as --overlay= of systemd-nspawn(1). */
int mount_parse_overlay(const char *text, MountSpec *ret, Error *error);
/* type=bind,src=…,dst=…[,ro] as --mount of podman-run(1). */
int mount_parse_mount(const char *text, MountSpec *ret, Error *error);
/* TYPE, SOURCE, TARGET and options, each a word, as "config.md#mounts" of the OCI runtime specification has them; SOURCE is
 * absolute for a bind mount. -EOPNOTSUPP for an option that cannot be honoured. */
int mount_parse_bundle(char *const *words, MountSpec *ret, Error *error);
/* The options that are understood, one after the other; NULL behind the last. */
const char *mount_bundle_option(size_t number);
/* The `type=…` form that mount_parse_mount() reads back; NULL when memory is short. */
char *mount_format(const MountSpec *mount);

/* One resource limit, setrlimit(2). UINT64_MAX is infinity. */
typedef struct LimitSpec {
    int resource;
    uint64_t soft, hard;
} LimitSpec;

/* NAME=SOFT[:HARD] with the names of ulimit in podman-run(1) and of systemd's Limit…= ("nofile", "LimitNOFILE"). */
int limit_parse(const char *text, LimitSpec *ret, Error *error);
char *limit_format(const LimitSpec *limit);

typedef enum UsernsMode {
    USERNS_DEFAULT, /* nobody said: the launcher decides by what the host can */
    USERNS_HOST,
    USERNS_AUTO,      /* a range of its own, chosen by the launcher */
    USERNS_KEEP_ID,   /* the same, with the ids of the calling user among them */
    USERNS_RANGE,     /* `count` ids of the host from `base` */
    USERNS_CONTAINER, /* that of the running container `target` */
} UsernsMode;

typedef struct UsernsSpec {
    UsernsMode mode;
    uint32_t base, count;
    uint32_t keep_uid, keep_gid; /* KEEP_ID: what the caller is called inside; ID_INVALID: the same */
    char *target;                /* owned */
} UsernsSpec;

/* auto, host, keep-id[:uid=N,gid=N], BASE[:COUNT], container:NAME, and what systemd-nspawn(1) calls them: pick, no, identity.
 * What *ret had is freed. */
int userns_parse(const char *text, UsernsSpec *ret, Error *error);
/* NULL for USERNS_DEFAULT, or when memory is short. */
char *userns_format(const UsernsSpec *userns);

typedef enum NamespaceMode {
    NAMESPACE_PRIVATE,
    NAMESPACE_HOST,
    NAMESPACE_NONE,      /* network only: private, with the loopback device down */
    NAMESPACE_BRIDGE,    /* network only: private, with a link to the host's bridge */
    NAMESPACE_CONTAINER, /* that of the running container `target` */
    NAMESPACE_PATH,      /* that behind the absolute path `target` of the host */
    _NAMESPACE_MODE_MAX
} NamespaceMode;

/* Which modes there are for a namespace. */
typedef enum NamespaceKind {
    NAMESPACE_KIND_NETWORK, /* all of them */
    NAMESPACE_KIND_UTS,     /* without "none" and "bridge" */
    NAMESPACE_KIND_PROCESS, /* PID and IPC: nor a path */
    _NAMESPACE_KIND_MAX
} NamespaceKind;

/* Whose namespace of one kind the container has. */
typedef struct NamespaceSpec {
    NamespaceMode mode;
    char *target; /* owned */
} NamespaceSpec;

/* private, host, none, bridge, container:NAME, ns:PATH, as podman-run(1) spells them, of those that the kind has. What *ret had
 * is freed. */
int namespace_parse(const char *text, NamespaceKind kind, NamespaceSpec *ret, Error *error);
char *namespace_format(const NamespaceSpec *spec);

/* CLOCK=TIME of a time namespace: clock "monotonic" or "boottime", TIME a time span, also negative. *ret is a line of
 * /proc/PID/timens_offsets, "CLOCK SECONDS NANOSECONDS" (time_namespaces(7)); the caller owns it. */
int time_offset_parse(const char *text, char **ret, Error *error);

/* Capability masks: 1 << CAP_* of capabilities(7). Accepts CAP_NET_ADMIN, net_admin, ALL. */
int capability_parse(const char *name, uint64_t *ret_mask, Error *error);
/* "CAP_CHOWN", or NULL above the highest known. */
const char *capability_name(unsigned number);
#define CAPABILITY_LAST 40U /* CAP_CHECKPOINT_RESTORE, Linux 5.9 */
#define CAPABILITY_ALL  ((UINT64_C(1) << (CAPABILITY_LAST + 1)) - 1)
/* The blank-separated names of a mask, "ALL" or "none". */
char *capability_format_mask(uint64_t mask);

/* A device node that a container gets beside those of every container. */
typedef struct DeviceSpec {
    char *inside_path;
    char type; /* 'b', 'c' or 'p' (a FIFO) */
    unsigned major, minor, mode, uid, gid;
} DeviceSpec;

/* PATH, TYPE, MAJOR, MINOR, MODE (octal), UID, GID, as "config-linux.md#devices" of the OCI runtime specification has them. */
int device_parse(char *const *words, DeviceSpec *ret, Error *error);
void device_spec_done(DeviceSpec *device);

/* The lists of capabilities(7) that a process has, in the order of the OCI runtime specification. */
typedef enum CapabilitySet {
    CAPABILITY_SET_BOUNDING,
    CAPABILITY_SET_EFFECTIVE,
    CAPABILITY_SET_INHERITABLE,
    CAPABILITY_SET_PERMITTED,
    CAPABILITY_SET_AMBIENT,
    _CAPABILITY_SET_MAX
} CapabilitySet;
