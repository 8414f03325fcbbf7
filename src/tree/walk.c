/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/walk.h"

#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/statfs.h>

#define ATTEMPTS 64

/* One directory on the way down. */
typedef struct Level {
    DIR *directory;
    size_t path_length; /* of Walk.path up to it */
    dev_t device;
    WalkNames names; /* of a sorted walk */
    size_t next_name;
} Level;

/* Files with several names, to tell the second from the first: open addressing, a power of two. */
typedef struct Link {
    dev_t device;
    ino_t inode;
    char *path;
} Link;

typedef struct Walk {
    WalkVisit visit;
    void *userdata;
    bool is_sorted;
    char path[PATH_MAX];
    size_t path_length;
    Level *levels;
    size_t levels_count, levels_room;
    Link *links;
    size_t links_count, links_room;
} Walk;

void walk_names_done(WalkNames *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (WalkNames){};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

int walk_read_names(DIR *directory, WalkNames *ret)
{
    _cleanup_walk_names_ WalkNames names = {};
    const struct dirent *entry;

    for (errno = 0; (entry = readdir(directory)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names.count == names.room) {
            size_t room = names.room * 2 + 64;
            char **larger = reallocarray(names.items, room, sizeof(*larger));

            if (!larger)
                return -ENOMEM;
            names.items = larger;
            names.room = room;
        }
        names.items[names.count] = strdup(entry->d_name);
        if (!names.items[names.count])
            return -ENOMEM;
        names.count++;
    }
    if (errno != 0)
        return -errno;
    if (names.count > 0)
        qsort(names.items, names.count, sizeof(*names.items), compare_names);
    *ret = names;
    names = (WalkNames){};
    return 0;
}

static void level_done(Level *level)
{
    closedir(level->directory);
    walk_names_done(&level->names);
}

static void walk_done(Walk *walk)
{
    for (size_t i = 0; i < walk->levels_count; i++)
        level_done(&walk->levels[i]);
    free(walk->levels);
    for (size_t i = 0; i < walk->links_room; i++)
        free(walk->links[i].path);
    free(walk->links);
}

static Link *find_slot(Link *links, size_t room, dev_t device, ino_t inode)
{
    size_t at = (size_t) (((uint64_t) inode * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t) device) & (room - 1);

    while (links[at].path && (links[at].device != device || links[at].inode != inode))
        at = (at + 1) & (room - 1);
    return &links[at];
}

static int grow_links(Walk *walk)
{
    size_t room = walk->links_room > 0 ? walk->links_room * 2 : 256;
    Link *links = calloc(room, sizeof(*links));

    if (!links)
        return -ENOMEM;
    for (size_t i = 0; i < walk->links_room; i++)
        if (walk->links[i].path)
            *find_slot(links, room, walk->links[i].device, walk->links[i].inode) = walk->links[i];
    free(walk->links);
    walk->links = links;
    walk->links_room = room;
    return 0;
}

/* The path under which the file was met first, or NULL: now. */
static int remember_link(Walk *walk, const struct stat *st, const char **ret_earlier)
{
    Link *slot;

    if (walk->links_count * 2 >= walk->links_room && grow_links(walk) < 0)
        return -ENOMEM;
    slot = find_slot(walk->links, walk->links_room, st->st_dev, st->st_ino);
    if (slot->path) {
        *ret_earlier = slot->path;
        return 0;
    }
    *slot = (Link){st->st_dev, st->st_ino, strdup(walk->path)};
    walk->links_count += slot->path != NULL;
    return slot->path ? 0 : -ENOMEM;
}

/* Where an entry is: a name in an open directory, or a path in a container's root. */
typedef struct Place {
    int fd;
    const char *name;
    bool is_inside, follow;
} Place;

static int open_place(const Place *place, int flags)
{
    int fd;

    flags |= O_CLOEXEC | (place->follow ? 0 : O_NOFOLLOW);
    if (place->is_inside)
        return resolve_open(place->fd, place->name, flags);
    fd = openat(place->fd, place->name, flags);
    return fd < 0 ? -errno : fd;
}

static int open_once(const Place *place, int *ret_fd, struct stat *ret)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        _cleanup_close_ int path_fd = open_place(place, O_PATH), fd = -EBADF;
        struct stat first;

        if (path_fd < 0)
            return path_fd;
        if (fstat(path_fd, &first) < 0)
            return -errno;
        if (!S_ISREG(first.st_mode) && !S_ISDIR(first.st_mode)) {
            *ret = first;
            *ret_fd = TAKE_FD(path_fd);
            return 0;
        }
        /* Whatever took its place in between: a link is refused, a FIFO does not block, a device is refused by the
         * mount. */
        fd = open_place(place, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd == -ELOOP || fd == -ENXIO || fd == -ENOENT || fd == -EACCES)
            continue;
        if (fd < 0)
            return fd;
        if (fstat(fd, ret) < 0)
            return -errno;
        if (ret->st_dev != first.st_dev || ret->st_ino != first.st_ino ||
            (ret->st_mode & S_IFMT) != (first.st_mode & S_IFMT))
            continue;
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
    return -EAGAIN;
}

int walk_open(int root_fd, const char *inside_path, bool follow, int *ret_fd, struct stat *ret)
{
    const Place place = {.fd = root_fd, .name = inside_path, .is_inside = true, .follow = follow};

    return open_once(&place, ret_fd, ret);
}

