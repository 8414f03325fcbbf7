/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/tree.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define NOTES_MAX_BYTES (256U << 20) /* paths remembered for tree_finish() */

typedef struct Note {
    char *path;
    struct timespec mtime;
} Note;

typedef struct Notes {
    Note *items;
    size_t count, room;
} Notes;

struct Tree {
    int root_fd;
    TreeFlags flags;
    uid_t default_uid;
    gid_t default_gid;
    int parent_fd;     /* of the last entry */
    char *parent_path; /* NULL: none is cached */
    Notes directories, whiteouts, opaques;
    size_t notes_bytes;
};

static void notes_done(Notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->items[i].path);
    free(notes->items);
}

void tree_free(Tree *tree)
{
    if (!tree)
        return;
    safe_close(tree->parent_fd);
    free(tree->parent_path);
    notes_done(&tree->directories);
    notes_done(&tree->whiteouts);
    notes_done(&tree->opaques);
    free(tree);
}

int tree_new(int root_fd, TreeFlags flags, Tree **ret)
{
    Tree *tree = calloc(1, sizeof(*tree));

    if (!tree)
        return -ENOMEM;
    tree->root_fd = root_fd;
    tree->flags = flags;
    tree->parent_fd = -EBADF;
    *ret = tree;
    return 0;
}

void tree_set_default_owner(Tree *tree, uid_t uid, gid_t gid)
{
    tree->default_uid = uid;
    tree->default_gid = gid;
}

static bool is_live(const Tree *tree)
{
    return tree->flags & TREE_LIVE;
}

static int open_beneath(const Tree *tree, const char *path, int flags)
{
    return is_live(tree) ? beneath_open_plain(tree->root_fd, path, flags) : beneath_open(tree->root_fd, path, flags);
}

static int add_note(Tree *tree, Notes *notes, char *path, struct timespec mtime, Error *error)
{
    size_t size = path ? strlen(path) + sizeof(Note) : 0;

    if (notes->count == notes->room) {
        size_t room = notes->room * 2 + 256;
        Note *larger = reallocarray(notes->items, room, sizeof(*larger));

        if (!larger) {
            free(path);
            return -ENOMEM;
        }
        notes->items = larger;
        notes->room = room;
    }
    if (!path || tree->notes_bytes + size > NOTES_MAX_BYTES) {
        free(path);
        return path ? error_set(error, -EFBIG, "there are too many directories and deletions") : -ENOMEM;
    }
    tree->notes_bytes += size;
    notes->items[notes->count++] = (Note){path, mtime};
    return 0;
}

static void forget_parent(Tree *tree)
{
    tree->parent_fd = safe_close(tree->parent_fd);
    free(TAKE_PTR(tree->parent_path));
}

/* Links are followed only as far as they stay in the layer: -EXDEV is the kernel's word for the others. */
static int say_parent(int code, const char *path, Error *error)
{
    switch (code) {
    case -EXDEV:
        return error_set(error, -EINVAL, "the name leads out of its tree through a symbolic link (%.300s)", path);
    case -ENOTDIR:
        return error_set(error, -EINVAL, "'%.300s' is not a directory", path);
    case -ELOOP:
        return error_set(error, -EINVAL, "'%.300s' is, or is reached through, a symbolic link or a loop of them", path);
    default:
        return error_set(error, code, "opening '%.300s': %s", path, strerror(-code));
    }
}

