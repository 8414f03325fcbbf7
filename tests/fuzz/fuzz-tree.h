/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the directory in which what a fuzz target unpacks becomes a tree, and the canary beside it, which must not change.
 * Never does: unpack.
 * Runs in: the fuzz programs. Needs a directory to write to (TMPDIR, best a tmpfs). */

#include "fuzz.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char fuzz_base_path[256];

static void fuzz_remove_base(void)
{
    (void) file_remove_tree_at(AT_FDCWD, fuzz_base_path);
}

/* Made once: the directory that the trees are made in. */
static int fuzz_open_base(void)
{
    static int fd = -EBADF;
    const char *parent = getenv("TMPDIR");

    if (fd >= 0)
        return fd;
    (void) setlocale(LC_CTYPE, "C.UTF-8");
    snprintf(fuzz_base_path, sizeof(fuzz_base_path), "%s/berth-fuzz.XXXXXX", parent ? parent : "/tmp");
    FUZZ_ASSERT(mkdtemp(fuzz_base_path));
    fd = open(fuzz_base_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FUZZ_ASSERT(mkdirat(fd, "canary", 0700) == 0 && atexit(fuzz_remove_base) == 0);
    return fd;
}

/* An empty directory "tree" in the base. */
static int fuzz_make_tree(int base_fd)
{
    FUZZ_ASSERT(mkdirat(base_fd, "tree", 0700) == 0);
    return openat(base_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Nothing got out of the tree, which goes. */
static void fuzz_finish_tree(int base_fd, int tree_fd)
{
    struct stat st;

    FUZZ_ASSERT(fstatat(base_fd, "canary", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode));
    FUZZ_ASSERT(st.st_nlink == 2 && (st.st_mode & 07777) == 0700);
    FUZZ_ASSERT(faccessat(base_fd, "canary/new", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
    (void) fchmod(tree_fd, 0700);
    FUZZ_ASSERT(file_remove_tree_at(base_fd, "tree") == 0);
}

/* The input as a file that is read from its beginning; -EBADF when there is no room for it. */
static int fuzz_open_input(const uint8_t *data, size_t size)
{
    _cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd < 0 || file_write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return -EBADF;
    return TAKE_FD(fd);
}
