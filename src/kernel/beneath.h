/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: opening what lies below a directory, where leaving it is an error: openat2(2) with
 *       RESOLVE_BENEATH|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_XDEV. Links that stay inside are followed, an
 *       absolute one or one that climbs out is -EXDEV (kernel/resolve.h reads them as a container would).
 * Never does: create anything.
 * Runs in: the importer, berthctl and their confined children. */

/* `path` is relative; "." is the directory itself. O_CLOEXEC implied. fd or -errno. */
int beneath_open(int dir_fd, const char *path, int flags);
/* The same where others change what is there meanwhile: no link is followed at all (-ELOOP), but other file systems
 * that are mounted below are entered. */
int beneath_open_plain(int dir_fd, const char *path, int flags);
