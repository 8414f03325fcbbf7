/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive that is unpacked into a directory that is in use, without the confinement: what it makes must stay in
 * there, no link that was there before is followed, and no device node is made. */
#include "base/file.h"
#include "importer/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int ignore(const char *text, void *userdata)
{
    return 0;
}

static char path[256];

static void remove_base(void)
{
    (void) file_remove_tree_at(AT_FDCWD, path);
}

/* Made once: the directory that the trees are made in. */
static int base_directory(void)
{
    static int fd = -EBADF;
    const char *parent = getenv("TMPDIR");

    if (fd >= 0)
        return fd;
    (void) setlocale(LC_CTYPE, "C.UTF-8");
    snprintf(path, sizeof(path), "%s/berth-fuzz-stream.XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(path))
        abort();
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(fd, "canary", 0700) < 0 || atexit(remove_base) != 0)
        abort();
    return fd;
}

static void unpack(int fd, int tree_fd)
{
    const IdShift owner = {.uid = geteuid(), .gid = getegid()};
    _cleanup_error_ Error error = {};
    _cleanup_tree_ Tree *tree = NULL;

    if (tree_new(tree_fd, TREE_LIVE | TREE_REPLACE, &tree) < 0)
        abort();
    (void) stream_read(fd, tree, &owner, false, ignore, NULL, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rlimit limit = {1 << 20, 1 << 20};
    _cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC), tree_fd = -EBADF;
    int base_fd = base_directory();
    struct stat st;

    if (fd < 0 || file_write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return 0;
    (void) signal(SIGXFSZ, SIG_IGN);
    (void) setrlimit(RLIMIT_FSIZE, &limit);
    if (mkdirat(base_fd, "tree", 0700) < 0 || symlinkat("../canary", base_fd, "tree/link") < 0 ||
        symlinkat("/", base_fd, "tree/root") < 0)
        abort();
    tree_fd = openat(base_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unpack(fd, tree_fd);
    if (fstatat(base_fd, "canary", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) || st.st_nlink != 2 ||
        (st.st_mode & 07777) != 0700 || faccessat(base_fd, "canary/new", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        abort();
    if (fstatat(tree_fd, "device", &st, AT_SYMLINK_NOFOLLOW) == 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
        abort();
    (void) fchmod(tree_fd, 0700);
    if (file_remove_tree_at(base_fd, "tree") < 0)
        abort();
    return 0;
}
