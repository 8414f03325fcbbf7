/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the program of a cgroup that decides which devices its processes may use (cgroup-v2.rst, "Device controller"; bpf(2)).
 * Never does: write one.
 * Runs in: the supervisor, in the host's namespaces. */

#include <stddef.h>

/* Attaches a program (struct bpf_insn[], of type BPF_PROG_TYPE_CGROUP_DEVICE) to a group of the unified hierarchy, beside those
 * of the groups above: a device is to be used where all of them agree. It goes with the group. -EPERM without CAP_BPF and
 * CAP_NET_ADMIN or CAP_SYS_ADMIN, -ENOSYS or -EINVAL from a kernel that has none. */
int device_filter_attach(int cgroup_fd, const void *program, size_t size_bytes);
