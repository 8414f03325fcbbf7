/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the record of one running machine, the same for the state file, `show`, `list -o json` and later the bus.
 * Never does: I/O.
 * Runs in: fat programs; data. */

#include "base/json.h"

#define MACHINE_SCHEMA 1

/* What a supervisor whose `restart` is set understands beside SIGTERM: the next end of its program is the last. */
#define MACHINE_LAST_END_SIGNAL (32 + 2 + 6) /* SIGRTMIN+6 of systemd(1)'s counting */

typedef struct Machine {
    uint64_t schema;
    char *name, *id;        /* id: 64 hex digits, made at each start */
    char *image, *image_id; /* NULL for a directory */
    char *directory;        /* NULL for an image */
    char **command;
    char *unit;                /* systemd unit, NULL without systemd */
    char *cgroup;              /* below the unified hierarchy, NULL without */
    char **environment;        /* what exec inherits: the payload's, its user, place and privileges */
    char **secret_environment; /* VARIABLE=NAME, of secrets of the host's store */
    char *user, *working_directory, *seccomp_profile,
        *seccomp_filter; /* the name of the filter that was made of a profile's file; NULL: none was */
    uint64_t capabilities;
    bool no_new_privileges;
    char *process_label, *file_label; /* SELinux, NULL: not confined by it */
    char *log;                        /* journald, file, none, passthrough */
    char **exposed_ports;             /* "80/tcp", as the image or --expose= has it: unchecked */
    char **ports;                     /* published: port_format(), with both numbers */
    char *link;                       /* the host's end of its link to a network; NULL: none */
    char *address, *address6;         /* there; NULL: none */
    char **binds;                     /* "ID TARGET" of each mount that `bind` made and `unbind` may take away */
    char **uid_map, **gid_map;        /* "INSIDE:HOST:COUNT"; empty: the host's user namespace */
    char **time_offsets;              /* "monotonic=-1h"; empty: the host's time namespace */
    char **id_ranges;                 /* the first id of each range of 64 Ki that it has to itself */
    char *boot_id;
    char *machine_id;                        /* what a system inside was told to be: 32 hexadecimal digits */
    uint64_t supervisor, supervisor_started; /* pid and proc_pid_stat(5) start time in ticks */
    uint64_t leader, leader_started, leader_pidfd_id;
    uint64_t created_usec, started_usec; /* realtime */
    uint64_t stop_timeout_usec, stop_signal;
    char *restart;     /* policy of a supervisor that starts its program again by itself; NULL: none */
    uint64_t restarts; /* how often it has */
    bool interactive, terminal, boot;
    bool remove;        /* what it wrote goes with it */
    bool registered;    /* with systemd-machined */
    char **start_trace; /* "BEGIN DURATION WHERE WHAT", microseconds after it was asked for: what took longest */
    bool foreign;       /* no container of ours: a process that somebody registered over the bus */
    uint64_t owner;     /* user ID of whom it belongs to */
    /* Of a foreign one, as it was registered: text, to be believed by nobody. */
    char *machine_class, *service, *foreign_root;
    bool has_definition; /* /run/berth/containers/NAME.container was made for it */
    json_t *unknown;     /* fields of a newer version, kept */
} Machine;

extern const JsonField machine_fields[];
extern const size_t machine_fields_count;

void machine_free(Machine *machine);
DEFINE_CLEANUP(Machine *, machine_free)

/* How a machine ended: /run/berth/exits/NAME, written by the supervisor. */
typedef struct MachineExit {
    uint64_t schema;
    int64_t code; /* exit status as a shell has it: 128 + signal */
    uint64_t signal, oom_kills, finished_usec, lines_dropped;
    bool is_removed; /* nothing else is left of it */
} MachineExit;

/* Its health checks: machines/NAME:health, written by the supervisor (proto/health.h). */
typedef struct MachineHealth {
    char *health_status; /* NULL: no check has ended yet, or there are none */
    uint64_t health_failing, health_code, health_started_usec, health_ended_usec;
    char *health_output;
} MachineHealth;

extern const JsonField machine_health_fields[];
extern const size_t machine_health_fields_count;

void machine_health_done(MachineHealth *health);

extern const JsonField machine_exit_fields[];
extern const size_t machine_exit_fields_count;