/* Makes the missing directories of `path` one by one. */
static int make_directories(const Tree *tree, const char *path, Error *error)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *end = copy; end; end = *end ? end + 1 : NULL) {
        _cleanup_close_ int fd = -EBADF, parent_fd = -EBADF;
        char *name = NULL, saved;

        end = strchrnul(end, '/');
        saved = *end;
        *end = 0;
        fd = open_beneath(tree, copy, O_PATH | O_DIRECTORY);
        if (fd == -ENOENT) {
            name = strrchr(copy, '/');
            if (name)
                *name = 0;
            parent_fd = open_beneath(tree, name ? copy : ".", O_PATH | O_DIRECTORY);
            if (name)
                *name = '/';
            name = name ? name + 1 : copy;
            if (parent_fd < 0)
                return say_parent(parent_fd, copy, error);
            if (mkdirat(parent_fd, name, 0700) < 0)
                return say_parent(-errno, copy, error);
            fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            /* A parent with the set-group-ID bit hands down its group. */
            if (fd < 0 || fchown(fd, tree->default_uid, tree->default_gid) < 0 || fchmod(fd, 0755) < 0)
                return say_parent(-errno, copy, error);
        } else if (fd < 0)
            return say_parent(fd, copy, error);
        *end = saved;
    }
    return 0;
}

int tree_open_directory(Tree *tree, const char *path, int *ret_fd, Error *error)
{
    int r = path[0] ? make_directories(tree, path, error) : 0, fd;

    if (r < 0)
        return r;
    fd = open_beneath(tree, path[0] ? path : ".", O_PATH | O_DIRECTORY);
    if (fd < 0)
        return say_parent(fd, path, error);
    *ret_fd = fd;
    return 0;
}

/* The directory that holds `path`, borrowed, and the last component. With `make` false a missing one is
 * -ENOENT. */
static int open_parent(Tree *tree, const char *path, bool make, int *ret_fd, const char **ret_name, Error *error)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = slash ? strndup(path, (size_t) (slash - path)) : strdup(".");
    int r;

    if (!parent)
        return -ENOMEM;
    *ret_name = slash ? slash + 1 : path;
    if (tree->parent_path && strcmp(tree->parent_path, parent) == 0) {
        *ret_fd = tree->parent_fd;
        return 0;
    }
    forget_parent(tree);
    tree->parent_fd = open_beneath(tree, parent, O_PATH | O_DIRECTORY);
    if (tree->parent_fd == -ENOENT && make) {
        r = make_directories(tree, parent, error);
        if (r < 0)
            return r;
        tree->parent_fd = open_beneath(tree, parent, O_PATH | O_DIRECTORY);
    }
    if (tree->parent_fd < 0)
        return make ? say_parent(tree->parent_fd, parent, error) : tree->parent_fd;
    tree->parent_path = TAKE_PTR(parent);
    *ret_fd = tree->parent_fd;
    return 0;
}

/* Whatever has the name goes: the later entry of an archive counts. */
static int make_room(Tree *tree, int parent_fd, const char *name)
{
    struct stat st;

    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (is_live(tree) && S_ISDIR(st.st_mode))
        return -EISDIR;
    if (is_live(tree) && !(tree->flags & TREE_REPLACE))
        return -EEXIST;
    if (!S_ISDIR(st.st_mode))
        return unlinkat(parent_fd, name, 0) < 0 ? -errno : 0;
    return file_remove_tree_at(parent_fd, name);
}

/* Links and devices take no user.* attributes, some file systems none at all, and security.* other than file
 * capabilities needs more privilege than this process has. Losing a file capability would change what a
 * program can do, so that is an error. */
static int judge_xattr(const TreeXattr *xattr, int code, unsigned *skipped, Error *error)
{
    bool is_vital = strcmp(xattr->name, "security.capability") == 0;

    if (!is_vital && (code == -ENOTSUP || code == -EPERM || code == -EACCES || code == -EINVAL)) {
        (*skipped)++;
        return 0;
    }
    if (code == -ENOSPC || code == -E2BIG || code == -ERANGE)
        return error_set(error, code, "the extended attribute %s (%zu bytes) does not fit: %s", xattr->name,
                         xattr->size, strerror(-code));
    return error_set(error, code, "setting the extended attribute %s: %s", xattr->name, strerror(-code));
}

