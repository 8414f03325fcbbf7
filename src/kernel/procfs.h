/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: files of procfs that are written or read on behalf of a container: by an fd of a procfs that is known to be one, and
 *       never through a mount that covers a part of it (CVE-2025-52881).
 * Never does: believe what lies at "/proc" after a container's root was entered.
 * Runs in: the executor, and children that join a container's mount namespace. */

/* The procfs at "/proc" of this process, O_PATH: to be called while that is the host's. -EXDEV when what is there is no procfs
 * or not the root of one. fd or -errno. */
int procfs_open(void);

/* Opens `name` below the root of a procfs; `flags` as for open(2), O_CLOEXEC and O_NOFOLLOW implied. -EXDEV when a mount is in
 * the way, whatever is mounted, or when it is no file of procfs. fd or -errno. */
int procfs_open_at(int proc_fd, const char *name, int flags);
