/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the functions behind the steps, one file per family.
 * Never does: run on its own: loop.c calls them by the table there.
 * Runs in: see the kind's row in steps/kinds.c. */

#include "executor/context.h"

/* host.c */
int apply_cgroup(Context *context, const Step *step);
void undo_cgroup(Context *context, const Step *step);
int apply_directory(Context *context, const Step *step);
void undo_directory(Context *context, const Step *step);
int apply_id_range(Context *context, const Step *step);
void undo_id_range(Context *context, const Step *step);
int apply_clone_tree(Context *context, const Step *step);
int apply_device_tree(Context *context, const Step *step);
int apply_start(Context *context, const Step *step);
int apply_join_start(Context *context, const Step *step);
int apply_supervise(Context *context, const Step *step);

/* outer.c */
int apply_id_map(Context *context, const Step *step);
int apply_map_tree(Context *context, const Step *step);
int apply_link(Context *context, const Step *step);
int apply_publish(Context *context, const Step *step);
void undo_publish(Context *context, const Step *step);
int apply_join_user(Context *context, const Step *step);
int apply_become_root(Context *context, const Step *step);

/* root.c */
int apply_join(Context *context, const Step *step);
int apply_propagation(Context *context, const Step *step);
int apply_root_tree(Context *context, const Step *step);
int apply_root_overlay(Context *context, const Step *step);
int apply_overlay(Context *context, const Step *step);
int apply_pivot(Context *context, const Step *step);

/* mounts.c */
int apply_mount(Context *context, const Step *step);
int apply_bind(Context *context, const Step *step);
int apply_make_directory(Context *context, const Step *step);
int apply_device(Context *context, const Step *step);
int apply_symlink(Context *context, const Step *step);
int apply_file(Context *context, const Step *step);
int apply_terminal(Context *context, const Step *step);
int apply_mask(Context *context, const Step *step);
int apply_read_only(Context *context, const Step *step);

/* interface.c */
int apply_notify_socket(Context *context, const Step *step);
int apply_inaccessible(Context *context, const Step *step);
int apply_credential(Context *context, const Step *step);
int apply_show_file(Context *context, const Step *step);

/* kernel.c */
int apply_sysctl(Context *context, const Step *step);
int apply_join_cgroup(Context *context, const Step *step);
int apply_hostname(Context *context, const Step *step);
int apply_loopback(Context *context, const Step *step);
int apply_label(Context *context, const Step *step);
/* The SELinux label of sockets that this process makes from now on; NULL: its own again. */
int label_sockets(Context *context, const char *label);
int apply_keyring(Context *context, const Step *step);
int apply_rlimit(Context *context, const Step *step);
int apply_oom_score(Context *context, const Step *step);

/* identity.c */
int apply_identity(Context *context, const Step *step);
int apply_working_directory(Context *context, const Step *step);
int apply_chown_tree(Context *context, const Step *step);
int apply_capabilities(Context *context, const Step *step);
int apply_no_new_privileges(Context *context, const Step *step);
int apply_seccomp(Context *context, const Step *step);

/* await.c */
int apply_await(Context *context, const Step *step);

/* exec.c */
/* Whether the program that is to run is there at all, for who is not there when it is run; one that is looked for from the
 * working directory is not looked at. */
int check_program(Context *context, const StepExec *exec);
int apply_exec(Context *context, const Step *step);
/* The reaper as a program of its own, REAPER_ARGUMENT PID: ends as that child does. */
#define REAPER_ARGUMENT "--reap"
int reaper_main(const char *number);
