/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that is put below the root: always through a target fd that kernel/resolve.h gave. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/mount.h"
#include "kernel/resolve.h"
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int target_failure(Context *context, int r, const char *target)
{
    if (r == -EROFS)
        return fail(context, r,
                    "the root file system has no '%s', and is read-only: make it there, or use --volatile=overlay",
                    target);
    if (r == -ELOOP || r == -ENOTDIR)
        return fail(context, r, "'%s' of the root file system must be mounted on ordinary directory, and is none",
                    target);
    return fail(context, r, "cannot prepare '%s' in the root file system: %s", target, strerror(-r));
}

int apply_mount(Context *context, const Step *step)
{
    const StepMount *mount = &step->mount;
    _cleanup_close_ int target_fd = -EBADF, mount_fd = -EBADF;
    int r;

    r = mount->plain ? resolve_make_plain_directory(context->root_fd, mount->target, &target_fd)
                     : resolve_make(context->root_fd, mount->target, RESOLVE_DIRECTORY, &target_fd);
    if (r < 0)
        return target_failure(context, r, mount->target);
    /* What was made for the namespace belongs to who made that: in a user namespace it cannot be labelled. */
    mount_fd = mount->label && context->may_ask
                   ? -EPERM
                   : mount_create(mount->type, mount->source, (char *const *) mount->options, mount->attributes);
    if (mount_fd >= 0 && mount->label) {
        r = mount_set_label(mount_fd, mount->label);
        if (r < 0)
            return fail(context, r, "cannot give '%s' the SELinux label '%s': %s", mount->target, mount->label,
                        strerror(-r));
    }
    if (mount_fd == -EPERM && context->may_ask) {
        r = ask_for_steps(context, &mount_fd);
        if (r < 0)
            return r;
    }
    if (mount_fd < 0)
        return fail(context, mount_fd, "cannot make a %s for '%s': %s", mount->type, mount->target,
                    strerror(-mount_fd));
    r = mount_attach(mount_fd, target_fd);
    if (r < 0)
        return fail(context, r, "cannot mount %s on '%s': %s", mount->type, mount->target, strerror(-r));
    if (strcmp(mount->type, "proc") == 0 && context->proc_fd < 0)
        context->proc_fd = TAKE_FD(mount_fd);
    return 0;
}

int apply_bind(Context *context, const Step *step)
{
    const StepBind *bind = &step->bind;
    int tree_fd = context_tree(context, bind->tree), r;
    _cleanup_close_ int target_fd = -EBADF;

    r = bind->plain ? resolve_make_plain_directory(context->root_fd, bind->target, &target_fd)
                    : resolve_make(context->root_fd, bind->target, bind->is_file ? RESOLVE_FILE : RESOLVE_DIRECTORY,
                                   &target_fd);
    if (r < 0)
        return target_failure(context, r, bind->target);
    if (bind->attributes) {
        r = mount_set_attributes(tree_fd, bind->attributes, 0, true);
        if (r < 0)
            return fail(context, r, "cannot set the options of the mount on '%s': %s", bind->target, strerror(-r));
    }
    r = mount_attach(tree_fd, target_fd);
    return r < 0 ? fail(context, r, "cannot mount on '%s': %s", bind->target, strerror(-r)) : 0;
}

int apply_make_directory(Context *context, const Step *step)
{
    _cleanup_close_ int fd = -EBADF;
    int r = resolve_make(context->root_fd, step->make_directory.path, RESOLVE_DIRECTORY, &fd);

    return r < 0 ? target_failure(context, r, step->make_directory.path) : 0;
}

/* The parent directory of `target`, and its last component. All callers name a path of the plan, which has both. */
static int open_parent(Context *context, const char *target, const char **ret_name)
{
    char parent[256];
    const char *slash = strrchr(target, '/');
    size_t length = slash ? (size_t) (slash - target) : 0;
    int fd = -EBADF, r;

    if (!slash || slash[1] == 0 || length >= sizeof(parent))
        return -EINVAL;
    memcpy(parent, target, length);
    parent[length] = 0;
    r = resolve_make(context->root_fd, length > 0 ? parent : "/", RESOLVE_DIRECTORY, &fd);
    if (r < 0)
        return r;
    *ret_name = slash + 1;
    return fd;
}

/* In a user namespace nobody makes device nodes, and a container engine may be inside one: what is around it has the node
 * already. This process still sees it, the root being entered later. */
