/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: questions to nf_tables that are too frequent for libnftables, whose loading alone takes milliseconds.
 * Never does: change anything (host/firewall.h does, by libnftables).
 * Runs in: fat programs on the host side. */

/* Whether there is a table of the family inet with this name in our network namespace: 1, 0, or -errno; -EOPNOTSUPP:
 * this kernel has no nf_tables. */
int netfilter_has_table(const char *name);
