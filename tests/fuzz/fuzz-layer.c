/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A layer blob from the first byte to the tree, without the confinement: what it makes must stay in its
 * directory, so the canary beside it must not change. Needs a directory to write to (TMPDIR, best a tmpfs);
 * as root it also makes device nodes there. */
#include "fuzz-tree.h"

#include "importer/layer.h"

static const LayerLimits limits = {
    .inflate = {.slack_bytes = 1 << 20, .ratio = 20},
    .entries_max = 1000,
    .file_max_bytes = 1 << 20,
};

static int ignore(const char *text, void *userdata)
{
    return 0;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_close_ int blob_fd = fuzz_open_input(data, size), plain_fd = memfd_create("plain", MFD_CLOEXEC);
    _cleanup_close_ int tree_fd = -EBADF;
    int base_fd = fuzz_open_base();

    if (blob_fd < 0 || plain_fd < 0)
        return 0;
    tree_fd = fuzz_make_tree(base_fd);
    unpack(blob_fd, plain_fd, tree_fd);
    fuzz_finish_tree(base_fd, tree_fd);
    return 0;
}
