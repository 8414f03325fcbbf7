/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive that is unpacked into a directory that is in use, without the confinement: what it makes must stay in
 * there, no link that was there before is followed, and no device node is made. */
#include "fuzz-tree.h"

#include "importer/stream.h"

#include <signal.h>
#include <sys/resource.h>

static int ignore(const char *text, void *userdata)
{
    return 0;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rlimit limit = {1 << 20, 1 << 20};
    _cleanup_close_ int fd = fuzz_open_input(data, size), tree_fd = -EBADF;
    int base_fd = fuzz_open_base();
    struct stat st;

    if (fd < 0)
        return 0;
    (void) signal(SIGXFSZ, SIG_IGN);
    (void) setrlimit(RLIMIT_FSIZE, &limit);
    tree_fd = fuzz_make_tree(base_fd);
    FUZZ_ASSERT(symlinkat("../canary", tree_fd, "link") == 0 && symlinkat("/", tree_fd, "root") == 0);
    unpack(fd, tree_fd);
    FUZZ_ASSERT(fstatat(tree_fd, "device", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)));
    fuzz_finish_tree(base_fd, tree_fd);
    return 0;
}
