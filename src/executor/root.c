/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root file system: mounted on a staging place of this mount namespace, entered at the end. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/overlay.h"
#include "kernel/pipe.h"
#include "kernel/procfs.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Directories that every host has: the mounts hide them in this namespace only, and the old root goes at the pivot. */
#define STAGING "/tmp"
#define ASIDE   "/run"

/* Attaches a detached mount as the container's root. A mount can only be found below once it is attached (before
 * Linux 6.15), and pivot_root(2) asks for it anyway. */
static int attach_root(Context *context, int mount_fd)
{
    _cleanup_close_ int staging_fd = open(STAGING, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (staging_fd < 0)
        return fail(context, -errno, "cannot open " STAGING ": %s", strerror(errno));
    r = mount_attach(mount_fd, staging_fd);
    if (r < 0)
        return fail(context, r, "cannot attach the root file system: %s", strerror(-r));
    context->root_fd = mount_fd;
    return 0;
}

int apply_join(Context *context, const Step *step)
{
    int target = context_fd(context, step->join.target_pidfd);

    /* The last sight of a procfs that no container can have covered: kernel files of this process are reached by it. */
    context->proc_fd = procfs_open();

    for (int i = 0; i < 3 && step->join.uid > 0; i++)
        (void) pipe_give(i, (uid_t) step->join.uid, (gid_t) step->join.gid);
    if (setns(target, (int) step->join.namespaces) < 0)
        return fail(context, -errno, "cannot join the namespaces: %s", strerror(errno));
    context->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (context->root_fd < 0)
        return fail(context, -errno, "cannot open the root: %s", strerror(errno));
    context->is_pivoted = true;
    return 0;
}

int apply_propagation(Context *context, const Step *step)
{
    int r = mount_set_propagation(step->propagation.path, step->propagation.propagation);

    return r < 0 ? fail(context, r, "cannot set the mount propagation: %s", strerror(-r)) : 0;
}

/* An empty tmpfs with the tree's /usr in it, read-only. */
static int make_volatile_root(Context *context, int tree_fd)
{
    char *options[] = {(char *) "mode=0755", NULL};
    _cleanup_close_ int root_fd = mount_create("tmpfs", NULL, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    _cleanup_close_ int usr_fd = -EBADF, target_fd = -EBADF;
    int r;

    if (root_fd < 0)
        return fail(context, root_fd, "cannot make a tmpfs for the root: %s", strerror(-root_fd));
    /* The tree has to be attached before its /usr can be cloned: below the new root for a moment. */
    r = attach_root(context, root_fd);
    if (r < 0)
        return r;
    r = resolve_make_plain_directory(root_fd, "/usr", &target_fd);
    if (r == 0)
        r = mount_attach(tree_fd, target_fd);
    if (r < 0)
        return fail(context, r, "cannot attach the tree: %s", strerror(-r));
    usr_fd = mount_clone(tree_fd, "usr", true);
    if (usr_fd < 0)
        return fail(context, usr_fd, "the tree has no /usr that could be shown: %s", strerror(-usr_fd));
    r = mount_set_attributes(usr_fd, MOUNT_ATTR_RDONLY, 0, true);
    if (r == 0)
        r = mount_detach(tree_fd);
    if (r == 0)
        r = mount_attach(usr_fd, target_fd);
    if (r < 0)
        return fail(context, r, "cannot attach /usr: %s", strerror(-r));
    TAKE_FD(root_fd);
    return 0;
}

int apply_root_tree(Context *context, const Step *step)
{
    int tree_fd = context_tree(context, step->root_tree.tree), r = 0;

    if (step->root_tree.attributes)
        r = mount_set_attributes(tree_fd, step->root_tree.attributes, 0, true);
    if (r == 0 && step->root_tree.read_only)
        r = mount_set_attributes(tree_fd, MOUNT_ATTR_RDONLY, 0, false);
    if (r < 0)
        return fail(context, r, "cannot set the options of the root: %s", strerror(-r));
    return step->root_tree.volatile_usr ? make_volatile_root(context, tree_fd) : attach_root(context, tree_fd);
}

/* Overlayfs wants its directories in the mount namespace that it is mounted in, so cloned trees are attached, one over
 * the other, where nothing is needed any more. */
static int attach_aside(Context *context, int mount_fd)
{
    _cleanup_close_ int aside_fd = open(ASIDE, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = aside_fd < 0 ? -errno : mount_attach(mount_fd, aside_fd);

    return r < 0 ? fail(context, r, "cannot attach a tree aside: %s", strerror(-r)) : 0;
}

/* Opens NAME below a directory of ours as an O_PATH fd for overlayfs to take. */
static int open_layer(Context *context, int directory_fd, const char *name, int *ret_fd)
{
    *ret_fd = resolve_open(directory_fd, name, O_PATH | O_DIRECTORY);
    return *ret_fd < 0 ? fail(context, *ret_fd, "cannot open the layer '%s': %s", name, strerror(-*ret_fd)) : 0;
}

/* Upper and work directory on a tmpfs of their own, and an empty directory for an image without layers. */
static int make_volatile_upper(Context *context, const StepRootOverlay *overlay, int *ret_fd)
{
    char *options[] = {(char *) "mode=0700", NULL};
    _cleanup_close_ int fd = mount_create("tmpfs", NULL, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    int r;

    if (fd < 0)
        return fail(context, fd, "cannot make a tmpfs for changes: %s", strerror(-fd));
    r = attach_aside(context, fd);
    if (r < 0)
        return r;
    if (mkdirat(fd, "upper", 0700) < 0 || mkdirat(fd, "work", 0700) < 0 ||
        fchownat(fd, "upper", (uid_t) overlay->root_uid, (gid_t) overlay->root_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(fd, "upper", (mode_t) overlay->root_mode, 0) < 0)
        return fail(context, -errno, "cannot prepare the tmpfs for changes: %s", strerror(errno));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* The lower directories, highest first. overlayfs asks for at least one: an image without layers gets an empty one. */
static int open_lower(Context *context, const StepRootOverlay *overlay, int changes_fd, int *layer_fds,
                      size_t *ret_count)
{
    size_t count = 0;
    int r = 0;

    for (size_t i = 0; overlay->lower && overlay->lower[i] && r == 0; i++) {
        if (count + 2 >= OVERLAY_LAYERS_MAX)
            return fail(context, -E2BIG, "the image has more than %d layers", OVERLAY_LAYERS_MAX - 2);
        r = open_layer(context, context_tree(context, overlay->data_tree), overlay->lower[i], &layer_fds[count]);
        count += r == 0;
    }
    if (r == 0 && overlay->tree) {
        layer_fds[count] = context_tree(context, overlay->tree);
        r = attach_aside(context, layer_fds[count++]);
    }
    if (r == 0 && count == 0) {
        if (mkdirat(changes_fd, "empty", 0755) < 0 && errno != EEXIST)
            return fail(context, -errno, "cannot make an empty layer: %s", strerror(errno));
        r = open_layer(context, changes_fd, "empty", &layer_fds[count++]);
    }
    *ret_count = count;
    return r;
}

int apply_root_overlay(Context *context, const Step *step)
{
    const StepRootOverlay *overlay = &step->root_overlay;
    int data_fd = context_tree(context, overlay->data_tree);
    int layer_fds[OVERLAY_LAYERS_MAX];
    _cleanup_close_ int changes_fd = -EBADF, upper_fd = -EBADF, work_fd = -EBADF;
    size_t count = 0;
    int root_fd, r = 0;

    if (overlay->data_tree)
        r = attach_aside(context, data_fd);
    if (r == 0)
        r = overlay->upper ? open_layer(context, data_fd, overlay->upper, &changes_fd)
                           : make_volatile_upper(context, overlay, &changes_fd);
    if (r == 0)
        r = open_lower(context, overlay, changes_fd, layer_fds, &count);
    if (r < 0)
        return r;
    r = open_layer(context, changes_fd, "upper", &upper_fd);
    if (r == 0)
        r = open_layer(context, changes_fd, "work", &work_fd);
    if (r < 0)
        return r;
    root_fd = overlay_create(&(OverlayRequest){.lower = layer_fds,
                                               .lower_count = count,
                                               .upper_fd = upper_fd,
                                               .work_fd = work_fd,
                                               .attributes = overlay->attributes,
                                               .label = overlay->label,
                                               .place = ASIDE});
    if (root_fd < 0)
        return fail(context, root_fd, "cannot mount the overlay of %zu layers: %s", count, strerror(-root_fd));
    return attach_root(context, root_fd);
}

/* A user's overlay below the root. */
int apply_overlay(Context *context, const Step *step)
{
    const StepOverlay *overlay = &step->overlay;
    _cleanup_close_ int target_fd = -EBADF, mount_fd = -EBADF, upper_fd = -EBADF, work_fd = -EBADF;
    int lower[OVERLAY_LAYERS_MAX], r = 0;

    if (overlay->lower_count > OVERLAY_LAYERS_MAX)
        return fail(context, -E2BIG, "too many layers for '%s'", overlay->target);
    for (uint64_t i = 0; i < overlay->lower_count && r == 0; i++) {
        /* Highest first for overlayfs, lowest first in the plan. */
        int fd = context_tree(context, overlay->lower_tree + i);

        lower[overlay->lower_count - 1 - i] = fd;
        r = attach_aside(context, fd);
    }
    if (r == 0 && overlay->upper_tree) {
        int parent_fd = context_tree(context, overlay->upper_tree);

        r = attach_aside(context, parent_fd);
        if (r == 0)
            r = open_layer(context, parent_fd, overlay->upper, &upper_fd);
        if (r == 0)
            r = open_layer(context, parent_fd, overlay->work, &work_fd);
    }
    if (r < 0)
        return r;
    r = resolve_make(context->root_fd, overlay->target, RESOLVE_DIRECTORY, &target_fd);
    if (r < 0)
        return target_failure(context, r, overlay->target);
    mount_fd = overlay_create(&(OverlayRequest){.lower = lower,
                                                .lower_count = (size_t) overlay->lower_count,
                                                .upper_fd = upper_fd,
                                                .work_fd = work_fd,
                                                .attributes = overlay->attributes,
                                                .place = ASIDE});
    if (mount_fd < 0)
        return fail(context, mount_fd, "cannot make the overlay for '%s': %s", overlay->target, strerror(-mount_fd));
    r = mount_attach(mount_fd, target_fd);
    return r < 0 ? fail(context, r, "cannot mount on '%s': %s", overlay->target, strerror(-r)) : 0;
}

int apply_pivot(Context *context, const Step *step)
{
    int r = 0;

    if (step->pivot.read_only)
        r = mount_set_attributes(context->root_fd, MOUNT_ATTR_RDONLY, 0, false);
    if (r < 0)
        return fail(context, r, "cannot make the root read-only: %s", strerror(-r));
    r = mount_pivot(context->root_fd);
    if (r < 0)
        return fail(context, r, "cannot enter the root: %s", strerror(-r));
    context->is_pivoted = true;
    return 0;
}
