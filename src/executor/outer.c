/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The third place where steps run: the supervisor, for a first process in a user namespace, which waits meanwhile. It has
 * the host's rights and ids. Where a step needs the container's mount namespace, the supervisor goes there for as long as
 * the row of outer steps lasts; nothing of the container's runs yet, and it keeps its own user namespace all the time. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "kernel/pipe.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* "INSIDE:HOST:COUNT", … as the lines that the kernel takes. */
static char *map_text(const char *const *map)
{
    size_t size = 1, length = 0;
    char *text;

    for (size_t i = 0; map && map[i]; i++)
        size += strlen(map[i]) + 1;
    text = malloc(size);
    if (!text)
        return NULL;
    for (size_t i = 0; map && map[i]; i++) {
        for (const char *c = map[i]; *c; c++)
            text[length++] = *c == ':' ? ' ' : *c;
        text[length++] = '\n';
    }
    text[length] = 0;
    return text;
}

int apply_id_map(Context *context, const Step *step)
{
    const StepIdMap *id_map = &step->id_map;
    _cleanup_free_ char *uid_map = map_text(id_map->uid_map), *gid_map = map_text(id_map->gid_map);
    int r;

    if (!uid_map || !gid_map)
        return -ENOMEM;
    r = id_map->is_there ? 0 : namespace_write_map(context->payload_pid, "uid_map", uid_map);
    if (r == 0 && !id_map->is_there)
        r = namespace_write_map(context->payload_pid, "gid_map", gid_map);
    if (r < 0)
        return fail(context, r, "the kernel does not take the map of ids: %s", strerror(-r));
    context->userns_fd = namespace_open(context->payload_pid, "user");
    if (context->userns_fd < 0)
        return fail(context, context->userns_fd, "cannot open the user namespace: %s", strerror(-context->userns_fd));
    /* Pipes that are the payload's standard streams: it may open them anew, by /dev/stdout. */
    for (int i = 0; i < 3; i++)
        (void) pipe_give(i, (uid_t) id_map->uid, (gid_t) id_map->gid);
    for (int i = 0; i < 2; i++)
        (void) pipe_give(context->output_fds[i], (uid_t) id_map->uid, (gid_t) id_map->gid);
    context->root_uid = (uid_t) id_map->uid;
    context->root_gid = (gid_t) id_map->gid;
    return 0;
}

int apply_map_tree(Context *context, const Step *step)
{
    const StepMapTree *map = &step->map_tree;

    for (uint64_t i = 0; i < map->count; i++) {
        int r = mount_map_ids(context_tree(context, map->tree + i), context->userns_fd, map->recursive);

        if (r == -EINVAL)
            return fail(context, r,
                        "the ids of '%s' cannot be mapped: its file system%s does not support that; "
                        "mount option 'noidmap' or --userns=host do without",
                        map->host_path, map->recursive ? ", or one mounted below it," : "");
        if (r < 0)
            return fail(context, r, "cannot map the ids of '%s': %s", map->host_path, strerror(-r));
    }
    return 0;
}

/* Into the container's mount namespace, as one whose files belong to the container's root: the ids of ours are not mapped
 * where files of the container are made. */
static int enter(Context *context)
{
    int r;

    if (context->host_mounts_fd >= 0)
        return 0;
    context->host_mounts_fd = namespace_open(0, "mnt");
    r = context->host_mounts_fd < 0 ? context->host_mounts_fd : namespace_enter(context->payload_pidfd, CLONE_NEWNS);
    if (r < 0) {
        context->host_mounts_fd = safe_close(context->host_mounts_fd);
        return fail(context, r, "cannot go into the container's mount namespace: %s", strerror(-r));
    }
    r = namespace_set_file_ids(context->root_uid, context->root_gid);
    return r < 0 ? fail(context, r, "cannot make files for the container's root: %s", strerror(-r)) : 0;
}

static int leave(Context *context)
{
    int r;

    if (context->host_mounts_fd < 0)
        return 0;
    r = namespace_enter(context->host_mounts_fd, CLONE_NEWNS);
    context->host_mounts_fd = safe_close(context->host_mounts_fd);
    if (r == 0)
        r = namespace_set_file_ids(0, 0);
    return r < 0 ? fail(context, r, "cannot come back from the container's mount namespace: %s", strerror(-r)) : 0;
}

