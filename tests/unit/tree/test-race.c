/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* THREATS C1, C4, C6: a process exchanges directories and files with links that lead out of the root, as fast as it can,
 * while files are read and made there, without the confinement that keeps a copy inside anyway. 10,000 rounds in each
 * direction; nothing outside may be read or changed.
 *
 * Seen to fail when RESOLVE_RULE of kernel/resolve.c is 0 (test_read, test_write), when O_NOFOLLOW is left out of
 * open_place() in tree/walk.c (test_walk), and when PLAIN_RULE of kernel/beneath.c is 0 (test_tree). */
#include "base/file.h"
#include "tree/content.h"
#include "tree/copy.h"
#include "tree/walk.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ROUNDS 10000
#define SECRET "what is outside"

static char base[64];
static int base_fd, root_fd;
static pid_t racer;

static int exchange(const char *a, const char *b)
{
    return (int) syscall(SYS_renameat2, root_fd, a, root_fd, b, RENAME_EXCHANGE);
}

static void make_file(int dir_fd, const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || file_write_all(fd, text, strlen(text)) < 0)
        abort();
}

/* root/dir and root/link, root/deep/dir and root/deep/link, root/deep/file and root/deep/to-secret. */
static void set_up(void)
{
    char canary[96], secret[128];

    snprintf(base, sizeof(base), "/tmp/berth-race.XXXXXX");
    if (!mkdtemp(base))
        abort();
    base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(canary, sizeof(canary), "%s/canary", base);
    snprintf(secret, sizeof(secret), "%s/canary/file", base);
    if (mkdirat(base_fd, "canary", 0700) < 0 || mkdirat(base_fd, "root", 0755) < 0 || mkdirat(base_fd, "out", 0755) < 0)
        abort();
    make_file(base_fd, "canary/file", SECRET);
    root_fd = openat(base_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(root_fd, "dir", 0755) < 0 || mkdirat(root_fd, "deep", 0755) < 0 ||
        mkdirat(root_fd, "deep/dir", 0755) < 0 || symlinkat(canary, root_fd, "link") < 0 ||
        symlinkat("../../canary", root_fd, "deep/link") < 0 || symlinkat(secret, root_fd, "deep/to-secret") < 0)
        abort();
    make_file(root_fd, "dir/file", "inside");
    make_file(root_fd, "deep/dir/file", "inside");
    make_file(root_fd, "deep/file", "inside");
    racer = fork();
    if (racer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            (void) exchange("dir", "link");
            (void) exchange("deep/dir", "deep/link");
            (void) exchange("deep/file", "deep/to-secret");
        }
    }
}

static void tear_down(void)
{
    (void) kill(racer, SIGKILL);
    (void) waitpid(racer, NULL, 0);
    (void) file_remove_tree_at(AT_FDCWD, base);
}

/* 0 what is inside, 1 the secret, -errno. */
static int read_kind(int fd)
{
    char text[64] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    return n < 0 ? -errno : strstr(text, SECRET) != NULL;
}

static bool canary_is_untouched(void)
{
    _cleanup_close_ int fd = openat(base_fd, "canary/file", O_RDONLY), dir_fd = openat(base_fd, "canary", O_RDONLY);
    struct stat st;

    return read_kind(fd) == 1 && fstat(dir_fd, &st) == 0 && st.st_mode == (S_IFDIR | 0700) &&
           faccessat(base_fd, "canary/new", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static void test_read(void)
{
    static const char *const paths[] = {"dir/file", "deep/dir/file", "deep/../deep/dir/../dir/file", "deep/file"};
    unsigned seen = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (walk_open(root_fd, paths[i % 4], i & 4, &fd, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        seen++;
        ASSERT_EQ(read_kind(fd), 0);
    }
    ASSERT_TRUE(seen > 0);
}

static int look(const WalkEntry *entry, void *userdata, Error *error)
{
    unsigned *seen = userdata;

    if (!S_ISREG(entry->st->st_mode))
        return 0;
    (*seen)++;
    return read_kind(entry->fd) == 1 ? -EPERM : 0;
}

static void test_walk(void)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        _cleanup_error_ Error error = {};
        struct stat st;
        int r;

        ASSERT_OK(fstat(root_fd, &st));
        r = walk_from(root_fd, &st, look, &seen, &error);
        if (r < 0 && r != -EAGAIN)
            TEST_FAIL("round %u: %s", i, error.text ? error.text : strerror(-r));
    }
    ASSERT_TRUE(seen > 0);
}

static int make_new(const char *path)
{
    _cleanup_copy_target_ CopyTarget target = {.base_fd = -EBADF};
    _cleanup_tree_ Tree *tree = NULL;
    _cleanup_close_ int fd = -EBADF;
    TreeEntry entry = {.mode = S_IFREG | 0644, .uid = geteuid(), .gid = getegid()};
    CopyPlace to = {root_fd, path};
    unsigned skipped = 0;
    int r = copy_find_target(&to, "new", false, 0, &target, NULL);

    if (r == 0)
        r = tree_new(target.base_fd, TREE_LIVE | TREE_REPLACE, &tree);
    entry.path = target.prefix;
    if (r == 0)
        r = tree_begin_file(tree, &entry, &fd, NULL);
    return r < 0 ? r : tree_finish_file(tree, &entry, fd, &skipped, NULL);
}

static void test_write(void)
{
    static const char *const paths[] = {"dir", "deep/dir/new", "deep/dir/../dir", "dir/new"};
    unsigned made = 0;

    for (unsigned i = 0; i < ROUNDS; i++)
        made += make_new(paths[i % 4]) == 0;
    ASSERT_TRUE(made > 0);
    ASSERT_TRUE(canary_is_untouched());
}

/* Entries of a tree, below directories that were made, or found, a moment before. */
static void test_tree(void)
{
    unsigned made = 0, skipped = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        _cleanup_tree_ Tree *tree = NULL;
        _cleanup_close_ int fd = -EBADF;
        const TreeEntry directory = {
            .path = i & 1 ? "dir" : "deep/dir", .mode = S_IFDIR | 0755, .uid = geteuid(), .gid = getegid()};
        const TreeEntry file = {
            .path = i & 1 ? "dir/new" : "deep/dir/new", .mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid()};
        const char *link = i & 1 ? "link" : "deep/link";
        struct stat st;
        int r = tree_new(root_fd, TREE_LIVE | TREE_REPLACE | TREE_SET_EXISTING, &tree);

        /* The other process may not get to run for long on a busy machine. */
        if (fstatat(root_fd, directory.path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            (void) exchange(directory.path, link);
        if (r == 0)
            r = tree_add_directory(tree, &directory, &skipped, NULL);
        /* What the other process must hit by chance, every other time by force. */
        if (r == 0 && i & 2)
            (void) exchange(directory.path, link);
        if (r == 0)
            r = tree_begin_file(tree, &file, &fd, NULL);
        if (r == 0)
            r = tree_finish_file(tree, &file, fd, &skipped, NULL);
        if (r == 0)
            r = tree_finish(tree, NULL, NULL, NULL);
        made += r == 0;
    }
    ASSERT_TRUE(made > 0);
    ASSERT_TRUE(canary_is_untouched());
}

int main(void)
{
    set_up();
    TEST_RUN(test_read);
    TEST_RUN(test_walk);
    TEST_RUN(test_write);
    TEST_RUN(test_tree);
    tear_down();
    return test_finish();
}
