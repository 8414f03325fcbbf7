/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/log-file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PATH_ROOM 160

/* A colon is in no container's name: no other container's log can be meant. */
static void format_path(char path[PATH_ROOM], const char *name, unsigned number)
{
    if (number == 0)
        snprintf(path, PATH_ROOM, "logs/%s", name);
    else
        snprintf(path, PATH_ROOM, "logs/%s:%u", name, number);
}

/* The oldest one goes, the others move up, and a new file takes the name. Who reads an older one has it open and reads it
 * to its end. */
static int rotate(LogFile *file)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    int fd;

    for (unsigned i = file->max_files; i > 1; i--) {
        format_path(from, file->name, i - 2);
        format_path(to, file->name, i - 1);
        if (renameat(file->directory_fd, from, file->directory_fd, to) < 0 && errno != ENOENT)
            return -errno;
    }
    format_path(from, file->name, 0);
    (void) unlinkat(file->directory_fd, from, 0); /* of one file alone */
    fd = openat(file->directory_fd, from, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    safe_close(file->fd);
    file->fd = fd;
    file->size_bytes = 0;
    file->is_torn = false;
    return 0;
}

int log_file_append(LogFile *file, const struct iovec *parts, size_t count)
{
    struct iovec all[8];
    size_t size = 0, n = 0;
    ssize_t written;

    /* What comes after half a record begins a line of its own, so that only the half one is lost. */
    if (file->is_torn)
        all[n++] = (struct iovec){(void *) (uintptr_t) "\n", 1};
    for (size_t i = 0; i < count && n < ELEMENTSOF(all); i++)
        all[n++] = parts[i];
    for (size_t i = 0; i < n; i++)
        size += all[i].iov_len;
    if (file->max_bytes > 0 && file->size_bytes > 0 && file->size_bytes + size > file->max_bytes) {
        int r = rotate(file);

        /* A file that cannot be replaced does not grow past its size either. */
        return r < 0 ? r : log_file_append(file, parts, count);
    }
    do
        written = writev(file->fd, all, (int) n);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    file->size_bytes += (uint64_t) written;
    file->is_torn = (size_t) written < size;
    return file->is_torn ? -ENOSPC : 0;
}

void log_file_remove(int run_fd, const char *name, unsigned max_files)
{
    char path[PATH_ROOM];

    for (unsigned i = 0; i < MAX(max_files, 1U); i++) {
        format_path(path, name, i);
        (void) unlinkat(run_fd, path, 0);
    }
}
