/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/machine-image.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/btrfs.h"
#include "kernel/resolve.h"
#include "machines/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define POOL                 "/var/lib/machines"
#define OS_RELEASE_MAX_BYTES 65536

/* The pool first; BERTH_MACHINES_DIR is one of its own for tests. */
static int list_directories(char ***ret)
{
    const char *own = secure_getenv("BERTH_MACHINES_DIR");
    char **list = own ? strv_new(own, NULL) : strv_new(POOL, "/usr/local/lib/machines", "/usr/lib/machines", NULL);

    *ret = list;
    return list ? 0 : -ENOMEM;
}

void machine_image_free(MachineImage *image)
{
    if (!image)
        return;
    free(image->name);
    free(image->path);
    safe_close(image->directory_fd);
    safe_close(image->fd);
    free(image);
}

void machine_image_list_free(MachineImage **images, size_t count)
{
    for (size_t i = 0; i < count; i++)
        machine_image_free(images[i]);
    free(images);
}

const char *machine_image_kind_to_string(MachineImageKind kind)
{
    static const char *const names[] = {"directory", "subvolume", "raw"};

    return names[kind];
}

bool machine_image_name_is_valid(const char *name)
{
    return text_is_name(name) && name[0] != '-' && !text_has_suffix(name, MACHINE_IMAGE_RAW);
}

static bool is_immutable(int fd)
{
    unsigned flags = 0;

    return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL);
}

static void look(MachineImage *image, const struct stat *st)
{
    image->changed_usec = (uint64_t) st->st_mtim.tv_sec * 1000000 + (uint64_t) st->st_mtim.tv_nsec / 1000;
    image->usage_bytes = S_ISREG(st->st_mode) ? (uint64_t) st->st_blocks * 512 : UINT64_MAX;
    image->kind = S_ISREG(st->st_mode)            ? MACHINE_IMAGE_FILE
                  : btrfs_is_subvolume(image->fd) ? MACHINE_IMAGE_SUBVOLUME
                                                  : MACHINE_IMAGE_DIRECTORY;
    if (image->kind != MACHINE_IMAGE_SUBVOLUME || btrfs_get_read_only(image->fd, &image->is_read_only) < 0)
        image->is_read_only = is_immutable(image->fd);
    if (S_ISREG(st->st_mode) && !(st->st_mode & 0222))
        image->is_read_only = true;
    if (!image->is_pool)
        image->is_read_only = true;
}

/* One entry of a directory of images; -ENOENT when it is none. */
static int open_entry(int directory_fd, const char *directory, const char *file, bool is_pool, MachineImage **ret)
{
    _cleanup_machine_image_ MachineImage *image = calloc(1, sizeof(*image));
    struct stat st;

    if (!image)
        return -ENOMEM;
    image->directory_fd = image->fd = -EBADF;
    if (strcmp(file, "lost+found") == 0) /* of ext4 */
        return -ENOENT;
    if (fstatat(directory_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode) && !(S_ISREG(st.st_mode) && text_has_suffix(file, MACHINE_IMAGE_RAW)))
        return -ENOENT;
    image->fd = openat(directory_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    image->directory_fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);
    if (image->fd < 0 || image->directory_fd < 0 || fstat(image->fd, &st) < 0)
        return -errno;
    image->is_pool = is_pool;
    image->name = S_ISREG(st.st_mode) ? strndup(file, strlen(file) - strlen(MACHINE_IMAGE_RAW)) : strdup(file);
    image->path = text_format("%s/%s", directory, file);
    if (!image->name || !image->path)
        return -ENOMEM;
    image->file = image->path + strlen(directory) + 1;
    look(image, &st);
    *ret = TAKE_PTR(image);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(MachineImage *const *) a)->name, (*(MachineImage *const *) b)->name);
}

typedef struct List {
    MachineImage **items;
    size_t count;
} List;

static int add_entry(List *list, int directory_fd, const char *directory, const char *file, bool is_pool, bool hidden)
{
    _cleanup_machine_image_ MachineImage *image = NULL;
    MachineImage **larger;
    int r;

    if (strcmp(file, ".") == 0 || strcmp(file, "..") == 0 || (file[0] == '.' && !hidden))
        return 0;
    r = open_entry(directory_fd, directory, file, is_pool, &image);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (image->name[0] != '.' && !text_is_name(image->name))
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i]->name, image->name) == 0)
            return 0;
    larger = reallocarray(list->items, list->count + 1, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    list->items = larger;
    list->items[list->count++] = TAKE_PTR(image);
    return 0;
}

int machine_image_list(bool hidden, MachineImage ***ret, size_t *ret_count, Error *error)
{
    _cleanup_strv_ char **directories = NULL;
    List list = {};
    int r = list_directories(&directories);

    STRV_FOREACH (path, directories) {
        bool is_pool = path == directories;
        DIR *directory = r == 0 ? opendir(*path) : NULL;
        const struct dirent *entry;

        if (!directory && r == 0 && errno != ENOENT)
            r = error_set(error, -errno, "cannot read '%s': %m", *path);
        while (directory && r == 0 && (entry = readdir(directory)))
            r = add_entry(&list, dirfd(directory), *path, entry->d_name, is_pool, hidden && is_pool);
        if (directory)
            closedir(directory);
    }
    if (r < 0) {
        machine_image_list_free(list.items, list.count);
        return r;
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(*list.items), compare);
    *ret = list.items;
    *ret_count = list.count;
    return 0;
}