static bool needs_mounts(StepKind kind)
{
    return kind == STEP_PROPAGATION || kind == STEP_ROOT_OVERLAY || kind == STEP_OVERLAY;
}

/* Mounted by who is in these namespaces, a file system shows what is in them. */
static const struct {
    const char *type, *kind, *name;
    int flag;
} mounted_within[] = {
    {"sysfs", "net", "network", CLONE_NEWNET},
    {"mqueue", "ipc", "IPC", CLONE_NEWIPC},
};

static int mount_within(Context *context, const StepMount *mount, size_t row, int *ret_fd)
{
    _cleanup_close_ int own_fd = namespace_open(0, mounted_within[row].kind);
    int r = own_fd < 0 ? own_fd : namespace_enter(context->payload_pidfd, mounted_within[row].flag), fd;

    if (r < 0)
        return fail(context, r, "cannot go into the container's %s namespace: %s", mounted_within[row].name,
                    strerror(-r));
    fd = mount_create(mount->type, NULL, NULL, mount->attributes);
    r = namespace_enter(own_fd, mounted_within[row].flag);
    if (r == 0 && fd >= 0 && mount->label)
        r = mount_set_label(fd, mount->label);
    if (r < 0 || fd < 0) {
        safe_close(fd);
        return fail(context, r < 0 ? r : fd, "cannot mount %s for the container: %s", mount->type,
                    strerror(r < 0 ? -r : -fd));
    }
    *ret_fd = fd;
    return 0;
}

static int mount_proc(Context *context, const StepMount *mount, int *ret_fd)
{
    _cleanup_close_ int namespace_fd = namespace_open(context->payload_pid, "pid");
    int fd = namespace_fd < 0 ? namespace_fd : namespace_is_own(namespace_fd, "pid");

    if (fd >= 0)
        fd = fd > 0 ? mount_create(mount->type, NULL, NULL, mount->attributes)
                    : mount_create_proc(namespace_fd, mount->attributes);
    if (fd < 0)
        return fail(context, fd,
                    "cannot mount the container's /proc: that of the host is covered in part, and this kernel does "
                    "not let one be mounted from outside; --userns=host does without");
    *ret_fd = fd;
    return 0;
}

/* File systems of the kernel's, mounted from outside: where the host's own are covered in part (in a container of another
 * manager), or a namespace is somebody else's, the kernel refuses them to a process in a user namespace. */
static int mount_from_outside(Context *context, const StepMount *mount, int *ret_fd)
{
    if (strcmp(mount->type, "proc") == 0)
        return mount_proc(context, mount, ret_fd);
    for (size_t i = 0; i < sizeof(mounted_within) / sizeof(mounted_within[0]); i++)
        if (strcmp(mount->type, mounted_within[i].type) == 0)
            return mount_within(context, mount, i, ret_fd);
    return fail(context, -EPERM, "the kernel does not let a user namespace mount a %s", mount->type);
}

/* A parameter of the container's namespaces that only the host's root may write (those of System V IPC, before Linux
 * 6.9), through the host's procfs: it shows the parameters of who opens it. */
static int set_from_outside(Context *context, const Step *step)
{
    static const int joined[] = {CLONE_NEWNET, CLONE_NEWIPC};
    _cleanup_close_ int own_net = namespace_open(0, "net"), own_ipc = namespace_open(0, "ipc");
    int r = own_net < 0 ? own_net : own_ipc < 0 ? own_ipc : 0;

    if (r == 0)
        r = context->proc_fd = procfs_open();
    r = MIN(r, 0);
    for (size_t i = 0; i < 2 && r == 0; i++)
        r = namespace_enter(context->payload_pidfd, joined[i]);
    if (r == 0)
        r = apply_sysctl(context, step);
    for (size_t i = 0; i < 2; i++) {
        int back = namespace_enter(i == 0 ? own_net : own_ipc, joined[i]);

        r = r < 0 ? r : back;
    }
    context->proc_fd = safe_close(context->proc_fd);
    return r;
}

