/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: landlock(7): what of the file system a process can still reach.
 * Never does: decide what that is.
 * Runs in: a program that confines itself. */

/* Everything is refused but reading below `paths` (NULL-terminated; what is missing is left out). Holds for this thread and
 * whatever it makes from now on; needs no new privileges. -EOPNOTSUPP or -ENOSYS where the kernel has none (before 5.13, or
 * turned off). */
int landlock_allow_reading(const char *const *paths);
