/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(long r)
{
    return r < 0 ? -errno : (int) r;
}

int sys_clone3(struct clone_args *arguments)
{
    return result(syscall(SYS_clone3, arguments, sizeof(*arguments)));
}

int sys_openat2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t) (unsigned) flags | O_CLOEXEC, .mode = mode, .resolve = resolve};

    return result(syscall(SYS_openat2, dir_fd, path, &how, sizeof(how)));
}

int sys_open_tree(int dir_fd, const char *path, unsigned flags)
{
    return result(syscall(SYS_open_tree, dir_fd, path, flags | OPEN_TREE_CLOEXEC));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return result(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_fsopen(const char *type)
{
    return result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

int sys_fsconfig(int fs_fd, unsigned command, const char *key, const void *value, int aux)
{
    return result(syscall(SYS_fsconfig, fs_fd, command, key, value, aux));
}

int sys_fsmount(int fs_fd, unsigned attributes)
{
    return result(syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes));
}

int sys_mount_setattr(int dir_fd, const char *path, unsigned flags, struct mount_attr *attributes)
{
    return result(syscall(SYS_mount_setattr, dir_fd, path, flags, attributes, sizeof(*attributes)));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
    return result(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_mount(const char *type, const char *target, const char *options)
{
    return result(syscall(SYS_mount, type, target, type, 0UL, options));
}

int sys_umount2(const char *path, int flags)
{
    return result(syscall(SYS_umount2, path, flags));
}

int sys_pidfd_open(pid_t pid, unsigned flags)
{
    return result(syscall(SYS_pidfd_open, pid, flags));
}

int sys_pidfd_send_signal(int pidfd, int signal_number)
{
    return result(syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0));
}

int sys_bpf(int command, void *attributes, unsigned size)
{
    return result(syscall(SYS_bpf, command, attributes, size));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return result(syscall(SYS_close_range, first, last, flags));
}

int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t) effective, (uint32_t) permitted, (uint32_t) inheritable},
        {(uint32_t) (effective >> 32), (uint32_t) (permitted >> 32), (uint32_t) (inheritable >> 32)},
    };

    return result(syscall(SYS_capset, &header, data));
}

int sys_capget_permitted(uint64_t *ret)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {};
    int r = result(syscall(SYS_capget, &header, data));

    if (r == 0)
        *ret = (uint64_t) data[1].permitted << 32 | data[0].permitted;
    return r;
}

int sys_seccomp_set_filter(unsigned flags, const void *program)
{
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program));
}

int sys_keyctl_join_session(const char *name)
{
    return result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name));
}

int sys_execveat(int dir_fd, const char *path, char *const *argv, char *const *envp, int flags)
{
    return result(syscall(SYS_execveat, dir_fd, path, argv, envp, flags));
}