/* What is below a mount point of one of these is no file that anybody wrote. */
static bool is_made_up(int fd)
{
    static const uint32_t magics[] = {
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        DEVPTS_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        SELINUX_MAGIC,
        BPF_FS_MAGIC,
        PSTOREFS_MAGIC,
        EFIVARFS_MAGIC,
        NSFS_MAGIC,
        BINFMTFS_MAGIC,
        0x19800202 /* mqueue */,
        0x62656570 /* configfs */,
        0x65735543 /* fusectl */,
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(magics); i++)
        if ((uint32_t) fs.f_type == magics[i])
            return true;
    return false;
}

static int push_level(Walk *walk, int fd, dev_t device)
{
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *directory = own_fd < 0 ? NULL : fdopendir(own_fd);

    if (!directory) {
        int r = -errno;

        safe_close(own_fd);
        return r;
    }
    rewinddir(directory); /* a duplicate shares its position with the original */
    if (walk->levels_count == walk->levels_room) {
        size_t room = walk->levels_room * 2 + 16;
        Level *larger = reallocarray(walk->levels, room, sizeof(*larger));

        if (!larger) {
            closedir(directory);
            return -ENOMEM;
        }
        walk->levels = larger;
        walk->levels_room = room;
    }
    walk->levels[walk->levels_count++] =
        (Level){.directory = directory, .path_length = walk->path_length, .device = device};
    return walk->is_sorted ? walk_read_names(directory, &walk->levels[walk->levels_count - 1].names) : 0;
}

static int read_link(int fd, char target[PATH_MAX])
{
    ssize_t n = readlinkat(fd, "", target, PATH_MAX);

    if (n < 0)
        return -errno;
    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    target[n] = 0;
    return 0;
}

static int say_unreadable(const Walk *walk, int code, Error *error)
{
    return error_set(error, code, "cannot read '%.300s': %s", walk->path, strerror(-code));
}

/* Shows and, for a directory, enters one open entry; walk->path names it. */
static int visit_one(Walk *walk, int fd, const struct stat *st, Error *error)
{
    const Level *above = walk->levels_count > 0 ? &walk->levels[walk->levels_count - 1] : NULL;
    WalkEntry entry = {.path = walk->path, .st = st, .fd = fd};
    char target[PATH_MAX];
    int r = 0;

    if (S_ISLNK(st->st_mode)) {
        r = read_link(fd, target);
        entry.link = target;
    }
    if (r == 0 && S_ISREG(st->st_mode) && st->st_nlink > 1)
        r = remember_link(walk, st, &entry.earlier);
    if (r < 0)
        return say_unreadable(walk, r, error);
    r = walk->visit(&entry, walk->userdata, error);
    if (r != 0 || !S_ISDIR(st->st_mode))
        return MIN(r, 0);
    if (above && above->device != st->st_dev && is_made_up(fd))
        return 0;
    r = push_level(walk, fd, st->st_dev);
    return r < 0 ? say_unreadable(walk, r, error) : 0;
}

static int visit_name(Walk *walk, const char *name, Error *error)
{
    const Place place = {.fd = dirfd(walk->levels[walk->levels_count - 1].directory), .name = name};
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = open_once(&place, &fd, &st);

    if (r == -ENOENT)
        return 0;
    return r < 0 ? say_unreadable(walk, r, error) : visit_one(walk, fd, &st, error);
}

/* The next name of the deepest directory; NULL and errno 0 at the end. */
static const char *read_name(Level *level, bool is_sorted)
{
    const struct dirent *entry;

    errno = 0;
    if (is_sorted)
        return level->next_name < level->names.count ? level->names.items[level->next_name++] : NULL;
    do
        entry = readdir(level->directory);
    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry ? entry->d_name : NULL;
}

/* The next entry of the deepest directory: its name, which ends walk->path, or NULL at the end. */
static int next_name(Walk *walk, const char **ret, Error *error)
{
    Level *level = &walk->levels[walk->levels_count - 1];
    size_t length, at = level->path_length;
    const char *name = read_name(level, walk->is_sorted);

    if (!name && errno != 0)
        return error_set(error, -errno, "cannot read the directory '%.*s': %m", (int) MIN(at, 300), walk->path);
    *ret = name;
    if (!name)
        return 0;
    length = strlen(name);
    if (at + 1 + length >= sizeof(walk->path))
        return error_set(error, -ENAMETOOLONG, "'%.60s...' is deeper than paths can be (%d bytes)", walk->path,
                         PATH_MAX - 1);
    if (at > 0)
        walk->path[at++] = '/';
    memcpy(walk->path + at, name, length + 1);
    walk->path_length = at + length;
    return 0;
}

static int run_walk(Walk *walk, int fd, const struct stat *st, Error *error)
{
    int r = visit_one(walk, fd, st, error);

    while (r == 0 && walk->levels_count > 0) {
        const char *next = NULL;

        r = next_name(walk, &next, error);
        if (r == 0 && next)
            r = visit_name(walk, next, error);
        else if (r == 0)
            level_done(&walk->levels[--walk->levels_count]);
    }
    return r;
}

int walk_from(int fd, const struct stat *st, WalkVisit visit, void *userdata, Error *error)
{
    _cleanup_(walk_done) Walk walk = {.visit = visit, .userdata = userdata};

    return run_walk(&walk, fd, st, error);
}

int walk_sorted(int fd, const struct stat *st, WalkVisit visit, void *userdata, Error *error)
{
    _cleanup_(walk_done) Walk walk = {.visit = visit, .userdata = userdata, .is_sorted = true};

    return run_walk(&walk, fd, st, error);
}
