/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/line-files.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define FOLLOW_POLL_MS 1000

struct LineFiles {
    int dir_fd;
    const char *name;
    int fds[LINE_FILES_MAX + 1]; /* oldest first */
    size_t count;
    char *data; /* what is read and not given out yet */
    size_t size, room;
    uint64_t damaged;
};

void line_files_close(LineFiles *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        safe_close(files->fds[i]);
    free(files->data);
    free(files);
}

static bool is_same_file(int a, int b)
{
    struct stat st_a, st_b;

    return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

static int open_part(const LineFiles *files, unsigned number)
{
    char name[TEXT_NAME_MAX + 16];

    snprintf(name, sizeof(name), number ? "%s:%u" : "%s", files->name, number);
    return openat(files->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* All parts, oldest first. Opened newest first: a file that moves up meanwhile is seen twice, and left out once, but none
 * is missed. */
static size_t open_parts(const LineFiles *files, int fds[LINE_FILES_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; i < LINE_FILES_MAX; i++) {
        int fd = open_part(files, i);

        if (fd < 0)
            continue;
        if (count > 0 && is_same_file(fd, fds[count - 1])) {
            safe_close(fd);
            continue;
        }
        fds[count++] = fd;
    }
    for (size_t i = 0; i < count / 2; i++) {
        int fd = fds[i];

        fds[i] = fds[count - 1 - i];
        fds[count - 1 - i] = fd;
    }
    return count;
}

int line_files_open(int dir_fd, const char *name, size_t line_max_bytes, LineFiles **ret)
{
    _cleanup_(line_files_closep) LineFiles *files = calloc(1, sizeof(*files));

    if (!files)
        return -ENOMEM;
    files->dir_fd = dir_fd;
    files->name = name;
    files->room = line_max_bytes;
    files->data = malloc(files->room);
    if (!files->data)
        return -ENOMEM;
    files->count = open_parts(files, files->fds);
    if (files->count == 0)
        return -ENODATA;
    *ret = TAKE_PTR(files);
    return 0;
}

static int give_lines(LineFiles *files, LineFunction function, void *userdata)
{
    size_t at = 0;
    int r = 0;

    while (r == 0 && at < files->size) {
        const char *line = files->data + at, *newline = memchr(line, '\n', files->size - at);

        if (!newline)
            break;
        at += (size_t) (newline - line) + 1;
        r = function(line, (size_t) (newline - line), userdata);
    }
    files->size -= at;
    memmove(files->data, files->data + at, files->size);
    if (files->size == files->room) {
        /* Too long. Half of it is kept: something whole may come behind a hole. */
        files->size /= 2;
        memmove(files->data, files->data + files->size, files->size);
    }
    return r;
}

/* From the file's position to its end. */
static int read_part(LineFiles *files, int fd, LineFunction function, void *userdata)
{
    for (;;) {
        ssize_t n = read(fd, files->data + files->size, files->room - files->size);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        files->size += (size_t) n;
        r = give_lines(files, function, userdata);
        if (r != 0)
            return r;
    }
}

/* A line does not go on in another file. */
static void end_part(LineFiles *files)
{
    files->damaged += files->size > 0;
    files->size = 0;
}

int line_files_read(LineFiles *files, LineFunction function, void *userdata)
{
    for (size_t i = 0; i < files->count; i++) {
        int r = read_part(files, files->fds[i], function, userdata);

        if (r != 0)
            return r;
        if (i + 1 < files->count)
            end_part(files);
    }
    return 0;
}

int line_files_rewind(LineFiles *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (lseek(files->fds[i], 0, SEEK_SET) < 0)
            return -errno;
    files->size = 0;
    files->damaged = 0;
    return 0;
}

/* Takes in the files that have come since, behind the one that was the newest. */
static bool find_newer(LineFiles *files)
{
    int fds[LINE_FILES_MAX], current = files->fds[files->count - 1];
    size_t count = open_parts(files, fds), first = 0;

    for (size_t i = 0; i < count; i++)
        if (is_same_file(fds[i], current))
            first = i + 1;
    if (first == count && count > 0) {
        while (count > 0)
            safe_close(fds[--count]);
        return false;
    }
    /* Written faster than it was read: the one that was open has moved out, and others with it. */
    files->damaged += first == 0 && count > 0;
    for (size_t i = 0; i < first; i++)
        safe_close(fds[i]);
    for (size_t i = 0; i + 1 < files->count; i++)
        safe_close(files->fds[i]);
    /* The one that was read so far stays in front: it may have grown before it was left. */
    files->fds[0] = current;
    files->count = 1;
    for (size_t i = first; i < count; i++)
        files->fds[files->count++] = fds[i];
    return count > first;
}

static void watch(int watch_fd, int fd, int *mark)
{
    char path[32];

    if (*mark >= 0)
        (void) inotify_rm_watch(watch_fd, *mark);
    /* By way of the open file: its name may mean another one by now. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *mark = watch_fd < 0 ? -1 : inotify_add_watch(watch_fd, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
}

int line_files_follow(LineFiles *files, int stop_fd, LineFunction function, void (*idle)(void), void *userdata)
{
    _cleanup_close_ int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char events[4096];
    int mark = -1, r = 0;

    watch(watch_fd, files->fds[files->count - 1], &mark);
    while (r == 0) {
        struct pollfd polls[] = {{stop_fd, POLLIN, 0}, {watch_fd, POLLIN, 0}};
        /* Asked before the file is read: a pidfd is readable only after the last write of its process. */
        bool is_last = poll(&polls[0], 1, 0) > 0;

        r = read_part(files, files->fds[files->count - 1], function, userdata);
        if (r == 0 && find_newer(files)) {
            r = line_files_read(files, function, userdata);
            watch(watch_fd, files->fds[files->count - 1], &mark);
            continue;
        }
        if (r != 0 || is_last)
            break;
        idle();
        if (poll(polls, ELEMENTSOF(polls), mark < 0 ? FOLLOW_POLL_MS / 10 : FOLLOW_POLL_MS) < 0 && errno != EINTR)
            return -errno;
        while (watch_fd >= 0 && read(watch_fd, events, sizeof(events)) > 0)
            ;
    }
    return r;
}

uint64_t line_files_damaged(const LineFiles *files)
{
    return files->damaged;
}

bool line_files_is_torn(const LineFiles *files)
{
    return files->size > 0;
}