static int bind_device(Context *context, const StepDevice *device, int parent_fd, const char *name)
{
    _cleanup_close_ int around_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int node_fd =
        around_fd < 0 ? around_fd : resolve_open(around_fd, device->target, O_PATH | O_NOFOLLOW);
    _cleanup_close_ int mount_fd = -EBADF, file_fd = -EBADF;
    struct stat st;
    int r;

    if (node_fd < 0 || fstat(node_fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
        st.st_rdev != makedev((unsigned) device->major, (unsigned) device->minor))
        return fail(context, -EPERM, "cannot make the device '%s', and there is none here to show instead",
                    device->target);
    file_fd = openat(parent_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (file_fd < 0)
        return fail(context, -errno, "cannot make '%s': %s", device->target, strerror(errno));
    mount_fd = mount_clone(node_fd, "", false);
    r = mount_fd < 0 ? mount_fd : mount_attach(mount_fd, file_fd);
    return r < 0 ? fail(context, r, "cannot show the device '%s': %s", device->target, strerror(-r)) : 0;
}

/* Whether what is there is that very device. */
static bool is_device(int parent_fd, const char *name, const StepDevice *device)
{
    mode_t type = device->type > 0 ? (mode_t) device->type : S_IFCHR;
    struct stat st;

    return fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == type &&
           (type == S_IFIFO || st.st_rdev == makedev((unsigned) device->major, (unsigned) device->minor));
}

int apply_device(Context *context, const Step *step)
{
    const StepDevice *device = &step->device;
    mode_t type = device->type > 0 ? (mode_t) device->type : S_IFCHR;
    const char *name = NULL;
    _cleanup_close_ int parent_fd = open_parent(context, device->target, &name);

    if (parent_fd < 0)
        return target_failure(context, parent_fd, device->target);
    /* With the mode that it is to have: the umask is 0 since main.c, and a later chmod(2) would follow a link. */
    if (mknodat(parent_fd, name, type | (mode_t) device->mode,
                makedev((unsigned) device->major, (unsigned) device->minor)) < 0) {
        if (errno == EEXIST && device->may_exist && is_device(parent_fd, name, device))
            return 0;
        return errno == EPERM
                   ? bind_device(context, device, parent_fd, name)
                   : fail(context, -errno, "cannot make the device '%s': %s", device->target, strerror(errno));
    }
    if ((device->uid > 0 || device->gid > 0) &&
        fchownat(parent_fd, name, (uid_t) device->uid, (gid_t) device->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(context, -errno, "cannot set the owner of '%s': %s", device->target, strerror(errno));
    return 0;
}

int apply_symlink(Context *context, const Step *step)
{
    const char *name = NULL;
    _cleanup_close_ int parent_fd = open_parent(context, step->symlink.target, &name);

    if (parent_fd < 0)
        return target_failure(context, parent_fd, step->symlink.target);
    if (symlinkat(step->symlink.content, parent_fd, name) < 0 && errno != EEXIST)
        return fail(context, -errno, "cannot make the link '%s': %s", step->symlink.target, strerror(errno));
    return 0;
}

int apply_file(Context *context, const Step *step)
{
    const StepFile *file = &step->file;
    const char *name = NULL;
    _cleanup_close_ int parent_fd = open_parent(context, file->target, &name), fd = -EBADF;
    int r;

    if (parent_fd < 0)
        return target_failure(context, parent_fd, file->target);
    /* What is there under the name, a link of the image included, is replaced and not written through. */
    if (!file->only_if_missing && unlinkat(parent_fd, name, 0) < 0 && errno != ENOENT)
        return fail(context, -errno, "cannot replace '%s': %s", file->target, strerror(errno));
    fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST && file->only_if_missing)
        return 0;
    if (fd < 0)
        return fail(context, -errno, "cannot make '%s': %s", file->target, strerror(errno));
    r = file_write_all(fd, file->content, strlen(file->content));
    if (r == 0 && fchmod(fd, (mode_t) file->mode) < 0)
        r = -errno;
    return r < 0 ? fail(context, r, "cannot write '%s': %s", file->target, strerror(-r)) : 0;
}

/* /dev/console is the terminal too: bound by fd onto a fresh file, so that no link in the image has a say. */
static int bind_console(Context *context, int peer_fd)
{
    _cleanup_close_ int target_fd = -EBADF, mount_fd = -EBADF;
    struct stat st;
    int r;

    if (fstat(peer_fd, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode) || major(st.st_rdev) < 136 || major(st.st_rdev) > 143)
        return -ENODEV;
    r = resolve_make(context->root_fd, "/dev/console", RESOLVE_FILE, &target_fd);
    if (r < 0)
        return r;
    mount_fd = mount_clone(peer_fd, "", false);
    if (mount_fd < 0)
        return mount_fd;
    return mount_attach(mount_fd, target_fd);
}

int apply_terminal(Context *context, const Step *step)
{
    _cleanup_close_ int pts_fd = resolve_open(context->root_fd, "/dev/pts", O_PATH | O_DIRECTORY);
    _cleanup_close_ int primary_fd = -EBADF;
    int peer_fd = -EBADF, r;

    if (pts_fd < 0)
        return fail(context, pts_fd, "the container has no /dev/pts: %s", strerror(-pts_fd));
    r = tty_open_pair(pts_fd, &primary_fd, &peer_fd);
    if (r < 0)
        return fail(context, r, "cannot open a terminal: %s", strerror(-r));
    for (int i = 0; i < 3; i++)
        context->payload_stdio[i] = peer_fd;
    if (step->terminal.rows > 0)
        (void) tty_set_size(peer_fd, (uint16_t) step->terminal.rows, (uint16_t) step->terminal.columns);
    if (!context->is_pivoted) {
        r = bind_console(context, peer_fd);
        if (r < 0)
            return fail(context, r, "cannot make /dev/console: %s", strerror(-r));
    }
    r = send_message(context->inner_fd, MESSAGE_TERMINAL, 0, primary_fd);
    return r < 0 ? fail(context, r, "cannot hand over the terminal: %s", strerror(-r)) : 0;
}

/* A path of the container's kernel file systems or of its root; *ret_fd -EBADF when it is not there. */
static int open_existing(Context *context, const char *path, int *ret_fd)
{
    int fd = resolve_open(context->root_fd, path, O_PATH);

    *ret_fd = -EBADF;
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    if (fd < 0)
        return fail(context, fd, "cannot open '%s': %s", path, strerror(-fd));
    *ret_fd = fd;
    return 0;
}

/* Directories are covered by one empty read-only tmpfs, files by the container's own /dev/null. */
static int mask_one(Context *context, const char *path, int null_fd, int *empty_fd)
{
    char *options[] = {(char *) "mode=0555", (char *) "nr_inodes=2", (char *) "size=4k", NULL};
    _cleanup_close_ int fd = -EBADF, cover_fd = -EBADF;
    struct stat st;
    int r = open_existing(context, path, &fd);

    if (r < 0 || fd < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return fail(context, -errno, "cannot stat '%s': %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        /* The first is made, the next ones are clones of where it was attached: one superblock for all. */
        if (*empty_fd < 0)
            cover_fd = mount_create("tmpfs", NULL, options,
                                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        else
            cover_fd = mount_clone(*empty_fd, "", false);
    } else
        cover_fd = mount_clone(null_fd, "", false);
    if (cover_fd < 0)
        return fail(context, cover_fd, "cannot make the cover of '%s': %s", path, strerror(-cover_fd));
    r = mount_attach(cover_fd, fd);
    if (r < 0)
        return fail(context, r, "cannot cover '%s': %s", path, strerror(-r));
    if (S_ISDIR(st.st_mode) && *empty_fd < 0)
        *empty_fd = TAKE_FD(cover_fd);
    return 0;
}

int apply_mask(Context *context, const Step *step)
{
    _cleanup_close_ int null_fd = resolve_open(context->root_fd, "/dev/null", O_PATH | O_NOFOLLOW);
    _cleanup_close_ int empty_fd = -EBADF;
    struct stat st;

    if (null_fd < 0 || fstat(null_fd, &st) < 0)
        return fail(context, null_fd < 0 ? null_fd : -errno, "the container has no /dev/null");
    /* The node that the plan made just now, and nothing that a mount put in its place. */
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return fail(context, -ENODEV, "/dev/null of the container is not the null device");
    for (size_t i = 0; step->mask.paths && step->mask.paths[i]; i++) {
        int r = mask_one(context, step->mask.paths[i], null_fd, &empty_fd);
        if (r < 0)
            return r;
    }
    return 0;
}

int apply_read_only(Context *context, const Step *step)
{
    for (size_t i = 0; step->read_only.paths && step->read_only.paths[i]; i++) {
        const char *path = step->read_only.paths[i];
        _cleanup_close_ int fd = -EBADF, mount_fd = -EBADF;
        int r = open_existing(context, path, &fd);

        if (r < 0)
            return r;
        if (fd < 0)
            continue;
        mount_fd = mount_clone(fd, "", true);
        if (mount_fd < 0)
            return fail(context, mount_fd, "cannot clone '%s': %s", path, strerror(-mount_fd));
        r = mount_set_attributes(mount_fd, MOUNT_ATTR_RDONLY, 0, true);
        if (r == 0)
            r = mount_attach(mount_fd, fd);
        if (r < 0)
            return fail(context, r, "cannot make '%s' read-only: %s", path, strerror(-r));
    }
    return 0;
}