/* By a fd, or for what must not be opened by name in the working directory (lsetxattr(2) does not follow). */
static int set_xattrs(const TreeEntry *entry, int fd, const char *name, unsigned *skipped, Error *error)
{
    for (size_t i = 0; i < entry->xattrs_count; i++) {
        const TreeXattr *xattr = &entry->xattrs[i];
        int r = fd >= 0 ? fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0)
                        : lsetxattr(name, xattr->name, xattr->value, xattr->size, 0);

        if (r < 0)
            r = judge_xattr(xattr, -errno, skipped, error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* chown(2) takes set-ID bits and file capabilities away, so it comes first. */
static int set_open_attributes(const TreeEntry *entry, int fd, unsigned *skipped, Error *error)
{
    if (fchown(fd, entry->uid, entry->gid) < 0)
        return error_set(error, -errno, "setting the owner %u:%u: %m", entry->uid, entry->gid);
    if (fchmod(fd, entry->mode & 07777) < 0)
        return error_set(error, -errno, "setting the mode %04o: %m", entry->mode & 07777);
    return set_xattrs(entry, fd, NULL, skipped, error);
}

int tree_add_directory(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    const char *name = ".";
    struct stat st;
    bool is_new;
    int parent_fd = tree->root_fd, r = 0;

    if (entry->path[0])
        r = open_parent(tree, entry->path, true, &parent_fd, &name, error);
    if (r < 0)
        return r;
    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)) {
        if (is_live(tree))
            return error_set(error, -ENOTDIR, "it exists and is not a directory");
        if (unlinkat(parent_fd, name, 0) < 0)
            return error_set(error, -errno, "replacing it: %m");
    }
    is_new = mkdirat(parent_fd, name, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return error_set(error, -errno, "making the directory: %m");
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "opening the directory: %m");
    if (!is_new && is_live(tree) && !(tree->flags & TREE_SET_EXISTING))
        return 0;
    r = set_open_attributes(entry, fd, ret_skipped, error);
    return r < 0 ? r : add_note(tree, &tree->directories, strdup(entry->path), entry->mtime, error);
}

/* The parent and an unused name in it. */
static int prepare(Tree *tree, const char *path, int *ret_fd, const char **ret_name, Error *error)
{
    int r;

    if (path[0] == 0)
        return error_set(error, -EINVAL, "the top of the tree can only be a directory");
    r = open_parent(tree, path, true, ret_fd, ret_name, error);
    if (r < 0)
        return r;
    r = make_room(tree, *ret_fd, *ret_name);
    if (r == -EEXIST)
        return error_hint(error, error_set(error, r, "it exists"), "--force replaces files");
    if (r == -EISDIR)
        return error_set(error, r, "a directory is in its place");
    return r < 0 ? error_set(error, r, "replacing it: %s", strerror(-r)) : 0;
}

int tree_begin_file(Tree *tree, const TreeEntry *entry, int *ret_fd, Error *error)
{
    const char *name;
    int parent_fd, fd, r = prepare(tree, entry->path, &parent_fd, &name, error);

    if (r < 0)
        return r;
    fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, -errno, "making the file: %m");
    *ret_fd = fd;
    return 0;
}

static void set_times(const TreeEntry *entry, struct timespec times[2])
{
    times[0] = times[1] = entry->mtime;
}

int tree_finish_file(Tree *tree, const TreeEntry *entry, int fd, unsigned *ret_skipped, Error *error)
{
    struct timespec times[2];
    int r = set_open_attributes(entry, fd, ret_skipped, error);

    if (r < 0)
        return r;
    set_times(entry, times);
    return futimens(fd, times) < 0 ? error_set(error, -errno, "setting the time: %m") : 0;
}

/* Between making something and giving it away, its name may have come to mean something else: what is given away must
 * be new, our own and of the kind that was made. */
