/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a machine uses: the accounting files of its cgroup (cgroup-v2.rst, "Controllers") and the counters of its
 *       network interfaces, as numbers.
 * Never does: enter a namespace; guess. What this host does not account is UINT64_MAX.
 * Runs in: fat programs on the host side, as root. The parsers are pure; what they read may name a container's things. */

#include "proto/state.h"

typedef struct MachineUsage {
    uint64_t cpu_usec;
    uint64_t memory_bytes, memory_peak_bytes;
    uint64_t memory_max_bytes; /* of the group itself; UINT64_MAX: no limit */
    bool is_memory_estimated;  /* no memory controller here: the sum of its processes' resident pages */
    uint64_t tasks, tasks_max;
    uint64_t oom_kills;
    uint64_t io_read_bytes, io_written_bytes;
    uint64_t network_received_bytes,
        network_sent_bytes; /* all interfaces but the loopback; unknown on the host's network */
} MachineUsage;

/* Never fails: what cannot be read is unknown. */
void machine_read_usage(const Machine *machine, MachineUsage *ret);
/* The group of the whole machine, for more of its files. -ENOENT: it has none. */
int machine_open_cgroup(const Machine *machine, int *ret_fd);

/* The number behind "KEY " at the start of a line; UINT64_MAX when there is none. */
uint64_t usage_parse_keyed(const char *text, const char *key);
/* The sums of rbytes= and wbytes= over the devices of io.stat. */
void usage_parse_io(const char *text, uint64_t *ret_read, uint64_t *ret_written);
/* The sums of bytes over the interfaces of /proc/PID/net/dev but "lo". */
void usage_parse_network(const char *text, uint64_t *ret_received, uint64_t *ret_sent);
