/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: making, naming and ending processes by pidfd; what a process gives up before it runs foreign code.
 * Never does: decide what to give up.
 * Runs in: any process. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* clone3(2) as fork: returns twice. `namespaces` is CLONE_NEW*, cgroup_fd a cgroup v2 directory to start in or < 0
 * (CLONE_INTO_CGROUP, Linux 5.7). In the parent the pid, and a pidfd in *ret_pidfd; 0 in the child. */
pid_t process_clone(uint64_t namespaces, int cgroup_fd, int *ret_pidfd);

/* The same for a child in the pid namespace of another process; the caller, whose own one is open in own_fd, stays in
 * all of its namespaces, and so do its later children. -ENOMEM when that namespace's first process is gone. */
pid_t process_clone_inside(int target_pidfd, int own_fd, int cgroup_fd, int *ret_pidfd);

/* Runs an open program with fds[i] as its fd i, and without what else is O_CLOEXEC. Every fd given, the program's too,
 * must be `count` or above. By vfork(2): posix_spawn(3) of glibc first looks at every signal and takes a stack of its own,
 * which together is most of its time. The program starts with our signal mask, and with what we ignore ignored. */
int process_spawn(int program_fd, char *const *argv, char *const *envp, const int *fds, size_t count, pid_t *ret_pid);

/* The other way round: the caller's process becomes the program, and a copy of the caller, nobody's child, goes on from here.
 * A failure to run the program is not told: the process ends with 127. *ret_pid is the program's. */
int process_become(int program_fd, char *const *argv, char *const *envp, const int *fds, size_t count, pid_t *ret_pid);

/* pidfd_open(2). A pidfd names one process for ever; a pid is recycled. */
int process_open(pid_t pid);
/* -ESRCH when it is gone. */
int process_send_signal(int pidfd, int signal_number);
/* Blocks; fills the wait(2) style status of a child: exit code in *ret_code, or the signal and *ret_signaled. */
int process_wait(int pidfd, int *ret_code, bool *ret_signaled);
/* The inode number of a pidfd: since Linux 6.9 unique per boot and process; 0 where the kernel has no pidfs. */
uint64_t process_pidfd_id(int pidfd);
/* The process that a pidfd refers to, as this PID namespace numbers it: -EBADF for any other file, -ESRCH when it is dead or
 * not in this namespace. */
int process_pid_of(int pidfd, pid_t *ret);
/* Its user ID, when real, effective, saved and file system's are the same: -EPERM when they are not. */
int process_user_of(pid_t pid, uid_t *ret);
/* The start time in clock ticks after boot (proc_pid_stat(5) field 22): with the pid an identity on every kernel. */
int process_start_time(pid_t pid, uint64_t *ret_ticks);

/* Of another process: proc_pid_oom_score_adj(5). */
int process_set_oom_score(pid_t pid, const char *text);

/* The `count` fds become first, first + 1, …, O_CLOEXEC, in this order; every other one from `first` on is closed. */
int process_keep_fds(const int *fds, size_t count, int first);

/* close_range(2) for everything from `first`; with cloexec true it marks them instead. */
int process_close_from(int first, bool cloexec);

/* Capability sets are masks of 1 << CAP_* (capabilities(7)). Bounding drops everything not in `keep`; set gives
 * the same mask to permitted and effective, clears inheritable and ambient. */
int process_drop_bounding(uint64_t keep, unsigned last_capability);
int process_set_capabilities(uint64_t permitted);
/* Each set by itself. Ambient ones that are not permitted and inheritable, too, are left out: the kernel has no such thing. */
int process_set_capability_sets(uint64_t effective, uint64_t permitted, uint64_t inheritable, uint64_t ambient);
/* The caller's permitted set: nobody can hand on more. */
int process_get_capabilities(uint64_t *ret_permitted);
int process_clear_ambient(void);

/* A cBPF program (array of struct sock_filter, 8 bytes each). */
int process_load_seccomp(const void *instructions, size_t size_bytes);

/* A new anonymous session keyring, so that the caller's is out of reach (session-keyring(7)). */
int process_join_new_keyring(void);

int process_set_dumpable(bool dumpable);
int process_set_no_new_privileges(void);
int process_set_name(const char *name);
/* execveat(2) of an open program; a script needs its fd to stay open, so pass an fd without O_CLOEXEC for one. */
int process_exec_fd(int fd, char *const *argv, char *const *envp);