static int say_unknown(const char *name, Error *error)
{
    MachineImage **images = NULL;
    Nearest nearest = {};
    size_t count = 0;

    (void) error_set(error, -ENOENT, "there is no machine image named '%s'", name);
    if (machine_image_list(false, &images, &count, NULL) == 0)
        for (size_t i = 0; i < count; i++)
            text_nearest_consider(&nearest, name, images[i]->name);
    (void) (nearest.best ? error_hint(error, -ENOENT, "did you mean '%s'?", nearest.best)
                         : error_hint(error, -ENOENT, "berthctl list-images shows them"));
    machine_image_list_free(images, count);
    return -ENOENT;
}

int machine_image_find(const char *name, MachineImage **ret, Error *error)
{
    _cleanup_strv_ char **directories = NULL;
    _cleanup_free_ char *raw = text_format("%s" MACHINE_IMAGE_RAW, name);
    int r = list_directories(&directories);

    if (r < 0 || !raw)
        return -ENOMEM;
    if (!text_is_name(name))
        return say_unknown(name, error);
    STRV_FOREACH (path, directories) {
        _cleanup_close_ int fd = open(*path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        r = fd < 0 ? -ENOENT : open_entry(fd, *path, name, path == directories, ret);
        if (r == -ENOENT && fd >= 0)
            r = open_entry(fd, *path, raw, path == directories, ret);
        if (r != -ENOENT)
            return r < 0 ? error_set(error, r, "cannot open the image '%s': %s", name, strerror(-r)) : 0;
    }
    return say_unknown(name, error);
}

int machine_image_open_pool(int *ret_fd, Error *error)
{
    _cleanup_strv_ char **directories = NULL;
    int r = list_directories(&directories);

    if (r == 0)
        r = file_open_directory_at(AT_FDCWD, directories[0], true, 0700, ret_fd);
    return r < 0 ? error_set(error, r, "cannot open '%s': %s", directories ? directories[0] : POOL, strerror(-r)) : 0;
}

void machine_image_unlock(MachineImageLock *lock)
{
    if (lock->fd >= 0)
        (void) unlinkat(lock->directory_fd, lock->file, 0);
    lock->fd = safe_close(lock->fd);
    lock->directory_fd = safe_close(lock->directory_fd);
    free(TAKE_PTR(lock->file));
}

int machine_image_lock(int directory_fd, const char *name, MachineImageLock *ret, Error *error)
{
    /* systemd takes locks of the whole file by fcntl(2), which flock(2) knows nothing of. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_machine_image_lock_ MachineImageLock lock = {
        .directory_fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3),
        .fd = -EBADF,
    };
    int r;

    lock.file = text_format(".#%s.lck", name);
    if (!lock.file || lock.directory_fd < 0)
        return lock.file ? -errno : -ENOMEM;
    r = lock_take(directory_fd, lock.file, &lock.fd);
    if (r == 0 && fcntl(lock.fd, F_OFD_SETLK, &whole) < 0) {
        r = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
        lock.fd = safe_close(lock.fd);
    }
    if (r < 0)
        return error_set(error, r, "cannot lock the image '%s': %s", name,
                         r == -EBUSY ? "somebody works with it" : strerror(-r));
    *ret = lock;
    lock = MACHINE_IMAGE_LOCK_NONE;
    return 0;
}

char *machine_image_read_os(const MachineImage *image)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};

    for (size_t i = 0; i < ELEMENTSOF(paths) && image->kind != MACHINE_IMAGE_FILE; i++) {
        _cleanup_close_ int path_fd = resolve_open(image->fd, paths[i], O_PATH), fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        struct stat st;
        char *name = NULL;

        /* Never a device: opening one can do something. */
        if (path_fd < 0 || fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        fd = resolve_open(image->fd, paths[i], O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0 && file_read_fd(fd, OS_RELEASE_MAX_BYTES, &text, NULL) == 0 &&
            os_release_parse_name(text, &name) == 0)
            return name;
    }
    return NULL;
}

int machine_image_check_unused(Ctl *ctl, const MachineImage *image, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    struct stat own, other;
    int r = ctl_open_roster(ctl, error);

    if (r == 0)
        r = roster_list(ctl->roster, &names);
    if (r < 0 || fstat(image->fd, &own) < 0)
        return r < 0 ? r : -errno;
    STRV_FOREACH (name, names) {
        _cleanup_(machine_freep) Machine *machine = NULL;

        if (roster_load(ctl->roster, *name, &machine, NULL) < 0 || !machine->directory)
            continue;
        if (stat(machine->directory, &other) == 0 && other.st_dev == own.st_dev && other.st_ino == own.st_ino)
            return error_hint(
                error, error_set(error, -EBUSY, "the image '%s' is in use by the container '%s'", image->name, *name),
                "berthctl stop %s ends it", *name);
    }
    return 0;
}
