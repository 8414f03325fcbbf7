/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one way to a path inside a root: whatever links stand there, and whoever moves them meanwhile, it ends inside. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/beneath.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char directory[] = "/tmp/berth-test-resolve.XXXXXX";
static int base_fd = -EBADF, root_fd = -EBADF;

/* Opens and closes; 0 or -errno. */
static int try_open(const char *path, int flags)
{
    _cleanup_close_ int fd = resolve_open(root_fd, path, flags);

    return MIN(fd, 0);
}

static bool is_at(int fd, int dir_fd, const char *path)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(dir_fd, path, &b, 0) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void links_end_inside(void)
{
    static const char *const links[][2] = {{"absolute", "/etc/file"},
                                           {"climbing", "../../../../etc/file"},
                                           {"chain", "absolute"},
                                           {"etc/back", "../etc/file"},
                                           {"etc/up", "../../../../../etc/file"}};

    ASSERT_OK(mkdirat(root_fd, "etc", 0755));
    ASSERT_OK(file_write_atomic_at(root_fd, "inside", "x", 1, 0644, 0));
    _cleanup_close_ int etc_fd = openat(root_fd, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_OK(file_write_atomic_at(etc_fd, "file", "inside", 6, 0644, 0));
    for (size_t i = 0; i < ELEMENTSOF(links); i++) {
        _cleanup_close_ int fd = -EBADF;

        ASSERT_OK(symlinkat(links[i][1], root_fd, links[i][0]));
        fd = resolve_open(root_fd, links[i][0], O_RDONLY);
        if (fd < 0 || !is_at(fd, root_fd, "etc/file"))
            TEST_FAIL("%s -> %s: %d", links[i][0], links[i][1], fd);
        ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    _cleanup_close_ int up = resolve_open(root_fd, "../../..", O_PATH),
                        absolute = resolve_open(root_fd, "/etc/file", O_PATH);
    ASSERT_TRUE(is_at(up, root_fd, "."));
    ASSERT_TRUE(is_at(absolute, root_fd, "etc/file"));
    ASSERT_ERROR(try_open("missing", O_PATH), ENOENT);
}

/* A link of procfs is no path: it would lead out of any root. */
static void magic_links_are_refused(void)
{
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = resolve_open(proc_fd, "self/root/etc", O_PATH),
                        cwd = resolve_open(proc_fd, "self/cwd", O_PATH);

    ASSERT_ERROR(fd, ELOOP);
    ASSERT_ERROR(cwd, ELOOP);
}

static void makes_what_is_missing(void)
{
    _cleanup_close_ int fd = -EBADF, again = -EBADF, file = -EBADF, root = -EBADF;
    int none = -4711;

    umask(022);
    ASSERT_OK(resolve_make(root_fd, "/a/b//c/", RESOLVE_DIRECTORY, &fd));
    ASSERT_TRUE(is_at(fd, root_fd, "a/b/c"));
    ASSERT_OK(resolve_make(root_fd, "a/b/c", RESOLVE_DIRECTORY, &again));
    ASSERT_TRUE(is_at(again, root_fd, "a/b/c"));
    ASSERT_OK(resolve_make(root_fd, "/a/f/file", RESOLVE_FILE, &file));
    ASSERT_TRUE(is_at(file, root_fd, "a/f/file"));
    ASSERT_OK(resolve_make(root_fd, "/", RESOLVE_DIRECTORY, &root));
    ASSERT_TRUE(is_at(root, root_fd, "."));
    ASSERT_ERROR(resolve_make(root_fd, "/a/f/file", RESOLVE_DIRECTORY, &none), ENOTDIR);
    ASSERT_ERROR(resolve_make(root_fd, "/a/b", RESOLVE_FILE, &none), EISDIR);
    ASSERT_ERROR(resolve_make(root_fd, "/a/f/file/below", RESOLVE_DIRECTORY, &none), ENOTDIR);
    ASSERT_EQ(none, -4711);
}

static void makes_through_links_but_inside(void)
{
    _cleanup_close_ int fd = -EBADF;
    int none = -4711;

    ASSERT_OK(mkdirat(base_fd, "outside", 0755));
    ASSERT_OK(symlinkat("../outside", root_fd, "out"));
    ASSERT_OK(symlinkat("/var", root_fd, "run"));
    ASSERT_OK(mkdirat(root_fd, "var", 0755));
    ASSERT_OK(resolve_make(root_fd, "/run/deep/er", RESOLVE_DIRECTORY, &fd));
    ASSERT_TRUE(is_at(fd, root_fd, "var/deep/er"));
    /* "../outside" of the root is "/outside", which is not there: a dangling link is not filled in. */
    ASSERT_ERROR(resolve_make(root_fd, "/out", RESOLVE_DIRECTORY, &none), ENOENT);
    ASSERT_TRUE(resolve_make(root_fd, "/out/x", RESOLVE_DIRECTORY, &none) < 0);
    ASSERT_TRUE(resolve_make(root_fd, "/out/file", RESOLVE_FILE, &none) < 0);
    ASSERT_TRUE(faccessat(base_fd, "outside/x", F_OK, 0) < 0);
    ASSERT_TRUE(faccessat(base_fd, "outside/file", F_OK, 0) < 0);
    ASSERT_TRUE(resolve_make(root_fd, "..", RESOLVE_FILE, &none) < 0);
    ASSERT_TRUE(resolve_make(root_fd, "/x/..", RESOLVE_FILE, &none) < 0);
    ASSERT_EQ(none, -4711);
}

static void plain_directories_follow_nothing(void)
{
    static const char *const paths[] = {"/run", "/run/x", "/out", "/absolute", "/a/f/file"};
    _cleanup_close_ int fd = -EBADF;
    int none = -4711;

    ASSERT_OK(resolve_make_plain_directory(root_fd, "/proc", &fd));
    ASSERT_TRUE(is_at(fd, root_fd, "proc"));
    for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
        int r = resolve_make_plain_directory(root_fd, paths[i], &none);

        if (r != -ELOOP && r != -ENOTDIR)
            TEST_FAIL("%s: %d", paths[i], r);
    }
    ASSERT_EQ(none, -4711);
}

static void endless_paths(void)
{
    char path[6000];
    int none = -4711;

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    ASSERT_ERROR(resolve_make(root_fd, path, RESOLVE_DIRECTORY, &none), ENAMETOOLONG);
    for (size_t i = 0; i < sizeof(path) - 1; i += 2)
        path[i] = '/';
    ASSERT_ERROR(resolve_make(root_fd, path, RESOLVE_DIRECTORY, &none), ENAMETOOLONG);
    ASSERT_ERROR(resolve_make(root_fd, "", RESOLVE_DIRECTORY, &none), ENOENT);
}

/* Somebody swaps a directory and a link to the outside as fast as it goes. Whatever is made is made inside. */
static void a_race_stays_inside(void)
{
    unsigned made = 0;
    pid_t pid;

    ASSERT_OK(mkdirat(root_fd, "swap", 0755));
    ASSERT_OK(symlinkat("../outside", root_fd, "swap-link"));
    pid = fork();
    if (pid == 0)
        for (;;)
            (void) renameat2(root_fd, "swap", root_fd, "swap-link", RENAME_EXCHANGE);
    for (unsigned i = 0; i < 10000; i++) {
        char path[64];
        int fd = -EBADF;

        snprintf(path, sizeof(path), "/swap/d%u", i);
        if (resolve_make(root_fd, path, i % 2 ? RESOLVE_DIRECTORY : RESOLVE_FILE, &fd) == 0)
            made++;
        safe_close(fd);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ASSERT_TRUE(made > 0);
    /* Empty, still. */
    ASSERT_OK(unlinkat(base_fd, "outside", AT_REMOVEDIR));
}

static void beneath_is_an_error_to_leave(void)
{
    _cleanup_close_ int inside = beneath_open(root_fd, "etc/back", O_PATH), self = beneath_open(root_fd, ".", O_PATH);

    ASSERT_TRUE(is_at(inside, root_fd, "etc/file"));
    ASSERT_TRUE(is_at(self, root_fd, "."));
    ASSERT_ERROR(beneath_open(root_fd, "absolute", O_PATH), EXDEV);
    ASSERT_ERROR(beneath_open(root_fd, "climbing", O_PATH), EXDEV);
    ASSERT_ERROR(beneath_open(root_fd, "/etc/file", O_PATH), EXDEV);
    ASSERT_ERROR(beneath_open(root_fd, "..", O_PATH), EXDEV);
}

int main(void)
{
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    base_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(base_fd, "root", 0755) < 0)
        return EXIT_FAILURE;
    root_fd = openat(base_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    TEST_RUN(links_end_inside);
    TEST_RUN(magic_links_are_refused);
    TEST_RUN(makes_what_is_missing);
    TEST_RUN(makes_through_links_but_inside);
    TEST_RUN(plain_directories_follow_nothing);
    TEST_RUN(endless_paths);
    TEST_RUN(a_race_stays_inside);
    TEST_RUN(beneath_is_an_error_to_leave);
    close(root_fd);
    close(base_fd);
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
