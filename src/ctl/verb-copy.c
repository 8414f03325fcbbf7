/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cp, copy-to, copy-from, export. */

#include "ctl/container-root.h"
#include "ctl/container.h"
#include "ctl/copy-words.h"
#include "ctl/ctl.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "tree/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>

/* One side of a copy that is on the host: as little of it as the copy needs, as a detached mount. */
typedef struct HostPlace {
    int mount_fd;
    char *path;
} HostPlace;

static void host_place_done(HostPlace *place)
{
    safe_close(place->mount_fd);
    free(place->path);
}
#define _cleanup_host_place_ _cleanup_(host_place_done)

static int clone_host(int fd, bool is_source, bool recursive, int *ret_fd)
{
    _cleanup_close_ int mount_fd = mount_clone(fd, "", recursive);
    MountAttributes attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
                                 (is_source ? (MountAttributes) MOUNT_ATTR_RDONLY : 0);
    int r = mount_fd < 0 ? mount_fd : mount_set_attributes(mount_fd, attributes, 0, recursive);

    if (r == 0)
        *ret_fd = TAKE_FD(mount_fd);
    return r;
}

/* Splits at the last slash that has something behind it: "/a/b/" is "/a/" and "b/", "b" is "." and "b". */
static int split(const char *path, size_t end, char **ret_parent, size_t *ret_start)
{
    while (end > 0 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    *ret_parent = end > 0 ? strndup(path, end) : strdup(".");
    *ret_start = end;
    return *ret_parent ? 0 : -ENOMEM;
}

/* The directory that is to be copied, or the directory that holds the file. */
static int open_source(const char *path, bool follow, HostPlace *ret)
{
    size_t length = strlen(path), start;
    bool is_directory = length > 0 && path[length - 1] == '/';
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC | (follow || is_directory ? 0 : O_NOFOLLOW));
    _cleanup_free_ char *parent = NULL, *real = follow ? realpath(path, NULL) : strdup(path);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0 || !real)
        return -errno;
    if (S_ISDIR(st.st_mode)) {
        ret->path = strdup(".");
        return ret->path ? clone_host(fd, true, true, &ret->mount_fd) : -ENOMEM;
    }
    r = split(real, strlen(real), &parent, &start);
    if (r < 0)
        return r;
    fd = safe_close(fd);
    fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ret->path = strdup(real + start);
    if (fd < 0 || !ret->path)
        return fd < 0 ? -errno : -ENOMEM;
    return clone_host(fd, true, false, &ret->mount_fd);
}

/* The directory that takes the copy in, or the deepest one above it. Recursive: what is mounted below must neither be
 * written under nor taken away. */
