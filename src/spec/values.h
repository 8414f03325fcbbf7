/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: compound values of settings, each with an x_parse/x_format pair: mounts, resource limits, capabilities.
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
    _MOUNT_KIND_MAX,
    _MOUNT_KIND_INVALID = -1,
} MountKind;

/* One mount that somebody asked for. host_path and inside_path are absolute and normalised. */
typedef struct MountSpec {
    MountKind kind;
    char *host_path;    /* BIND: the source */
    char **host_layers; /* OVERLAY: lower directories, lowest first, then the upper one unless read_only */
    char *inside_path;
    char **options; /* TMPFS: size=, mode=, … for the file system */
    bool read_only, not_recursive, no_exec, no_suid, no_dev;
    bool relabel_shared,
        relabel_private; /* BIND: "z", "Z": give the source a label for all, or for this container only */
    char *origin;
} MountSpec;

void mount_spec_done(MountSpec *mount);

/* SOURCE[:TARGET[:OPTIONS]]; "\:" is a colon. As --bind= and --bind-ro= of systemd-nspawn(1). */
int mount_parse_bind(const char *text, bool read_only, MountSpec *ret, Error *error);
/* SOURCE:TARGET[:OPTIONS] or TARGET, as -v of podman-run(1); only host paths: a bare name is -EOPNOTSUPP. */
int mount_parse_volume(const char *text, MountSpec *ret, Error *error);
/* TARGET[:OPTIONS] as --tmpfs of both. */
int mount_parse_tmpfs(const char *text, MountSpec *ret, Error *error);
/* LOWER[:LOWER…]:UPPER:TARGET as --overlay= of systemd-nspawn(1). */
int mount_parse_overlay(const char *text, MountSpec *ret, Error *error);
/* type=bind,src=…,dst=…[,ro] as --mount of podman-run(1). */
int mount_parse_mount(const char *text, MountSpec *ret, Error *error);
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

/* Capability masks: 1 << CAP_* of capabilities(7). Accepts CAP_NET_ADMIN, net_admin, ALL. */
int capability_parse(const char *name, uint64_t *ret_mask, Error *error);
/* "CAP_CHOWN", or NULL above the highest known. */
const char *capability_name(unsigned number);
#define CAPABILITY_LAST 40U /* CAP_CHECKPOINT_RESTORE, Linux 5.9 */
#define CAPABILITY_ALL  ((UINT64_C(1) << (CAPABILITY_LAST + 1)) - 1)
/* The blank-separated names of a mask, "ALL" or "none". */
char *capability_format_mask(uint64_t mask);
