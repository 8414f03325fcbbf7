/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel is told about the new namespaces and the process. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/mount.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/resolve.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Through the mount that this process made itself; never through "/proc", which mounts and links of the container cover. */
static int write_proc(Context *context, const char *name, const char *text)
{
    _cleanup_close_ int fd = context->proc_fd < 0 ? -ENOENT : procfs_open_at(context->proc_fd, name, O_WRONLY);

    return fd < 0 ? fd : file_write_all(fd, text, strlen(text));
}

int label_sockets(Context *context, const char *label)
{
    /* An empty line takes it back (proc_pid_attr(5)). */
    return write_proc(context, "thread-self/attr/sockcreate", label ? label : "\n");
}

/* For the next execve(2), and for the keyring that the next step makes. */
int apply_label(Context *context, const Step *step)
{
    static const char *const attributes[] = {"thread-self/attr/keycreate", "thread-self/attr/exec"};

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        int r = write_proc(context, attributes[i], step->label.process);

        if (r < 0)
            return fail(context, r, "cannot set the SELinux label '%s': %s", step->label.process, strerror(-r));
    }
    return 0;
}

int apply_sysctl(Context *context, const Step *step)
{
    int fd = -EBADF;

    for (size_t i = 0; step->sysctl.assignments && step->sysctl.assignments[i]; i++) {
        const char *assignment = step->sysctl.assignments[i], *equals = strchr(assignment, '=');
        char name[256];
        int r;

        r = equals ? snprintf(name, sizeof(name), "sys/%.*s", (int) (equals - assignment), assignment) : -1;
        if (r < 0 || (size_t) r >= sizeof(name))
            return fail(context, -EINVAL, "'%s' is not a sysctl", assignment);
        for (char *c = name; *c; c++)
            if (*c == '.')
                *c = '/';
        r = write_proc(context, name, equals + 1);
        if ((r == -EPERM || r == -EACCES) && context->may_ask)
            return ask_for_steps(context, &fd);
        if (r < 0)
            return fail(context, r, "cannot set the sysctl %s: %s", assignment, strerror(-r));
    }
    return 0;
}

/* Asks the supervisor to put this process where it belongs and waits for it. */
static int wait_for_cgroup(Context *context)
{
    Message message;
    int fds[SOCKET_FDS_MAX], r;
    size_t fds_count = 0;
    ssize_t n;

    /* There was a group before this process, so that it was cloned into it: see apply_start(). */
    if (context->payload_cgroup_fd >= 0)
        return 0;
    r = send_message(context->inner_fd, MESSAGE_WANT_CGROUP, 0, -EBADF);
    if (r < 0)
        return fail(context, r, "the supervisor is gone");
    n = socket_receive(context->inner_fd, &message, sizeof(message), fds, &fds_count);
    if (n != sizeof(message) || message.kind != MESSAGE_CGROUP)
        return fail(context, n < 0 ? (int) n : -ECANCELED, "the supervisor gave no cgroup");
    return 0;
}

/* cgroup_namespaces(7): the namespace's root is the group that the process is in when it makes the namespace. */
int apply_join_cgroup(Context *context, const Step *step)
{
    _cleanup_close_ int target_fd = -EBADF, mount_fd = -EBADF;
    int r = wait_for_cgroup(context);

    if (r < 0)
        return r;
    if (!step->join_cgroup.keep_namespace && unshare(CLONE_NEWCGROUP) < 0)
        return fail(context, -errno, "cannot make the cgroup namespace: %s", strerror(errno));
    if (!step->join_cgroup.mount)
        return 0;
    r = resolve_make_plain_directory(context->root_fd, "/sys/fs/cgroup", &target_fd);
    if (r == -ENOENT) /* a kernel without the directory in sysfs */
        return 0;
    if (r < 0)
        return fail(context, r, "cannot open /sys/fs/cgroup: %s", strerror(-r));
    mount_fd = mount_create("cgroup2", NULL, NULL,
                            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                                (step->join_cgroup.read_only ? MOUNT_ATTR_RDONLY : 0U));
    r = mount_fd < 0 ? mount_fd : mount_attach(mount_fd, target_fd);
    return r < 0 ? fail(context, r, "cannot mount /sys/fs/cgroup: %s", strerror(-r)) : 0;
}

int apply_hostname(Context *context, const Step *step)
{
    const char *name = step->hostname.name, *domain = step->hostname.domain;

    if (name && sethostname(name, strlen(name)) < 0)
        return fail(context, -errno, "cannot set the host name: %s", strerror(errno));
    if (domain && setdomainname(domain, strlen(domain)) < 0)
        return fail(context, -errno, "cannot set the domain name: %s", strerror(errno));
    return 0;
}

int apply_loopback(Context *context, const Step *step)
{
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

    (void) step;
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return fail(context, -errno, "cannot bring up the loopback device: %s", strerror(errno));
    return 0;
}

int apply_keyring(Context *context, const Step *step)
{
    int r = process_join_new_keyring();

    (void) step;
    /* ENOSYS: a kernel without keyrings has none to share. EPERM: a filter over us forbids keyctl(2), and the payload
     * inherits it. EDQUOT: refuse rather than share the caller's. */
    return r < 0 && r != -ENOSYS && r != -EPERM ? fail(context, r, "cannot make a session keyring: %s", strerror(-r))
                                                : 0;
}

int apply_rlimit(Context *context, const Step *step)
{
    const StepRlimit *limit = &step->rlimit;
    struct rlimit value = {
        .rlim_cur = limit->soft == UINT64_MAX ? RLIM_INFINITY : limit->soft,
        .rlim_max = limit->hard == UINT64_MAX ? RLIM_INFINITY : limit->hard,
    };

    /* Outside: only the host's root raises a limit above that of the launcher's caller. */
    if (prlimit(step->is_outer ? context->payload_pid : 0, (__typeof__(RLIMIT_CORE)) limit->resource, &value, NULL) < 0)
        return fail(context, -errno, "cannot set the resource limit %llu: %s", (unsigned long long) limit->resource,
                    strerror(errno));
    return 0;
}

int apply_oom_score(Context *context, const Step *step)
{
    char text[16];
    int r;

    snprintf(text, sizeof(text), "%d", (int) step->oom_score.score_plus_1000 - 1000);
    /* Outside: the file belongs to the host's root, as the process is not dumpable. */
    r = step->is_outer ? process_set_oom_score(context->payload_pid, text)
                       : write_proc(context, "self/oom_score_adj", text);
    return r < 0 ? fail(context, r, "cannot set the OOM score to %s: %s", text, strerror(-r)) : 0;
}