static int open_target(const char *path, HostPlace *ret)
{
    size_t end = strlen(path), start = end;
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (fd < 0 && (errno == ENOENT || errno == ENOTDIR) && end > 0) {
        _cleanup_free_ char *parent = NULL;
        int r = split(path, end, &parent, &start);

        if (r < 0)
            return r;
        end = start;
        fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return -errno;
    ret->path = strdup(path[start] ? path + start : ".");
    return ret->path ? clone_host(fd, false, true, &ret->mount_fd) : -ENOMEM;
}

static int say_host(const char *path, int code, Error *error)
{
    if (code == -EINVAL)
        return error_hint(error, error_set(error, code, "cannot open '%s'", path),
                          "a mount that is unbindable cannot be used");
    return error_set(error, code, "cannot open '%s': %s", path, strerror(-code));
}

static void warn(const char *text)
{
    log_warning("%s", text);
}

/* Owners of a copy: with `keep` those of the source, as seen inside the container; otherwise its root, or us. */
static IdShift owner_of(const ContainerRoot *root, bool to_inside_view, bool keep)
{
    IdShift owner = {
        .keep = keep,
        .uids = root->uids.count > 0 ? &root->uids : NULL,
        .gids = root->gids.count > 0 ? &root->gids : NULL,
        .to_inside = to_inside_view,
    };

    if (to_inside_view) {
        owner.uid = geteuid();
        owner.gid = getegid();
    } else {
        owner.uid = id_map_to_outside(&root->uids, 0);
        owner.gid = id_map_to_outside(&root->gids, 0);
        owner.uid = owner.uid == ID_NONE ? 0 : owner.uid;
        owner.gid = owner.gid == ID_NONE ? 0 : owner.gid;
    }
    return owner;
}

static CopyFlags flags_of(const Ctl *ctl)
{
    return (ctl->archive ? COPY_RIGHTS : 0) | (ctl->mkdir ? COPY_PARENTS : 0) | (ctl->follow ? COPY_FOLLOW : 0);
}

typedef struct CopyJob {
    const char *name, *inside_path, *host_path;
    bool is_inward;
    bool is_exact; /* as machinectl(1) copies: to this name, keeping owners where both sides have the same */
} CopyJob;

static int copy(Ctl *ctl, const CopyJob *job, Error *error)
{
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_host_place_ HostPlace place = {.mount_fd = -EBADF};
    _cleanup_free_ char *name = NULL;
    CopyRequest request = {.flags = flags_of(ctl), .warning = warn};
    IdShift owner;
    int r = copy_name_of(job->is_inward ? job->host_path : job->inside_path, &name);

    if (r == 0)
        r = container_root_open(ctl, job->name, job->is_inward ? CONTAINER_ROOT_WRITE : 0, &root, error);
    if (r < 0)
        return r;
    r = job->is_inward ? open_source(job->host_path, ctl->follow, &place) : open_target(job->host_path, &place);
    if (r < 0)
        return say_host(job->host_path, r, error);
    const CopyPlace inside = {root.mount_fd, job->inside_path}, here = {place.mount_fd, place.path};
    request.from = job->is_inward ? here : inside;
    request.to = job->is_inward ? inside : here;
    request.name = name;
    request.flags |= job->is_exact ? COPY_EXACT : 0;
    request.flags |= !job->is_exact || ctl->force ? COPY_REPLACE : 0;
    owner = owner_of(&root, !job->is_inward, ctl->archive || (job->is_exact && root.uids.count == 0));
    request.owner = &owner;
    /* Files seen through a map of ids can only be made by one who has an id in it. */
    if (job->is_inward && root.uids.count > 0) {
        r = namespace_set_file_ids(owner.uid, owner.gid);
        if (r < 0)
            return error_set(error, r, "cannot make files for the root of '%s': %s", job->name, strerror(-r));
    }
    r = copy_run(&request, error);
    if (r == -EROFS && job->is_inward)
        return error_hint(error, r, "the root of '%s', or what is mounted there, is read-only", job->name);
    return r;
}

int verb_copy_to(Ctl *ctl, Error *error)
{
    const CopyJob job = {
        .name = ctl->words[0],
        .host_path = ctl->words[1],
        .inside_path = ctl->words[2] ? ctl->words[2] : ctl->words[1],
        .is_inward = true,
        .is_exact = true,
    };

    return copy(ctl, &job, error);
}

int verb_copy_from(Ctl *ctl, Error *error)
{
    const CopyJob job = {
        .name = ctl->words[0],
        .inside_path = ctl->words[1],
        .host_path = ctl->words[2] ? ctl->words[2] : ctl->words[1],
        .is_exact = true,
    };

    return copy(ctl, &job, error);
}

/* --- streams: libarchive stays out of this program --- */

static int add_maps(char ***arguments, const ContainerRoot *root)
{
    _cleanup_free_ char *uids = id_map_format(&root->uids), *gids = id_map_format(&root->gids);
    int r = uids ? strv_append_format(arguments, "--uid-map=%s", uids) : 0;

    return r == 0 && gids ? strv_append_format(arguments, "--gid-map=%s", gids) : r;
}

static int run_stream(const char *command, const ContainerRoot *root, char **options, const char *path, Error *error)
{
    _cleanup_strv_ char **arguments = strv_new(command, NULL);
    int r = arguments ? strv_extend(&arguments, options) : -ENOMEM;

    if (r == 0)
        r = strv_append_format(&arguments, "--tree-fd=%d", root->mount_fd);
    if (r == 0)
        r = add_maps(&arguments, root);
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_append(&arguments, path);
    if (r == 0 && fcntl(root->mount_fd, F_SETFD, 0) < 0)
        r = -errno;
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

static int write_stream(Ctl *ctl, const char *name, const char *path, ContainerRootFlags flags, Error *error)
{
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_strv_ char **options = NULL;
    int r;

    if (isatty(STDOUT_FILENO))
        return error_hint(error, error_set(error, -EINVAL, "an archive is not written to a terminal"),
                          "send the output to a file or a pipe");
    r = container_root_open(ctl, name, flags, &root, error);
    if (r == 0 && ctl->follow)
        r = strv_append(&options, "--follow");
    return r < 0 ? r : run_stream("pack", &root, options, path, error);
}

static int read_stream(Ctl *ctl, const char *name, const char *path, Error *error)
{
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_strv_ char **options = NULL;
    int r;

    if (isatty(STDIN_FILENO))
        return error_set(error, -EINVAL, "an archive is not read from a terminal");
    r = container_root_open(ctl, name, CONTAINER_ROOT_WRITE, &root, error);
    if (r == 0 && ctl->archive)
        r = strv_append(&options, "--archive");
    if (r == 0 && ctl->mkdir)
        r = strv_append(&options, "--mkdir");
    return r < 0 ? r : run_stream("unpack", &root, options, path, error);
}

int verb_cp(Ctl *ctl, Error *error)
{
    _cleanup_copy_word_ CopyWord from = {}, to = {};
    int r = copy_word_parse(ctl->words[0], &from, error);

    if (r == 0)
        r = copy_word_parse(ctl->words[1], &to, error);
    if (r < 0)
        return r;
    if ((from.kind == COPY_WORD_INSIDE) == (to.kind == COPY_WORD_INSIDE))
        return error_hint(error,
                          error_set(error, -EINVAL,
                                    from.kind == COPY_WORD_INSIDE ? "one of the two must be here, not in a container"
                                                                  : "one of the two must be in a container"),
                          "berthctl cp NAME:PATH PATH, or berthctl cp PATH NAME:PATH");
    if (to.kind == COPY_WORD_STREAM)
        return write_stream(ctl, from.name, from.path, 0, error);
    if (from.kind == COPY_WORD_STREAM)
        return read_stream(ctl, to.name, to.path, error);
    const CopyJob job = {
        .name = from.kind == COPY_WORD_INSIDE ? from.name : to.name,
        .inside_path = from.kind == COPY_WORD_INSIDE ? from.path : to.path,
        .host_path = from.kind == COPY_WORD_INSIDE ? to.path : from.path,
        .is_inward = to.kind == COPY_WORD_INSIDE,
    };
    return copy(ctl, &job, error);
}

/* All layers together, as a container would see them. */
static int export_image(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    int r = store_find_image(ctl->store, name, &root.image, error);

    if (r == 0)
        r = container_root_mount_image(ctl, root.image, &root.mount_fd);
    return r < 0 ? error_prefix(error, r, "the image %s", name) : run_stream("pack", &root, NULL, "/", error);
}

/* A container comes before an image of the same name. */
int verb_export(Ctl *ctl, Error *error)
{
    const char *name = ctl->words[0];
    _cleanup_store_image_ StoreImage *image = NULL;
    _cleanup_container_ Container *container = NULL;

    if (isatty(STDOUT_FILENO) || (text_is_name(name) && container_load(ctl, name, &container, NULL) == 0) ||
        ctl_open_store(ctl, false, NULL) < 0 || store_find_image(ctl->store, name, &image, NULL) < 0)
        return write_stream(ctl, name, "/", CONTAINER_ROOT_NO_BELOW, error);
    return export_image(ctl, name, error);
}
