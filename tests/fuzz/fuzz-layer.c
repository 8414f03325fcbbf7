/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A layer blob from the first byte to the tree, without the confinement: what it makes must stay in its
 * directory, so the canary beside it must not change. Needs a directory to write to (TMPDIR, best a tmpfs);
 * as root it also makes device nodes there. */
#include "base/file.h"
#include "importer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const LayerLimits limits = {
    .inflate = {.slack_bytes = 1 << 20, .ratio = 20},
    .entries_max = 1000,
    .file_max_bytes = 1 << 20,
};

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
    snprintf(path, sizeof(path), "%s/berth-fuzz-layer.XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(path))
        abort();
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(fd, "canary", 0700) < 0 || atexit(remove_base) != 0)
        abort();
    return fd;
}

static void unpack(int blob_fd, int plain_fd, int tree_fd)
{
    const LayerEvents events = {ignore, ignore, NULL};
    _cleanup_error_ Error error = {};
    UnpackResult unpacked;
    StreamResult stream;

    if (layer_stream(blob_fd, plain_fd, -EBADF, &limits, &stream, &error) < 0)
        return;
    if (lseek(plain_fd, 0, SEEK_SET) != 0)
        abort();
    (void) layer_unpack(plain_fd, tree_fd, &limits, &events, &unpacked, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_close_ int blob_fd = memfd_create("blob", MFD_CLOEXEC), plain_fd = memfd_create("plain", MFD_CLOEXEC);
    _cleanup_close_ int tree_fd = -EBADF;
    int base_fd = base_directory();
    struct stat st;

    if (blob_fd < 0 || plain_fd < 0 || file_write_all(blob_fd, data, size) < 0 || lseek(blob_fd, 0, SEEK_SET) != 0)
        return 0;
    if (mkdirat(base_fd, "tree", 0700) < 0)
        abort();
    tree_fd = openat(base_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unpack(blob_fd, plain_fd, tree_fd);
    if (fstatat(base_fd, "canary", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) || st.st_nlink != 2 ||
        (st.st_mode & 07777) != 0700)
        abort();
    (void) fchmod(tree_fd, 0700);
    if (file_remove_tree_at(base_fd, "tree") < 0)
        abort();
    return 0;
}
