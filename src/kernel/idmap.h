/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what this kernel and a file system can do about mounts with mapped ids.
 * Never does: map one for use (mount_map_ids() does).
 * Runs in: fat programs on the host side. */

#include <stdbool.h>

/* Whether the ids of the file system that fd (O_PATH) is on can be mapped. Known for the usual file systems and kernels;
 * others are tried, which takes a process. */
bool idmap_is_supported(int fd);

/* Whether overlayfs takes such mounts as layers (Linux 5.19). */
bool idmap_takes_overlay(void);
