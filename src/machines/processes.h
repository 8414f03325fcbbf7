/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the processes of a machine, as the host's /proc tells of them (proc_pid_stat(5), proc_pid_status(5)).
 * Never does: enter the machine, or run anything of its image; trust a name: what a process calls itself is hostile text.
 * Runs in: fat programs in the host's pid namespace, as root. The parsers are pure. */

#include "proto/state.h"

#include <sys/types.h>

typedef struct Process {
    pid_t pid, inside_pid; /* inside_pid 0: the kernel does not tell */
    pid_t parent_pid;
    uint64_t host_uid, inside_uid; /* effective; inside_uid UINT64_MAX: not mapped there */
    char state;                    /* R, S, D, Z, T, … */
    uint64_t threads;
    int64_t nice;
    uint64_t terminal;                 /* device number, 0: none */
    uint64_t cpu_ticks, started_ticks; /* since the start of the process; after the boot */
    uint64_t virtual_bytes, resident_bytes;
    char *command; /* words with a blank between, "[name]" without any; raw bytes */
} Process;

typedef struct ProcessList {
    Process *items;
    size_t count;
    bool is_cut; /* there are more than anybody would read */
} ProcessList;

void process_list_done(ProcessList *list);
#define _cleanup_process_list_ _cleanup_(process_list_done)

/* Those of the payload's cgroup, or without one those of its pid namespace; by pid. A process that goes meanwhile is left
 * out. */
int machine_list_processes(const Machine *machine, ProcessList *ret);

/* One of them that waits in the kernel and hears no signal, not even SIGKILL; 0: there is none. Reads nothing that such a
 * process could hold up. */
pid_t machine_find_stuck(const Machine *machine);

/* /proc/PID/stat. -EBADMSG. Fills pid, parent_pid, state and the numbers. */
int process_parse_stat(const char *text, uint64_t page_bytes, Process *process);
/* /proc/PID/status: host_uid and inside_pid; leaves what it does not find. */
void process_parse_status(const char *text, Process *process);
/* The inside id of a host id by /proc/PID/uid_map; UINT64_MAX when it has none. */
uint64_t process_map_id(const char *map, uint64_t host_id);
