/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what SELinux does on this host, asked of the kernel (selinuxfs).
 * Never does: load libselinux, or read or make labels: those come with confinement.
 * Runs in: fat programs on the host side. */

typedef enum SelinuxMode {
    SELINUX_MODE_DISABLED, /* no policy is loaded, or the kernel has no SELinux */
    SELINUX_MODE_PERMISSIVE,
    SELINUX_MODE_ENFORCING,
    _SELINUX_MODE_MAX
} SelinuxMode;

SelinuxMode selinux_probe_mode(void);
const char *selinux_mode_to_string(SelinuxMode mode);
