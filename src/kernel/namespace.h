/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: user namespaces and their maps of ids; the ids that this process makes files as; a look into the namespaces of
 *       another process and back.
 * Never does: choose ids.
 * Runs in: host programs and the executor. */

#include <stdint.h>
#include <sys/types.h>

/* A namespace of a process, as an fd for setns(2) and mount_map_ids(): "user", "mnt", "net". pid 0 is the caller. */
int namespace_open(pid_t pid, const char *kind);

/* Joins the namespaces `flags` (CLONE_NEW*) of what fd stands for: a namespace, or a process by its pidfd (Linux 5.8). */
int namespace_enter(int fd, int flags);

/* New namespaces of these kinds, CLONE_NEW*, for the caller. */
int namespace_make(int flags);

/* Writes the map of a process that has just come into a user namespace of its own: `file` is "uid_map" or "gid_map", `text`
 * lines of "INSIDE HOST COUNT" (user_namespaces(7)). -EINVAL for a map that the kernel does not take. */
int namespace_write_map(pid_t pid, const char *file, const char *text);

/* Files that this thread makes belong to these ids, and it may do with files what it could before: setfsuid(2) from 0 to
 * another id takes the capabilities for that away, so they are taken back from the permitted set. */
int namespace_set_file_ids(uid_t uid, gid_t gid);

/* A namespace that a path of the host leads to, whatever it is called (/run/netns/NAME, /proc/PID/ns/net). -EINVAL when it
 * is none of the kind CLONE_NEW*. Nothing but a namespace is opened. */
int namespace_open_path(const char *path, int kind);

/* Whether a namespace, of the kind named as in namespace_open(), is the caller's own; -errno. */
int namespace_is_own(int fd, const char *kind);

/* Children of this thread get a time namespace of their own: `lines` of "CLOCK SECONDS NANOSECONDS", NULL-terminated.
 * -EINVAL: this kernel has none; -ERANGE: a clock would be before its beginning (time_namespaces(7)). */
int namespace_make_time(const char *const *lines);

/* A user namespace with this map, kept by the fd alone. For programs that need one without a process in it. */
int namespace_make_user(const char *map);
