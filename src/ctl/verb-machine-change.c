/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clone, remove, read-only, set-limit, clean; rename of an image. */

#include "ctl/container.h"
#include "ctl/control.h"
#include "ctl/machine-image.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/btrfs.h"
#include "kernel/mount.h"
#include "tree/content.h"
#include "tree/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>

#define SETTINGS_SUFFIX ".nspawn" /* beside the image */

static int need_root(Error *error)
{
    return geteuid() == 0
               ? 0
               : error_hint(error, error_set(error, -EPERM, "only root can change machine images"), "use sudo");
}

/* A hidden name of work in progress: `clean` removes it when we do not get to. NULL: no memory. */
static char *temporary_name(const char *what, const char *name, MachineImageKind kind)
{
    uint64_t number = 0;

    (void) getrandom(&number, sizeof(number), 0);
    return text_format(".#%s-%s-%016llx%s", what, name, (unsigned long long) number,
                       kind == MACHINE_IMAGE_FILE ? MACHINE_IMAGE_RAW : "");
}

/* Work in progress is that of somebody who lives while the directory is locked: shared by who works, exclusively by who
 * cleans. The lock goes with its holder. */
static int lock_work(int directory_fd, int operation, Error *error)
{
    if (flock(directory_fd, operation | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK
               ? error_hint(error, error_set(error, -EBUSY, "somebody clones, removes or cleans machine images"),
                            "try again in a moment")
               : error_set(error, -errno, "cannot lock the machine images: %m");
}

/* To change it: it exists, is in the pool, and no container runs on it. */
static int find_free(Ctl *ctl, const char *name, MachineImage **ret, MachineImageLock *lock, Error *error)
{
    _cleanup_machine_image_ MachineImage *image = NULL;
    int r = need_root(error);

    if (r == 0)
        r = machine_image_find(name, &image, error);
    if (r == 0 && !image->is_pool)
        r = error_set(error, -EROFS, "the image '%s' is the vendor's: %s", name, image->path);
    if (r == 0)
        r = machine_image_lock(image->directory_fd, name, lock, error);
    if (r == 0)
        r = machine_image_check_unused(ctl, image, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(image);
    return 0;
}

static int check_new_name(const char *name, Error *error)
{
    _cleanup_machine_image_ MachineImage *taken = NULL;

    if (!machine_image_name_is_valid(name))
        return error_hint(error, error_set(error, -EINVAL, "'%s' is not a name for a machine image", name),
                          "letters, digits, '_', '+', '.' and '-', at most %d", TEXT_NAME_MAX);
    if (machine_image_find(name, &taken, NULL) == 0)
        return error_set(error, -EEXIST, "a machine image named '%s' exists already", name);
    return 0;
}

/* --- what is removed --- */

static int remove_entry(int directory_fd, const char *file, MachineImageKind kind)
{
    int r = kind == MACHINE_IMAGE_SUBVOLUME ? btrfs_remove_subvolume(directory_fd, file) : -ENOTTY;

    return r == 0 ? 0 : file_remove_tree_at(directory_fd, file);
}

static int remove_image(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_machine_image_lock_ MachineImageLock lock = MACHINE_IMAGE_LOCK_NONE;
    _cleanup_machine_image_ MachineImage *image = NULL;
    _cleanup_free_ char *aside = NULL;
    int r = find_free(ctl, name, &image, &lock, error);

    if (r == 0)
        r = lock_work(image->directory_fd, LOCK_SH, error);
    if (r < 0)
        return r;
    aside = temporary_name("remove", name, image->kind);
    if (!aside)
        return -ENOMEM;
    if (image->is_read_only)
        return error_hint(error, error_set(error, -EROFS, "the image '%s' is read-only", name),
                          "berthctl read-only %s no makes it writable", name);
    /* Gone as one act; what follows can be cut off, and clean goes on with it. */
    if (renameat(image->directory_fd, image->file, image->directory_fd, aside) < 0)
        return error_set(error, -errno, "cannot remove '%s': %m", image->path);
    r = remove_entry(image->directory_fd, aside, image->kind);
    return r < 0 ? error_hint(error, error_set(error, r, "cannot remove all of '%s': %s", name, strerror(-r)),
                              "berthctl clean tries again")
                 : 0;
}

/* One name of both an image and a container: nobody but the person knows which is meant. */
static int remove_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    _cleanup_machine_image_ MachineImage *image = NULL;
    _cleanup_container_ Container *container = NULL;
    bool is_container;

    if (machine_image_find(name, &image, NULL) < 0) {
        int r = container_load(ctl, name, &container, error);

        return r < 0 ? r : control_remove(ctl, name, ctl->force, error);
    }
    is_container = geteuid() == 0 && container_load(ctl, name, &container, NULL) == 0;
    if (is_container && !container_is_running(container) && container->definition)
        return error_hint(error, error_set(error, -ENOTUNIQ, "'%s' is a machine image and a container", name),
                          "berthctl rm %s removes the container, after that remove the image", name);
    return remove_image(ctl, name, error);
}

int verb_remove(Ctl *ctl, Error *error)
{
    return ctl_for_each_word(ctl, remove_one, NULL, error);
}

static int clean_one(Ctl *ctl, const MachineImage *image, Error *error)
{
    int r;

    if (image->name[0] == '.') {
        r = lock_work(image->directory_fd, LOCK_EX, error);
        if (r == 0)
            r = remove_entry(image->directory_fd, image->file, image->kind);
        (void) flock(image->directory_fd, LOCK_UN);
    } else if (ctl->all && image->is_pool && !image->is_read_only)
        r = remove_image(ctl, image->name, error);
    else
        return 0;
    if (r == 0)
        log_info("removed %s", image->path);
    return r < 0 ? error_set(error, r, "cannot remove '%s': %s", image->path, strerror(-r)) : 0;
}

int verb_clean(Ctl *ctl, Error *error)
{
    MachineImage **images = NULL;
    size_t count = 0;
    int result = need_root(error);

    if (result == 0)
        result = machine_image_list(true, &images, &count, error);
    for (size_t i = 0; i < count; i++) {
        _cleanup_error_ Error own = {};
        int r = clean_one(ctl, images[i], &own);

        if (r < 0 && result == 0) {
            error_move(error, &own);
            result = r;
        }
    }
    machine_image_list_free(images, count);
    return result;
}

/* --- clone --- */

static void show_progress(uint64_t entries, uint64_t bytes)
{
    _cleanup_free_ char *size = text_format_size(bytes);

    fprintf(stderr, "\r%llu files, %s ", (unsigned long long) entries, size ? size : "?");
    (void) fflush(stderr);
}

static void warn(const char *text)
{
    log_warning("%s", text);
}

static int copy_tree(const MachineImage *image, int pool_fd, const char *name, bool quiet, Error *error)
{
    static const IdShift owner = {.keep = true};
    bool has_progress = !quiet && isatty(STDERR_FILENO);
    _cleanup_close_ int from_fd = mount_clone(image->fd, "", false), to_fd = mount_clone(pool_fd, "", false);
    const uint64_t attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    const CopyRequest request = {
        .from = {from_fd, "."},
        .to = {to_fd, name},
        .flags = COPY_EXACT | COPY_RIGHTS,
        .owner = &owner,
        .warning = warn,
        .progress = has_progress ? show_progress : NULL,
    };
    int r = MIN(from_fd, to_fd) < 0 ? MIN(from_fd, to_fd) : 0;

    if (r == 0)
        r = mount_set_attributes(from_fd, attributes | MOUNT_ATTR_RDONLY, 0, false);
    if (r == 0)
        r = mount_set_attributes(to_fd, attributes, 0, false);
    if (r < 0)
        return error_set(error, r, "cannot clone the mounts of the images: %s", strerror(-r));
    r = copy_run(&request, error);
    if (has_progress)
        fputs("\r\033[K", stderr);
    return r;
}

static int copy_file(const MachineImage *image, int pool_fd, const char *name, Error *error)
{
    _cleanup_close_ int fd = openat(pool_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0 || fstat(image->fd, &st) < 0 || fchmod(fd, st.st_mode & 0777) < 0)
        return error_set(error, -errno, "cannot make the copy: %m");
    return content_copy(image->fd, fd, (uint64_t) st.st_size, error);
}

static int make_copy(Ctl *ctl, const MachineImage *image, int pool_fd, const char *name, Error *error)
{
    int r = -EXDEV;

    if (image->kind == MACHINE_IMAGE_SUBVOLUME)
        r = btrfs_make_snapshot(image->fd, pool_fd, name, false);
    if (r == -EXDEV)
        return image->kind == MACHINE_IMAGE_FILE ? copy_file(image, pool_fd, name, error)
                                                 : copy_tree(image, pool_fd, name, ctl->quiet, error);
    return r < 0 ? error_set(error, r, "cannot make a snapshot: %s", strerror(-r)) : 0;
}

static int set_read_only(int fd, MachineImageKind kind, bool read_only)
{
    unsigned flags = 0;

    if (kind == MACHINE_IMAGE_SUBVOLUME && btrfs_is_subvolume(fd))
        return btrfs_set_read_only(fd, read_only);
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return -errno;
    flags = read_only ? flags | FS_IMMUTABLE_FL : flags & ~(unsigned) FS_IMMUTABLE_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

/* The finished copy appears under its name as one act, after it is on the disk. */
static int publish(int pool_fd, const char *from, const char *to, MachineImageKind kind, bool read_only, Error *error)
{
    _cleanup_close_ int fd = openat(pool_fd, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int r = 0;

    if (fd < 0 || syncfs(pool_fd) < 0 || renameat2(pool_fd, from, pool_fd, to, RENAME_NOREPLACE) < 0)
        return error_set(error, -errno, "cannot give the copy its name: %m");
    if (read_only)
        r = set_read_only(fd, kind, true);
    (void) fsync(pool_fd);
    return r < 0 ? error_set(error, r, "the copy is made, but cannot be made read-only: %s", strerror(-r)) : 0;
}

int verb_clone(Ctl *ctl, Error *error)
{
    const char *new_name = ctl->words[1];
    _cleanup_machine_image_lock_ MachineImageLock lock = MACHINE_IMAGE_LOCK_NONE;
    _cleanup_machine_image_ MachineImage *image = NULL;
    _cleanup_free_ char *temporary = NULL, *file = NULL;
    _cleanup_close_ int pool_fd = -EBADF;
    int r = need_root(error);

    if (r == 0)
        r = machine_image_find(ctl->words[0], &image, error);
    if (r == 0)
        r = check_new_name(new_name, error);
    if (r == 0)
        r = machine_image_open_pool(&pool_fd, error);
    if (r == 0)
        r = machine_image_lock(pool_fd, new_name, &lock, error);
    if (r == 0)
        r = lock_work(pool_fd, LOCK_SH, error);
    if (r < 0)
        return r;
    temporary = temporary_name("clone", new_name, image->kind);
    file = text_format("%s%s", new_name, image->kind == MACHINE_IMAGE_FILE ? MACHINE_IMAGE_RAW : "");
    if (!temporary || !file)
        return -ENOMEM;
    r = make_copy(ctl, image, pool_fd, temporary, error);
    if (r == 0)
        r = publish(pool_fd, temporary, file, image->kind, ctl->read_only, error);
    if (r < 0)
        (void) remove_entry(pool_fd, temporary, image->kind);
    return r;
}

/* --- the rest --- */

int machine_image_rename(Ctl *ctl, const char *old_name, const char *new_name, Error *error)
{
    _cleanup_machine_image_lock_ MachineImageLock old_lock = MACHINE_IMAGE_LOCK_NONE,
                                                  new_lock = MACHINE_IMAGE_LOCK_NONE;
    _cleanup_machine_image_ MachineImage *image = NULL;
    _cleanup_free_ char *file = NULL, *old_settings = NULL, *new_settings = NULL;
    int r = find_free(ctl, old_name, &image, &old_lock, error);

    if (r == 0)
        r = check_new_name(new_name, error);
    if (r == 0)
        r = machine_image_lock(image->directory_fd, new_name, &new_lock, error);
    if (r < 0)
        return r;
    if (image->is_read_only && image->kind != MACHINE_IMAGE_SUBVOLUME)
        return error_hint(error, error_set(error, -EROFS, "the image '%s' is read-only", old_name),
                          "berthctl read-only %s no makes it writable", old_name);
    file = text_format("%s%s", new_name, image->kind == MACHINE_IMAGE_FILE ? MACHINE_IMAGE_RAW : "");
    old_settings = text_format("%s" SETTINGS_SUFFIX, old_name);
    new_settings = text_format("%s" SETTINGS_SUFFIX, new_name);
    if (!file || !old_settings || !new_settings)
        return -ENOMEM;
    if (renameat2(image->directory_fd, image->file, image->directory_fd, file, RENAME_NOREPLACE) < 0)
        return error_set(error, -errno, "cannot rename '%s': %m", image->path);
    if (renameat2(image->directory_fd, old_settings, image->directory_fd, new_settings, RENAME_NOREPLACE) < 0 &&
        errno != ENOENT)
        log_warning("%s stays where it is: %s", old_settings, strerror(errno));
    return 0;
}

int verb_read_only(Ctl *ctl, Error *error)
{
    const char *name = ctl->words[0];
    _cleanup_machine_image_lock_ MachineImageLock lock = MACHINE_IMAGE_LOCK_NONE;
    _cleanup_machine_image_ MachineImage *image = NULL;
    bool read_only = true;
    int r = 0;

    if (ctl->words[1] && text_parse_bool(ctl->words[1], &read_only) < 0)
        return error_set(error, -EINVAL, "'%s' is not a boolean", ctl->words[1]);
    r = find_free(ctl, name, &image, &lock, error);
    if (r == 0)
        r = set_read_only(image->fd, image->kind, read_only);
    if (r == -ENOTTY || r == -EOPNOTSUPP)
        return error_set(error, r, "the file system of '%s' cannot make it read-only", image->path);
    return r < 0 ? error_set(error, r, "cannot change '%s': %s", name, strerror(-r)) : 0;
}

int verb_set_limit(Ctl *ctl, Error *error)
{
    const char *name = ctl->words[0], *text = ctl->words[1];
    _cleanup_machine_image_ MachineImage *image = NULL;
    uint64_t limit = UINT64_MAX;
    int r = strcmp(text, "-") == 0 ? 0 : text_parse_size_bytes(text, &limit);

    if (r < 0)
        return error_set(error, -EINVAL, "'%s' is not a size", text);
    r = need_root(error);
    if (r == 0)
        r = machine_image_find(name, &image, error);
    if (r < 0)
        return r;
    if (image->kind != MACHINE_IMAGE_SUBVOLUME)
        return error_hint(error,
                          error_set(error, -EOPNOTSUPP, "'%s' is no btrfs subvolume: only those can be limited", name),
                          "for others, limit the file system or use a raw disk");
    r = btrfs_set_limit(image->fd, limit);
    if (r == -ENOTCONN)
        return error_hint(error, error_set(error, r, "quotas are off on the file system of '%s'", image->path),
                          "btrfs quota enable turns them on, and makes snapshots slower");
    return r < 0 ? error_set(error, r, "cannot limit '%s': %s", name, strerror(-r)) : 0;
}