static int run_on_request(Context *context, const Step *step, int *ret_fd)
{
    if (step->kind == STEP_MOUNT)
        return mount_from_outside(context, &step->mount, ret_fd);
    if (step->kind == STEP_SYSCTL)
        return set_from_outside(context, step);
    return fail(context, -EBADMSG, "the inner process asks for a step that is its own");
}

/* The row of outer steps that begins at `first`. */
static int run_row(Context *context, size_t first)
{
    int r = 0;

    for (size_t i = first; i < context->plan.count && r == 0 && step_where(&context->plan.steps[i]) == STEP_OUTER;
         i++) {
        if (needs_mounts(context->plan.steps[i].kind))
            r = enter(context);
        if (r == 0)
            r = run_step(context, i);
    }
    if (r < 0) {
        (void) leave(context);
        return r;
    }
    return leave(context);
}

int serve_outer_steps(Context *context, size_t first, int root_fd)
{
    Message message = {.kind = MESSAGE_STEPS_DONE};
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (first >= context->plan.count || (context->userns_fd < 0 && context->plan.steps[first].kind != STEP_ID_MAP &&
                                         context->plan.steps[first].kind != STEP_LINK))
        return fail(context, -EBADMSG, "the inner process asks for help without a user namespace");
    context->current = first;
    if (step_where(&context->plan.steps[first]) == STEP_OUTER) {
        context->root_fd = root_fd;
        r = run_row(context, first);
        if (root_fd < 0)
            fd = context->root_fd;
        context->root_fd = -EBADF;
    } else
        r = run_on_request(context, &context->plan.steps[first], &fd);
    if (r < 0)
        return r;
    r = socket_send(context->inner_fd, &message, sizeof(message), &fd, fd >= 0 ? 1 : 0);
    return r < 0 ? fail(context, r, "the inner process is gone: %s", strerror(-r)) : 0;
}

int ask_for_steps(Context *context, int *ret_fd)
{
    Message message = {.kind = MESSAGE_WANT_STEPS, .step = (uint32_t) context->current};
    int fds[SOCKET_FDS_MAX], r;
    size_t count = 0;
    ssize_t n;

    r = socket_send(context->inner_fd, &message, sizeof(message), &context->root_fd, context->root_fd >= 0 ? 1 : 0);
    if (r < 0)
        return fail(context, r, "the supervisor is gone");
    n = socket_receive(context->inner_fd, &message, sizeof(message), fds, &count);
    /* Where it failed it says so itself and ends us. */
    if (n != sizeof(message) || message.kind != MESSAGE_STEPS_DONE || count > 1) {
        while (count > 0)
            safe_close(fds[--count]);
        return fail(context, n < 0 ? (int) n : -ECANCELED, "the supervisor is gone");
    }
    *ret_fd = count > 0 ? fds[0] : -EBADF;
    return 0;
}

/* A change of credentials resets both (prctl(2)). */
static int protect(Context *context)
{
    struct pollfd supervisor = {context->inner_fd, POLLIN, 0};

    if (process_set_dumpable(false) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return fail(context, -errno, "cannot protect the process: %s", strerror(errno));
    /* It may have died between the two. */
    if (poll(&supervisor, 1, 0) > 0 && (supervisor.revents & POLLHUP))
        return fail(context, -ECANCELED, "the supervisor is gone");
    return 0;
}

/* What is there already can end us, but not look in: our memory belongs to the host's user namespace until execve(2). */
int apply_join_user(Context *context, const Step *step)
{
    int r = namespace_enter(context_fd(context, step->join_user.user_fd), CLONE_NEWUSER);

    if (r < 0)
        return fail(context, r, "cannot go into the user namespace: %s", strerror(-r));
    r = namespace_make((int) step->join_user.namespaces);
    if (r < 0)
        return fail(context, r, "cannot make the namespaces: %s", strerror(-r));
    return protect(context);
}

/* The ids of one who has come from outside are not mapped in the namespace: now that they are, or once it is joined, it
 * becomes the namespace's root. */
int apply_become_root(Context *context, const Step *step)
{
    (void) step;
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail(context, -errno, "cannot become root in the user namespace: %s", strerror(errno));
    return protect(context);
}
