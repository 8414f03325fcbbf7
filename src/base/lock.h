/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: names that can be taken, as files of a directory: whoever holds the exclusive flock(2) has the name, for as long as
 *       any copy of the fd is open, in whatever process. It is free again when the last holder dies, however it dies.
 * Never does: wait; believe that a file which is there is taken.
 * Runs in: fat programs on the host side, the supervisor. */

#include <stdbool.h>

/* Takes the name below the directory. -EBUSY when somebody has it. The file is made 0600 and stays when the lock goes: its
 * holder may unlink it, nobody else, except who takes the name first. */
int lock_take(int dir_fd, const char *name, int *ret_fd);

/* Whether somebody has it now. */
bool lock_is_taken(int dir_fd, const char *name);

/* Unlinks the names that nobody has, that are at least `age_sec` old, and of which `is_needed` does not say that they are to
 * stay; it is given the locked file. So a name is not swept between the making of its file and its locking; who asks for an
 * old one meanwhile takes it all the same, or finds it taken for this moment. */
typedef bool (*LockIsNeeded)(const char *name, int fd, void *userdata);
void lock_sweep(int dir_fd, unsigned age_sec, LockIsNeeded is_needed, void *userdata);

/* The same by a lock of the open file description (fcntl_locking(2), F_OFD_SETLK), which flock(2) neither sees nor is seen
 * by, for names that other programs take in that way. `shared` excludes only those that want the name alone. */
int lock_take_record(int dir_fd, const char *name, bool shared, int *ret_fd);

/* Unlinks the name, unless somebody shares it. The lock itself goes with the last copy of fd. */
void lock_forget_record(int dir_fd, const char *name, int fd);
