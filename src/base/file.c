/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include "base/strv.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

int file_read_fd(int fd, size_t max_bytes, char **ret, size_t *ret_size)
{
    _cleanup_free_ char *data = NULL;
    size_t size = 0, room = 0;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
    if ((uint64_t) st.st_size > max_bytes)
        return -EFBIG;

    /* Files of /proc and /sys say 0, and a file may grow while it is read: the cap counts what was read. */
    room = (size_t) st.st_size + 1;
    for (;;) {
        ssize_t n;

        if (size + 1 >= room || !data) {
            char *larger = NULL;

            room = data ? room * 2 : MAX(room + 1, 512U);
            larger = realloc(data, room);
            if (!larger)
                return -ENOMEM;
            data = larger;
        }
        n = read(fd, data + size, room - size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t) n;
        if (size > max_bytes)
            return -EFBIG;
    }
    data[size] = 0;
    *ret = TAKE_PTR(data);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int file_read_at(int dir_fd, const char *path, size_t max_bytes, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    return file_read_fd(fd, max_bytes, ret, ret_size);
}

int file_write_all(int fd, const void *data, size_t size)
{
    const char *cursor = data;

    while (size > 0) {
        ssize_t n = write(fd, cursor, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        cursor += n;
        size -= (size_t) n;
    }
    return 0;
}

ssize_t file_read_all(int fd, void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, (char *) data + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t) n;
    }
    return (ssize_t) done;
}

/* Commits the temporary file under its name; the caller unlinks it when this fails. */
static int commit(int dir_fd, int fd, const char *temporary, const char *name, FileWriteFlags flags)
{
    if ((flags & FILE_WRITE_DURABLE) && fsync(fd) < 0)
        return -errno;
    if (flags & FILE_WRITE_EXCLUSIVE) {
        if (linkat(dir_fd, temporary, dir_fd, name, 0) < 0)
            return -errno;
        if (unlinkat(dir_fd, temporary, 0) < 0)
            return -errno;
    } else if (flags & FILE_WRITE_EXISTING) {
        if (syscall(SYS_renameat2, dir_fd, temporary, dir_fd, name, 1U << 1 /* RENAME_EXCHANGE */) < 0)
            return -errno;
        if (unlinkat(dir_fd, temporary, 0) < 0)
            return -errno;
    } else if (renameat(dir_fd, temporary, dir_fd, name) < 0)
        return -errno;
    if ((flags & FILE_WRITE_DURABLE) && fsync(dir_fd) < 0)
        return -errno;
    return 0;
}

int file_write_atomic_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode, FileWriteFlags flags)
{
    _cleanup_free_ char *temporary = NULL;
    _cleanup_close_ int fd = -EBADF;
    uint64_t number = 0;
    int r;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
        number = (uint64_t) getpid();
    /* A leading ".#" so that readers of the directory skip it. */
    temporary = text_format(".#%s.%016llx", name, (unsigned long long) number);
    if (!temporary)
        return -ENOMEM;
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;

    r = file_write_all(fd, data, size);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0)
        r = commit(dir_fd, fd, temporary, name, flags);
    if (r < 0)
        (void) unlinkat(dir_fd, temporary, 0);
    return r;
}

/* ".#NAME.0123456789abcdef" */
int file_list_at(int dir_fd, const char *path, bool (*wants)(const char *name), char ***ret)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int r = 0;

    if (!directory) {
        r = -errno;
        safe_close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(directory)))
        if (wants ? wants(entry->d_name) : entry->d_name[0] != '.')
            r = strv_append(ret, entry->d_name);
    closedir(directory);
    strv_sort(*ret);
    return r;
}

static bool is_temporary(const char *name)
{
    const char *number = strrchr(name, '.');

    return strncmp(name, ".#", 2) == 0 && number && strlen(number) == 17 &&
           strspn(number + 1, "0123456789abcdef") == 16;
}

void file_sweep_temporary_at(int dir_fd, unsigned age_sec)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat st;

    if (!directory) {
        safe_close(fd);
        return;
    }
    while ((entry = readdir(directory)))
        if (is_temporary(entry->d_name) && fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > (time_t) age_sec)
            (void) unlinkat(dir_fd, entry->d_name, 0);
    closedir(directory);
}

int file_open_directory_at(int dir_fd, const char *path, bool create, mode_t mode, int *ret_fd)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *copy = NULL;
    char *state = NULL;

    /* As a rule it is there; what is missing is made part by part. */
    if (fd >= 0) {
        *ret_fd = TAKE_FD(fd);
        return 0;
    }
    if (errno != ENOENT || !create)
        return -errno;
    copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    fd = openat(dir_fd, path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (char *part = strtok_r(copy, "/", &state); part; part = strtok_r(NULL, "/", &state)) {
        /* musl leaves NULL behind the last part. */
        const char *more = state ? state + strspn(state, "/") : "";
        /* Links are followed on the way (/var/run, /home on another disk): above our own directories the host's
         * administrator decides. */
        int next = openat(fd, part, (*more ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC);

        if (next < 0 && errno == ENOENT) {
            if (mkdirat(fd, part, mode) < 0 && errno != EEXIST)
                return -errno;
            next = openat(fd, part, (*more ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        }
        if (next < 0)
            return -errno;
        safe_close(fd);
        fd = next;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Levels that are held open at once. What lies deeper is first moved to the top: the maker of a tree can nest it deeper than
 * the stack or the files of a process reach. */
#define REMOVE_DEPTH_MAX 48

typedef struct Removal {
    int top_fd; /* the tree's own directory; -EBADF until it is open */
    dev_t device;
    unsigned moved;
} Removal;

static int remove_contents(Removal *removal, int dir_fd, unsigned depth);

/* The name in the top directory is free, or another one is tried. */
static int move_to_top(Removal *removal, int dir_fd, const char *name)
{
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        char moved[32];

        snprintf(moved, sizeof(moved), ".#deep-%u", removal->moved++);
        if (renameat(dir_fd, name, removal->top_fd, moved) == 0)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return -errno;
    }
    return -EEXIST;
}

static int remove_entry(Removal *removal, int dir_fd, const char *name, unsigned depth)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r;

    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM && errno != ENOTEMPTY)
        return -errno;
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;

    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_dev != removal->device)
        return -EXDEV;
    if (depth >= REMOVE_DEPTH_MAX)
        return move_to_top(removal, dir_fd, name);
    if (depth == 0)
        removal->top_fd = fd;
    r = remove_contents(removal, TAKE_FD(fd), depth + 1);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && r == 0)
        r = -errno;
    return r;
}

/* Takes the fd. */
static int remove_contents(Removal *removal, int dir_fd, unsigned depth)
{
    DIR *directory = fdopendir(dir_fd);
    struct dirent *entry;
    int first = 0;

    if (!directory) {
        close(dir_fd);
        return -errno;
    }
    while ((entry = readdir(directory))) {
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        r = remove_entry(removal, dirfd(directory), entry->d_name, depth);
        if (r < 0 && first == 0)
            first = r;
    }
    closedir(directory);
    return first;
}

int file_remove_tree_at(int dir_fd, const char *name)
{
    unsigned moved = 0;
    struct stat st;
    int r;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    /* Once more for as long as deep directories come to the top. */
    do {
        Removal removal = {.top_fd = -EBADF, .device = st.st_dev, .moved = moved};

        r = remove_entry(&removal, dir_fd, name, 0);
        if (removal.moved == moved)
            break;
        moved = removal.moved;
    } while (r < 0);
    return r;
}
