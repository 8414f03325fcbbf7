/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: raw system calls that the C libraries we build with lack or wrap differently (musl, glibc 2.36).
 * Never does: policy. Every function returns >= 0 or -errno, and every fd it makes is O_CLOEXEC.
 * Runs in: any process; only src/kernel/ calls these. */

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int sys_clone3(struct clone_args *arguments);
int sys_openat2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve);
int sys_open_tree(int dir_fd, const char *path, unsigned flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int sys_fsopen(const char *type);
int sys_fsconfig(int fs_fd, unsigned command, const char *key, const void *value, int aux);
int sys_fsmount(int fs_fd, unsigned attributes);
int sys_mount_setattr(int dir_fd, const char *path, unsigned flags, struct mount_attr *attributes);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_mount(const char *type, const char *target, const char *options);
int sys_umount2(const char *path, int flags);
int sys_pidfd_open(pid_t pid, unsigned flags);
int sys_pidfd_send_signal(int pidfd, int signal_number);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_capget_permitted(uint64_t *ret);
int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int sys_bpf(int command, void *attributes, unsigned size);
int sys_seccomp_set_filter(unsigned flags, const void *program);
int sys_keyctl_join_session(const char *name);
int sys_execveat(int dir_fd, const char *path, char *const *argv, char *const *envp, int flags);
