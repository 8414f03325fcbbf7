/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int program_open(const char *folder, const char *name, Error *error)
{
    _cleanup_free_ char *built = BERTH_BUILD_DIR[0] ? text_format("%s/%s/%s", BERTH_BUILD_DIR, folder, name) : NULL;
    _cleanup_free_ char *installed = text_format("%s/%s", BERTH_LIBEXEC_DIR, name);
    int fd = built ? open(built, O_PATH | O_CLOEXEC) : -1;

    if (!installed)
        return -ENOMEM;
    if (fd < 0)
        fd = open(installed, O_PATH | O_CLOEXEC);
    return fd >= 0 ? fd
                   : error_hint(error, error_set(error, -errno, "cannot find %s: %s", installed, strerror(errno)),
                                "is berth installed completely?");
}

/* A file in memory: who reads it cannot be kept waiting, nor keep us. */
static int memory_file(const char *name, const void *data, size_t size)
{
    _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);
    int r = fd < 0 ? -errno : file_write_all(fd, data, size);

    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    return r < 0 ? r : TAKE_FD(fd);
}

static int spawn(const ProgramFilter *filter, const int fds[3], pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    for (int i = 0; i < 3 && r == 0; i++)
        if (fds[i] >= 0)
            r = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (r == 0)
        r = posix_spawnp(ret, filter->argv[0], &actions, NULL, (char *const *) (uintptr_t) filter->argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* The last line, without its end. */
static void read_complaint(const ProgramFilter *filter, int fd)
{
    char text[4096];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    char *line;

    text[n > 0 ? n : 0] = 0;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = 0;
    line = strrchr(text, '\n');
    (void) snprintf(filter->complaint, filter->complaint_size, "%s", line ? line + 1 : text);
}

int program_filter(const ProgramFilter *filter, char **ret, size_t *ret_size)
{
    _cleanup_close_ int input_fd = memory_file("input", filter->input, filter->input_size), read_fd = -EBADF,
                        write_fd = -EBADF, complaint_fd = -EBADF;
    _cleanup_free_ char *output = malloc(filter->output_max + 2);
    int pipe_fds[2], status = 0, r;
    ssize_t n;
    pid_t pid = 0;

    if (input_fd < 0 || !output)
        return input_fd < 0 ? input_fd : -ENOMEM;
    if (filter->complaint && (complaint_fd = memory_file("complaint", "", 0)) < 0)
        return complaint_fd;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = spawn(filter, (const int[]){input_fd, write_fd, complaint_fd}, &pid);
    if (r < 0)
        return r;
    write_fd = safe_close(write_fd);
    n = file_read_all(read_fd, output, filter->output_max + 1);
    read_fd = safe_close(read_fd);
    while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    r = r < 0 ? -errno : n < 0 ? (int) n : (size_t) n > filter->output_max ? -EFBIG : 0;
    if (r < 0) {
        explicit_bzero(output, filter->output_max + 1);
        return r;
    }
    if (complaint_fd >= 0)
        read_complaint(filter, complaint_fd);
    output[n] = 0;
    *ret = TAKE_PTR(output);
    *ret_size = (size_t) n;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
