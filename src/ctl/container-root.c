/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/container-root.h"

#include "base/file.h"
#include "base/text.h"
#include "ctl/container.h"
#include "ctl/definitions.h"
#include "definitions/load.h"
#include "kernel/join.h"
#include "kernel/mount.h"
#include "kernel/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ID_MAP_MAX_BYTES 65536

void container_root_done(ContainerRoot *root)
{
    root->mount_fd = safe_close(root->mount_fd);
    if (root->lock_fd >= 0)
        roster_unlock(root->roster, root->name);
    root->lock_fd = safe_close(root->lock_fd);
    store_image_free(TAKE_PTR(root->image));
    free(TAKE_PTR(root->name));
}

static MountAttributes attributes_of(ContainerRootFlags flags)
{
    return MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
           (flags & CONTAINER_ROOT_WRITE ? 0 : (MountAttributes) MOUNT_ATTR_RDONLY);
}

static int clone_tree(int dir_fd, const char *path, ContainerRootFlags flags, int *ret_fd)
{
    bool recursive = !(flags & CONTAINER_ROOT_NO_BELOW);
    _cleanup_close_ int fd = mount_clone(dir_fd, path, recursive);
    int r = fd < 0 ? fd : mount_set_attributes(fd, attributes_of(flags), 0, recursive);

    if (r == 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}

/* --- running --- */

/* In the mount namespace. Its root, not that of the first process, which may have changed its own. */
static int clone_root(int host_fds_fd, const void *argument, void *reply, int *ret_fd)
{
    return clone_tree(AT_FDCWD, "/", *(const ContainerRootFlags *) argument, ret_fd);
}

static int read_map(const Machine *machine, const char *file, IdMap *ret)
{
    char path[64];
    _cleanup_free_ char *text = NULL;
    int r;

    snprintf(path, sizeof(path), "/proc/%llu/%s", (unsigned long long) machine->leader, file);
    r = file_read_at(AT_FDCWD, path, ID_MAP_MAX_BYTES, &text, NULL);
    return r < 0 ? r : id_map_parse(text, ret);
}

static int open_running(const Container *container, ContainerRootFlags flags, ContainerRoot *root, Error *error)
{
    const Machine *machine = container->machine;
    _cleanup_close_ int pidfd = machine_open_leader(machine);
    struct pollfd poll_one = {pidfd, POLLIN, 0};
    int r = pidfd < 0 ? pidfd : join_mounts(pidfd, clone_root, &flags, NULL, 0, &root->mount_fd);

    if (r == 0)
        r = read_map(machine, "uid_map", &root->uids);
    if (r == 0)
        r = read_map(machine, "gid_map", &root->gids);
    /* It lives: so the pid that we read by was its own. */
    if (r == 0 && poll(&poll_one, 1, 0) != 0)
        r = -ESRCH;
    if (r == -ESRCH)
        return error_set(error, r, "'%s' is just starting or ending", container->name);
    return r < 0 ? error_set(error, r, "cannot open the root of '%s': %s", container->name, strerror(-r)) : 0;
}

/* --- stopped --- */

static bool is_set(const SpecLayer *layer, size_t offset)
{
    const char *value = definition_find_value(layer, offset);
    bool is_true = false;

    return value && text_parse_bool(value, &is_true) == 0 && is_true;
}

static bool is_volatile(const SpecLayer *layer)
{
    const char *mode = definition_find_value(layer, offsetof(ContainerSpec, volatile_mode));

    return mode && strcmp(mode, "no") != 0;
}

static int refuse_write(const char *name, const char *why, Error *error)
{
    return error_hint(
        error, error_set(error, -EROFS, "what is written to '%s' while it is stopped would be lost: %s", name, why),
        "start it first");
}

/* The directory that keeps what the container writes, as STEP_DIRECTORY makes it; -ENOENT without `make`. */
static int open_changes(Ctl *ctl, const ContainerRoot *root, bool make, int *ret_fd)
{
    const StoreRoot *attributes = &root->image->root;
    _cleanup_close_ int fd = -EBADF, upper_fd = -EBADF;

    if (ctl->roster->containers_fd < 0)
        return -ENOENT;
    if (make && mkdirat(ctl->roster->containers_fd, root->name, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(ctl->roster->containers_fd, root->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (make && mkdirat(fd, "work", 0700) < 0 && errno != EEXIST)
        return -errno;
    if (make && mkdirat(fd, "upper", 0700) == 0) {
        upper_fd = openat(fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (upper_fd < 0 || fchown(upper_fd, attributes->uid, attributes->gid) < 0 ||
            fchmod(upper_fd, attributes->is_set ? attributes->mode : 0755) < 0)
            return -errno;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_layers(Ctl *ctl, const StoreImage *image, int *fds, size_t *count)
{
    size_t layers = 0;

    for (char **path = image->layer_paths; path && *path; path++)
        layers++;
    if (*count + layers > OVERLAY_LAYERS_MAX)
        return -E2BIG;
    /* overlayfs wants the highest first. */
    for (size_t i = layers; i > 0; i--) {
        int fd =
            openat(store_get_fd(ctl->store), image->layer_paths[i - 1], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
            return -errno;
        fds[(*count)++] = fd;
    }
    return 0;
}

/* To read, what the container wrote is one more lower layer: so nothing has to be kept from running. */
static int mount_image(Ctl *ctl, const ContainerRoot *root, ContainerRootFlags flags, int *ret_fd)
{
    bool is_writable = flags & CONTAINER_ROOT_WRITE;
    _cleanup_close_ int changes_fd = -EBADF, upper_fd = -EBADF, work_fd = -EBADF;
    int fds[OVERLAY_LAYERS_MAX + 1], fd = -EBADF, r = open_changes(ctl, root, is_writable, &changes_fd);
    size_t count = 0;

    if (r < 0 && r != -ENOENT)
        return r;
    if (changes_fd >= 0) {
        upper_fd = openat(changes_fd, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        work_fd = openat(changes_fd, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (!is_writable && upper_fd >= 0)
        fds[count++] = TAKE_FD(upper_fd);
    r = open_layers(ctl, root->image, fds, &count);
    /* The label that a start gives to everything in the mount is no part of the files. */
    const OverlayRequest overlay = {
        .lower = fds,
        .lower_count = count,
        .upper_fd = is_writable ? upper_fd : -EBADF,
        .work_fd = is_writable ? work_fd : -EBADF,
        .attributes = attributes_of(flags),
    };
    if (r == 0 && count == 1 && !is_writable)
        r = clone_tree(fds[0], "", flags | CONTAINER_ROOT_NO_BELOW, &fd);
    else if (r == 0)
        fd = overlay_create_apart(&overlay);
    for (size_t i = 0; i < count; i++)
        safe_close(fds[i]);
    if (r < 0 || fd < 0)
        return r < 0 ? r : fd;
    *ret_fd = fd;
    return 0;
}

static int open_image(Ctl *ctl, const Container *container, ContainerRootFlags flags, ContainerRoot *root, Error *error)
{
    int r = ctl_open_store(ctl, true, error);

    if (r == 0)
        r = store_find_image(ctl->store, container->image, &root->image, error);
    if (r < 0)
        return r;
    r = mount_image(ctl, root, flags, &root->mount_fd);
    return r < 0 ? error_set(error, r, "cannot put the files of '%s' together: %s", container->name, strerror(-r)) : 0;
}

static int open_directory(const Container *container, ContainerRootFlags flags, ContainerRoot *root, Error *error)
{
    _cleanup_close_ int fd = open(container->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : clone_tree(fd, "", flags, &root->mount_fd);

    return r < 0 ? error_set(error, r, "cannot open '%s', the directory of '%s': %s", container->directory,
                             container->name, strerror(-r))
                 : 0;
}

static int open_stopped(Ctl *ctl, const Container *container, ContainerRootFlags flags, ContainerRoot *root,
                        Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    int r = definition_load(container->name, &layer, NULL, error);

    if (r == -ENOENT)
        error_done(error);
    if (r == -ENOENT)
        return error_hint(
            error,
            error_set(error, r, "'%s' is not running and has no definition: nothing tells its image", container->name),
            "berthctl rm %s removes what it left", container->name);
    if (r < 0)
        return r;
    if (flags & CONTAINER_ROOT_WRITE) {
        r = roster_lock(root->roster, root->name, &root->lock_fd);
        if (r < 0)
            return error_set(error, r, "'%s' is just being started or written to", container->name);
        if (is_set(layer, offsetof(ContainerSpec, ephemeral)))
            return refuse_write(container->name, "it is ephemeral", error);
        if (is_volatile(layer))
            return refuse_write(container->name, "it is volatile", error);
        if (container->image && is_set(layer, offsetof(ContainerSpec, read_only)))
            return refuse_write(container->name, "it is read-only", error);
    }
    if (container->image)
        return open_image(ctl, container, flags, root, error);
    if (container->directory)
        return open_directory(container, flags, root, error);
    return error_set(error, -EINVAL, "the definition of '%s' names neither an image nor a directory", container->name);
}

int container_root_open(Ctl *ctl, const char *name, ContainerRootFlags flags, ContainerRoot *ret, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    int r = container_load(ctl, name, &container, error);

    if (r < 0)
        return r;
    root.roster = ctl->roster;
    root.name = strdup(name);
    if (!root.name)
        return -ENOMEM;
    r = container_is_running(container) ? open_running(container, flags, &root, error)
                                        : open_stopped(ctl, container, flags, &root, error);
    if (r < 0)
        return r;
    *ret = root;
    root = (ContainerRoot){.mount_fd = -EBADF, .lock_fd = -EBADF};
    return 0;
}

/* --- its two sides --- */

void container_sides_done(ContainerSides *sides)
{
    sides->upper_fd = safe_close(sides->upper_fd);
    sides->lower_fd = safe_close(sides->lower_fd);
    store_image_free(TAKE_PTR(sides->image));
}

static int open_upper(Ctl *ctl, const char *name, int *ret_fd)
{
    _cleanup_free_ char *path = text_format("%s/upper", name);
    _cleanup_close_ int fd = -EBADF;

    if (!path || ctl->roster->containers_fd < 0)
        return path ? -ENOENT : -ENOMEM;
    fd = openat(ctl->roster->containers_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : clone_tree(fd, "", CONTAINER_ROOT_NO_BELOW, ret_fd);
}

int container_root_mount_image(Ctl *ctl, const StoreImage *image, int *ret_fd)
{
    int fds[OVERLAY_LAYERS_MAX], fd = -EBADF, r;
    size_t count = 0;

    r = open_layers(ctl, image, fds, &count);
    const OverlayRequest overlay = {
        .lower = fds, .lower_count = count, .upper_fd = -EBADF, .work_fd = -EBADF, .attributes = attributes_of(0)};
    if (r == 0 && count == 1)
        r = clone_tree(fds[0], "", CONTAINER_ROOT_NO_BELOW, &fd);
    else if (r == 0)
        r = fd = overlay_create_apart(&overlay);
    for (size_t i = 0; i < count; i++)
        safe_close(fds[i]);
    if (r < 0)
        return r;
    *ret_fd = fd;
    return 0;
}

static int open_lower(Ctl *ctl, const Container *container, ContainerSides *sides, Error *error)
{
    const Machine *machine = container->machine;
    int r = 0;

    if (!container->image) {
        _cleanup_close_ int fd = open(container->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : clone_tree(fd, "", CONTAINER_ROOT_NO_BELOW, &sides->lower_fd);
    }
    r = ctl_open_store(ctl, false, error);
    /* The very image that it was started from, whatever its name means now. */
    if (r == 0)
        r = store_find_image(ctl->store, machine && machine->image_id ? machine->image_id : container->image,
                             &sides->image, error);
    return r < 0 ? r : container_root_mount_image(ctl, sides->image, &sides->lower_fd);
}

int container_sides_open(Ctl *ctl, const char *name, ContainerSides *ret, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    _cleanup_container_sides_ ContainerSides sides = {.upper_fd = -EBADF, .lower_fd = -EBADF};
    int r = container_load(ctl, name, &container, error);

    if (r < 0)
        return r;
    r = container->image || container->directory ? open_upper(ctl, name, &sides.upper_fd) : -ENOENT;
    if (r == -ENOENT)
        return error_hint(error, error_set(error, -EOPNOTSUPP, "'%s' keeps nothing apart that could be compared", name),
                          "containers from images do, once they have run, and those with --ephemeral while they run");
    if (r == 0)
        r = open_lower(ctl, container, &sides, error);
    if (r < 0)
        return error_set(error, r, "cannot open the files of '%s': %s", name, strerror(-r));
    *ret = sides;
    sides = (ContainerSides){.upper_fd = -EBADF, .lower_fd = -EBADF};
    return 0;
}
