/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detached mounts that the supervisor makes before there is a container, and their range of ids. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/lock.h"
#include "kernel/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The lock says that a range is taken, and goes with this process. The name in the roster says by whom, for the time after
 * that: a payload may outlive its supervisor. */
int apply_id_range(Context *context, const Step *step)
{
    const StepIdRange *range = &step->id_range;
    int run_fd = context_fd(context, range->run_fd);

    if (mkdirat(run_fd, "ranges", 0700) < 0 && errno != EEXIST)
        return fail(context, -errno, "cannot make the directory of id ranges: %s", strerror(errno));
    for (uint64_t i = 0; i < range->count; i++) {
        char path[64];

        snprintf(path, sizeof(path), "ranges/%llu", (unsigned long long) (range->base + i * 65536));
        if (symlinkat(range->name, run_fd, path) == 0)
            continue;
        /* Somebody's who is gone: the launcher looked. */
        if (errno == EEXIST && (unlinkat(run_fd, path, 0) < 0 || symlinkat(range->name, run_fd, path) < 0))
            return fail(context, -errno, "cannot note the range of ids: %s", strerror(errno));
    }
    return 0;
}

void undo_id_range(Context *context, const Step *step)
{
    const StepIdRange *range = &step->id_range;

    for (uint64_t i = 0; i < range->count; i++) {
        char path[64];

        snprintf(path, sizeof(path), "ranges/%llu", (unsigned long long) (range->base + i * 65536));
        (void) unlinkat(context_fd(context, range->run_fd), path, 0);
        lock_forget_record(context_fd(context, range->locks_fd), path + strlen("ranges/"),
                           context_fd(context, range->lock_fd + i));
    }
}

static int add_tree(Context *context, int fd)
{
    context->trees[context->trees_count++] = fd;
    return 0;
}

int apply_clone_tree(Context *context, const Step *step)
{
    int fd;

    if (context->trees_count >= TREES_MAX)
        return fail(context, -E2BIG, "more than %d bind mounts", TREES_MAX);
    fd = step->clone_tree.is_clone
             ? fcntl(context_fd(context, step->clone_tree.source_fd), F_DUPFD_CLOEXEC, 3)
             : mount_clone(context_fd(context, step->clone_tree.source_fd), "", step->clone_tree.recursive);
    if (fd < 0 && step->clone_tree.is_clone)
        fd = -errno;
    if (fd < 0)
        return fail(context, fd, "cannot clone the mount of '%s': %s", step->clone_tree.host_path, strerror(-fd));
    return add_tree(context, fd);
}

/* "null=1:3" */
static int make_node(Context *context, int tree_fd, const char *text, uid_t uid, gid_t gid)
{
    const char *equals = strchr(text, '=');
    char name[64];
    unsigned major_number = 0, minor_number = 0;

    if (!equals || (size_t) (equals - text) >= sizeof(name) ||
        sscanf(equals + 1, "%u:%u", &major_number, &minor_number) != 2)
        return fail(context, -EINVAL, "'%s' is not a device node", text);
    memcpy(name, text, (size_t) (equals - text));
    name[equals - text] = 0;
    if (mknodat(tree_fd, name, S_IFCHR | 0666, makedev(major_number, minor_number)) < 0 ||
        fchownat(tree_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(context, -errno, "cannot make the device '%s': %s", name, strerror(errno));
    return 0;
}

/* /dev for a container in a user namespace, where nobody can make a device node, and those on a file system mounted there
 * are none. The nodes are the container's own: what it does to their owner or mode does not reach the host's. */
int apply_device_tree(Context *context, const Step *step)
{
    const StepDeviceTree *devices = &step->device_tree;
    int fd, r = 0;

    if (context->trees_count >= TREES_MAX)
        return fail(context, -E2BIG, "more than %d mounts", TREES_MAX);
    fd = mount_create("tmpfs", NULL, (char *const *) devices->options, devices->attributes);
    if (fd < 0)
        return fail(context, fd, "cannot make a tmpfs for /dev: %s", strerror(-fd));
    for (size_t i = 0; devices->nodes && devices->nodes[i] && r == 0; i++)
        r = make_node(context, fd, devices->nodes[i], (uid_t) devices->uid, (gid_t) devices->gid);
    if (r == 0 && fchownat(fd, "", (uid_t) devices->uid, (gid_t) devices->gid, AT_EMPTY_PATH) < 0)
        r = fail(context, -errno, "cannot give /dev to the container: %s", strerror(errno));
    if (r < 0) {
        safe_close(fd);
        return r;
    }
    return add_tree(context, fd);
}

#define CHOWN_DEPTH_MAX 256

/* Everything below a directory, by fd and without following a link or crossing into another mount; what is there already
 * is left alone, so that times stay and a second start is quick. */
static int chown_below(int dir_fd, uid_t uid, gid_t gid, dev_t device, unsigned depth)
{
    int copy_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *directory = copy_fd < 0 ? NULL : fdopendir(copy_fd);
    struct dirent *entry;

    if (!directory) {
        r = -errno;
        safe_close(copy_fd);
        return r;
    }
    while (r == 0 && (entry = readdir(directory))) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        fd = openat(dir_fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0) {
            r = errno == ENOENT ? 0 : -errno;
            continue;
        }
        if (st.st_dev != device)
            continue;
        if ((st.st_uid != uid || st.st_gid != gid) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
            r = -errno;
        else if (S_ISDIR(st.st_mode))
            r = depth >= CHOWN_DEPTH_MAX ? -ELOOP : chown_below(fd, uid, gid, device, depth + 1);
    }
    closedir(directory);
    return r;
}

int apply_chown_tree(Context *context, const Step *step)
{
    int tree_fd = context_tree(context, step->chown_tree.tree), r;
    const Identity *identity = &context->identity;
    struct stat st;

    r = tree_fd < 0 || fstat(tree_fd, &st) < 0 || fchownat(tree_fd, "", identity->uid, identity->gid, AT_EMPTY_PATH) < 0
            ? -errno
            : 0;
    if (r == 0 && S_ISDIR(st.st_mode))
        r = chown_below(tree_fd, identity->uid, identity->gid, st.st_dev, 0);
    return r < 0 ? fail(context, r, "cannot give '%s' to user %u: %s", step->chown_tree.target, identity->uid,
                        strerror(-r))
                 : 0;
}