static int add_live_special(const Tree *tree, int parent_fd, const char *name, const TreeEntry *entry, Error *error)
{
    const struct timespec times[2] = {entry->mtime, entry->mtime};
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r;

    if (S_ISLNK(entry->mode))
        r = symlinkat(entry->link, parent_fd, name);
    else if (S_ISFIFO(entry->mode))
        r = mknodat(parent_fd, name, S_IFIFO | (entry->mode & 0777), 0);
    else
        return error_set(error, -EPERM, "device nodes and sockets are not copied");
    if (r < 0)
        return error_set(error, -errno, "making it: %m");
    fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(error, -errno, "opening it: %m");
    if ((st.st_mode & S_IFMT) != (entry->mode & S_IFMT) || st.st_nlink != 1 || st.st_uid != tree->default_uid)
        return error_set(error, -EAGAIN, "somebody replaced it meanwhile");
    if (fchownat(fd, "", entry->uid, entry->gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -errno, "setting the owner %u:%u: %m", entry->uid, entry->gid);
    if (utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -errno, "setting the time: %m");
    return 0;
}

int tree_add_special(Tree *tree, const TreeEntry *entry, unsigned *ret_skipped, Error *error)
{
    struct timespec times[2];
    const char *name;
    int parent_fd, r = prepare(tree, entry->path, &parent_fd, &name, error);

    if (r < 0)
        return r;
    if (is_live(tree))
        return add_live_special(tree, parent_fd, name, entry, error);
    if (S_ISLNK(entry->mode))
        r = symlinkat(entry->link, parent_fd, name);
    else
        r = mknodat(parent_fd, name, (entry->mode & S_IFMT) | 0600, entry->device);
    if (r < 0)
        return error_set(error, -errno, "making it: %m");
    if (fchownat(parent_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -errno, "setting the owner %u:%u: %m", entry->uid, entry->gid);
    /* The entry was made just now by this, the only process here: it is not a link. */
    if (!S_ISLNK(entry->mode) && fchmodat(parent_fd, name, entry->mode & 07777, 0) < 0)
        return error_set(error, -errno, "setting the mode %04o: %m", entry->mode & 07777);
    if (entry->xattrs_count > 0) {
        if (fchdir(parent_fd) < 0)
            return error_set(error, -errno, "entering its directory: %m");
        r = set_xattrs(entry, -EBADF, name, ret_skipped, error);
        if (r < 0)
            return r;
    }
    set_times(entry, times);
    if (utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -errno, "setting the time: %m");
    return 0;
}

int tree_add_hardlink(Tree *tree, const char *path, const char *target, Error *error)
{
    _cleanup_close_ int target_fd = -EBADF;
    const char *name, *target_name = strrchr(target, '/');
    _cleanup_free_ char *directory = strndup(target, target_name ? (size_t) (target_name - target) : 0);
    struct stat st;
    int parent_fd, r;

    if (!directory)
        return -ENOMEM;
    if (strcmp(path, target) == 0)
        return error_set(error, -EINVAL, "it is a hard link to itself");
    target_name = target_name ? target_name + 1 : target;
    target_fd = open_beneath(tree, directory[0] ? directory : ".", O_PATH | O_DIRECTORY);
    if (target_fd == -EXDEV)
        return say_parent(target_fd, directory, error);
    if (target_fd < 0 || fstatat(target_fd, target_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set(error, -EINVAL, "it is a hard link to '%s', which no earlier entry made", target);
    if (S_ISDIR(st.st_mode))
        return error_set(error, -EINVAL, "it is a hard link to the directory '%s'", target);
    r = prepare(tree, path, &parent_fd, &name, error);
    if (r < 0)
        return r;
    return linkat(target_fd, target_name, parent_fd, name, 0) < 0
               ? error_set(error, -errno, "linking it to '%s': %m", target)
               : 0;
}

int tree_add_whiteout(Tree *tree, const char *parent, const char *name, Error *error)
{
    if (text_is_empty(name) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(error, -EINVAL, "the deletion mark names nothing");
    return add_note(tree, &tree->whiteouts, text_format("%s%s%s", parent, *parent ? "/" : "", name),
                    (struct timespec){}, error);
}

int tree_add_opaque(Tree *tree, const char *path, Error *error)
{
    return add_note(tree, &tree->opaques, strdup(path), (struct timespec){}, error);
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

static int compare_notes(const void *a, const void *b)
{
    const Note *left = a, *right = b;
    size_t left_depth = depth_of(left->path), right_depth = depth_of(right->path);

    if (left_depth != right_depth)
        return left_depth < right_depth ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* Shallow ones come first: below a directory that is deleted as a whole nothing is left to delete, and the
 * missing parent of a mark may be made only when no mark stands in its place. A directory that this layer has
 * as well is new: it must hide its predecessor. */
static int apply_whiteout(Tree *tree, const char *path, TreeOpaque opaque, void *userdata, Error *error)
{
    const char *name;
    struct stat st;
    int parent_fd, r = open_parent(tree, path, false, &parent_fd, &name, NULL);

    if (r == -ENOENT) {
        r = open_parent(tree, path, true, &parent_fd, &name, error);
        if (r < 0)
            return r;
    }
    if (r == -ENOTDIR)
        return 0;
    if (r < 0)
        return say_parent(r, path, error);
    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISDIR(st.st_mode) ? opaque(path, userdata) : 0;
    if (errno != ENOENT)
        return error_set(error, -errno, "looking at '%s': %m", path);
    if (mknodat(parent_fd, name, S_IFCHR, makedev(0, 0)) < 0)
        return error_set(error, -errno, "making the deletion mark for '%s': %m", path);
    return 0;
}

static int apply_opaque(Tree *tree, const char *path, TreeOpaque opaque, void *userdata, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (path[0] == 0)
        return opaque(path, userdata);
    fd = beneath_open(tree->root_fd, path, O_PATH | O_DIRECTORY);
    /* Something that is no directory hides all below its name anyway. */
    if (fd == -ENOTDIR)
        return 0;
    if (fd == -ENOENT) {
        r = make_directories(tree, path, error);
        if (r < 0)
            return r;
    } else if (fd < 0)
        return say_parent(fd, path, error);
    return opaque(path, userdata);
}

/* Deep ones come first: setting a directory's time does not touch its parent's, but order costs nothing. A
 * note whose directory was replaced by something else is void. */
static int set_directory_time(Tree *tree, const Note *note, Error *error)
{
    const struct timespec times[2] = {note->mtime, note->mtime};
    _cleanup_close_ int fd = -EBADF;
    const char *name = ".";
    int parent_fd = tree->root_fd, r = 0;

    if (note->path[0])
        r = open_parent(tree, note->path, false, &parent_fd, &name, NULL);
    if (r == -ENOENT || r == -ENOTDIR || (r == -ELOOP && is_live(tree)))
        return 0;
    if (r < 0)
        return say_parent(r, note->path, error);
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && futimens(fd, times) < 0)
        return error_set(error, -errno, "setting the time of '%s': %m", note->path);
    return 0;
}

int tree_finish(Tree *tree, TreeOpaque opaque, void *userdata, Error *error)
{
    int r = 0;

    if (tree->whiteouts.count > 0)
        qsort(tree->whiteouts.items, tree->whiteouts.count, sizeof(Note), compare_notes);
    for (size_t i = 0; i < tree->whiteouts.count && r == 0; i++)
        r = apply_whiteout(tree, tree->whiteouts.items[i].path, opaque, userdata, error);
    for (size_t i = 0; i < tree->opaques.count && r == 0; i++)
        r = apply_opaque(tree, tree->opaques.items[i].path, opaque, userdata, error);
    for (size_t i = tree->directories.count; i > 0 && r == 0; i--)
        r = set_directory_time(tree, &tree->directories.items[i - 1], error);
    return r;
}
