/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of ours: what is no regular file neither blocks nor is read, a write is whole or not there, and removing a
 * tree removes that tree. */
#include "base/file.h"
#include "base/text.h"

#include "../test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char directory[] = "/tmp/berth-test-file.XXXXXX";
static int base_fd = -EBADF;

static int put(const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(base_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    return fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
}

static size_t entries(const char *name)
{
    int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fdopendir(fd);
    size_t count = 0;

    if (!stream)
        return 0;
    while (readdir(stream))
        count++;
    closedir(stream);
    return count - 2;
}

static bool exists(const char *name)
{
    return faccessat(base_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void reads_up_to_the_cap(void)
{
    _cleanup_free_ char *text = NULL, *empty = NULL, *none = NULL, *proc = NULL;
    size_t size = 0;

    ASSERT_OK(put("ten", "0123456789"));
    ASSERT_OK(put("empty", ""));
    ASSERT_OK(file_read_at(base_fd, "ten", 10, &text, &size));
    ASSERT_STREQ(text, "0123456789");
    ASSERT_EQ(size, 10);
    ASSERT_ERROR(file_read_at(base_fd, "ten", 9, &none, &size), EFBIG);
    ASSERT_NULL(none);
    ASSERT_EQ(size, 10);
    ASSERT_OK(file_read_at(base_fd, "empty", 0, &empty, &size));
    ASSERT_STREQ(empty, "");
    ASSERT_EQ(size, 0);
    ASSERT_ERROR(file_read_at(base_fd, "missing", 10, &none, NULL), ENOENT);
    /* The kernel's files say that they are empty: the cap counts what is read. */
    ASSERT_OK(file_read_at(AT_FDCWD, "/proc/self/status", 1 << 20, &proc, NULL));
    ASSERT_CONTAINS(proc, "Uid:");
    ASSERT_ERROR(file_read_at(AT_FDCWD, "/proc/self/status", 100, &none, NULL), EFBIG);
    ASSERT_NULL(none);
}

static void reads_large_files_whole(void)
{
    _cleanup_free_ char *big = malloc(300000), *text = NULL;
    size_t size = 0;

    ASSERT_NOT_NULL(big);
    for (size_t i = 0; i < 300000; i++)
        big[i] = (char) ('a' + i % 23);
    ASSERT_OK(file_write_atomic_at(base_fd, "big", big, 300000, 0600, 0));
    ASSERT_OK(file_read_at(base_fd, "big", 300000, &text, &size));
    ASSERT_EQ(size, 300000);
    ASSERT_TRUE(memcmp(text, big, size) == 0);
    ASSERT_EQ(text[size], 0);
}

static void what_is_no_file_is_refused(void)
{
    _cleanup_close_ int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *none = NULL;

    /* A FIFO without a writer would block for ever: the alarm ends the test then. */
    alarm(20);
    ASSERT_OK(mkfifoat(base_fd, "fifo", 0600));
    ASSERT_ERROR(file_read_at(base_fd, "fifo", 10, &none, NULL), ENOTSUP);
    ASSERT_OK(mkdirat(base_fd, "dir", 0700));
    ASSERT_ERROR(file_read_at(base_fd, "dir", 10, &none, NULL), EISDIR);
    ASSERT_ERROR(file_read_at(AT_FDCWD, "/dev/zero", 10, &none, NULL), ENOTSUP);
    ASSERT_OK(symlinkat("ten", base_fd, "link"));
    ASSERT_ERROR(file_read_at(base_fd, "link", 10, &none, NULL), ELOOP);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
    ASSERT_OK(bind(socket_fd, (struct sockaddr *) &address, sizeof(address)));
    ASSERT_ERROR(file_read_at(base_fd, "socket", 10, &none, NULL), ENXIO);
    ASSERT_NULL(none);
    alarm(0);
}

static void writes_replace(void)
{
    _cleanup_free_ char *text = NULL;
    size_t before = entries(".");
    struct stat st;

    ASSERT_OK(file_write_atomic_at(base_fd, "state", "one", 3, 0640, 0));
    ASSERT_OK(file_write_atomic_at(base_fd, "state", "two", 3, 0600, FILE_WRITE_DURABLE));
    ASSERT_OK(file_read_at(base_fd, "state", 10, &text, NULL));
    ASSERT_STREQ(text, "two");
    ASSERT_OK(fstatat(base_fd, "state", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0600);
    ASSERT_EQ(entries("."), before + 1);
}

static void mode_is_exact(void)
{
    struct stat st;
    mode_t saved = umask(077);

    ASSERT_OK(file_write_atomic_at(base_fd, "public", "x", 1, 0644, 0));
    umask(saved);
    ASSERT_OK(fstatat(base_fd, "public", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0644);
}

static void exclusive_never_replaces(void)
{
    _cleanup_free_ char *text = NULL;
    size_t before;

    ASSERT_OK(file_write_atomic_at(base_fd, "once", "one", 3, 0600, FILE_WRITE_EXCLUSIVE));
    before = entries(".");
    ASSERT_ERROR(file_write_atomic_at(base_fd, "once", "two", 3, 0600, FILE_WRITE_EXCLUSIVE), EEXIST);
    ASSERT_ERROR(file_write_atomic_at(base_fd, "link", "two", 3, 0600, FILE_WRITE_EXCLUSIVE), EEXIST);
    ASSERT_EQ(entries("."), before);
    ASSERT_OK(file_read_at(base_fd, "once", 10, &text, NULL));
    ASSERT_STREQ(text, "one");
}

static void existing_never_creates(void)
{
    _cleanup_free_ char *text = NULL;
    size_t before = entries(".");

    ASSERT_ERROR(file_write_atomic_at(base_fd, "gone", "x", 1, 0600, FILE_WRITE_EXISTING), ENOENT);
    ASSERT_FALSE(exists("gone"));
    ASSERT_EQ(entries("."), before);
    ASSERT_OK(file_write_atomic_at(base_fd, "once", "three", 5, 0600, FILE_WRITE_EXISTING));
    ASSERT_EQ(entries("."), before);
    ASSERT_OK(file_read_at(base_fd, "once", 10, &text, NULL));
    ASSERT_STREQ(text, "three");
}

static void a_link_is_replaced_not_followed(void)
{
    _cleanup_free_ char *text = NULL, *target = NULL;

    ASSERT_OK(put("target", "untouched"));
    ASSERT_OK(symlinkat("target", base_fd, "to-target"));
    ASSERT_OK(file_write_atomic_at(base_fd, "to-target", "new", 3, 0600, 0));
    ASSERT_OK(file_read_at(base_fd, "to-target", 10, &text, NULL));
    ASSERT_STREQ(text, "new");
    ASSERT_OK(file_read_at(base_fd, "target", 10, &target, NULL));
    ASSERT_STREQ(target, "untouched");
}

static void a_full_disk_leaves_nothing(void)
{
    size_t before = entries(".");
    _cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    if (full >= 0)
        ASSERT_ERROR(file_write_all(full, "x", 1), ENOSPC);
    /* The commit fails: a directory stands under the name. */
    ASSERT_OK(mkdirat(base_fd, "taken", 0700));
    ASSERT_ERROR(file_write_atomic_at(base_fd, "taken", "x", 1, 0600, 0), EISDIR);
    ASSERT_EQ(entries("."), before + 1);
}

/* Many writers, one reader: it sees one of the texts, whole. */
static void readers_see_whole_texts(void)
{
    pid_t pid;
    int status = 0;

    ASSERT_OK(file_write_atomic_at(base_fd, "raced", "aaaaaaaaaaaaaaaa", 16, 0600, 0));
    pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < 300; i++)
            if (file_write_atomic_at(base_fd, "raced", i % 2 ? "aaaaaaaaaaaaaaaa" : "bbbbbbbbbbbbbbbbbbbb",
                                     i % 2 ? 16 : 20, 0600, i % 3 ? 0 : FILE_WRITE_EXISTING) < 0)
                _exit(1);
        _exit(0);
    }
    for (unsigned i = 0; i < 300; i++) {
        _cleanup_free_ char *text = NULL;

        if (file_read_at(base_fd, "raced", 100, &text, NULL) != 0 ||
            (strcmp(text, "aaaaaaaaaaaaaaaa") != 0 && strcmp(text, "bbbbbbbbbbbbbbbbbbbb") != 0))
            TEST_FAIL("read '%s'", text);
    }
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
}

static void reads_all_over_short_reads(void)
{
    char data[64] = "";
    int fds[2];
    pid_t pid;

    ASSERT_OK(pipe(fds));
    pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < 10; i++) {
            (void) !write(fds[1], "abc", 3);
            usleep(1000);
        }
        _exit(0);
    }
    close(fds[1]);
    ASSERT_EQ(file_read_all(fds[0], data, 20), 20);
    ASSERT_EQ(file_read_all(fds[0], data, sizeof(data)), 10);
    close(fds[0]);
    waitpid(pid, NULL, 0);
}

static void opens_directories(void)
{
    _cleanup_free_ char *path = text_format("%s//made/./below/", directory);
    _cleanup_close_ int fd = -EBADF, absolute = -EBADF;
    int none = -4711;
    struct stat st;

    ASSERT_ERROR(file_open_directory_at(base_fd, "made/below", false, 0700, &none), ENOENT);
    ASSERT_EQ(none, -4711);
    ASSERT_OK(file_open_directory_at(base_fd, "made/below", true, 0700, &fd));
    ASSERT_OK(fstatat(base_fd, "made", &st, 0));
    ASSERT_EQ(st.st_mode & 07777, 0700);
    ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ASSERT_OK(mkdirat(fd, "usable", 0700));
    ASSERT_OK(file_open_directory_at(-EBADF, path, false, 0700, &absolute));
    ASSERT_TRUE(faccessat(absolute, "usable", F_OK, 0) == 0);
    ASSERT_ERROR(file_open_directory_at(base_fd, "ten/below", true, 0700, &none), ENOTDIR);
    ASSERT_OK(symlinkat("nowhere", base_fd, "dangling"));
    ASSERT_TRUE(file_open_directory_at(base_fd, "dangling", true, 0700, &none) < 0);
    ASSERT_FALSE(exists("nowhere"));
}

static void removes_trees_not_what_links_name(void)
{
    ASSERT_OK(mkdirat(base_fd, "outside", 0700));
    ASSERT_OK(put("outside/canary", "x"));
    ASSERT_OK(mkdirat(base_fd, "tree", 0700));
    ASSERT_OK(mkdirat(base_fd, "tree/a", 0500));
    ASSERT_OK(mkdirat(base_fd, "tree/b", 0700));
    ASSERT_OK(put("tree/b/.hidden", "x"));
    ASSERT_OK(mkfifoat(base_fd, "tree/b/fifo", 0600));
    ASSERT_OK(symlinkat("../../outside", base_fd, "tree/b/link"));
    ASSERT_OK(symlinkat("../outside/canary", base_fd, "tree/file-link"));
    ASSERT_OK(symlinkat("/", base_fd, "tree/root"));
    ASSERT_OK(file_remove_tree_at(base_fd, "tree"));
    ASSERT_FALSE(exists("tree"));
    ASSERT_TRUE(exists("outside/canary"));

    /* The name itself may be a link, a file or nothing. */
    ASSERT_OK(symlinkat("outside", base_fd, "to-outside"));
    ASSERT_OK(file_remove_tree_at(base_fd, "to-outside"));
    ASSERT_FALSE(exists("to-outside"));
    ASSERT_TRUE(exists("outside/canary"));
    ASSERT_OK(put("plain", "x"));
    ASSERT_OK(file_remove_tree_at(base_fd, "plain"));
    ASSERT_FALSE(exists("plain"));
    ASSERT_OK(file_remove_tree_at(base_fd, "plain"));
}

static int make_deep(const char *name, unsigned depth)
{
    int fd = dup(base_fd);

    for (unsigned i = 0; i < depth && fd >= 0; i++) {
        const char *part = i == 0 ? name : "d";
        int next;

        if (mkdirat(fd, part, 0700) < 0)
            break;
        next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void removes_wide_and_deep_trees(void)
{
    ASSERT_OK(mkdirat(base_fd, "wide", 0700));
    for (unsigned i = 0; i < 2000; i++) {
        _cleanup_free_ char *name = text_format("wide/%u", i);

        ASSERT_OK(i % 2 ? mkdirat(base_fd, name, 0700) : put(name, ""));
    }
    ASSERT_OK(file_remove_tree_at(base_fd, "wide"));
    ASSERT_FALSE(exists("wide"));
    /* Deeper than a process has files and a stack has room. */
    for (unsigned depth = 40; depth < 2000; depth *= 6) {
        ASSERT_OK(make_deep("deep", depth));
        ASSERT_OK(file_remove_tree_at(base_fd, "deep"));
        ASSERT_FALSE(exists("deep"));
    }
    /* The names that deep directories get at the top may be there already. */
    ASSERT_OK(make_deep("deep", 200));
    ASSERT_OK(mkdirat(base_fd, "deep/.#deep-0", 0700));
    ASSERT_OK(put("deep/.#deep-0/file", ""));
    ASSERT_OK(put("deep/.#deep-1", ""));
    ASSERT_OK(file_remove_tree_at(base_fd, "deep"));
    ASSERT_FALSE(exists("deep"));
}

/* In a mount namespace of its own, where there may be one: what is mounted in the tree is not ours to remove. */
static int remove_tree_with_a_mount(void)
{
    _cleanup_close_ int mounted_fd = -EBADF;
    int r;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || fchdir(base_fd) < 0 ||
        mkdirat(base_fd, "mounted", 0700) < 0 || mkdirat(base_fd, "mounted/there", 0700) < 0 ||
        mount("tmpfs", "mounted/there", "tmpfs", 0, NULL) < 0 || put("mounted/there/canary", "x") < 0)
        return 77;
    mounted_fd = openat(base_fd, "mounted/there", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = file_remove_tree_at(base_fd, "mounted");
    if (r != -EBUSY && r != -EXDEV)
        return 1;
    return faccessat(mounted_fd, "canary", F_OK, 0) == 0 ? 0 : 2;
}

static void stays_on_its_file_system(void)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0)
        _exit(remove_tree_with_a_mount());
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        printf("# no mount namespace here: not tried\n");
    else
        ASSERT_EQ(status, 0);
    ASSERT_OK(file_remove_tree_at(base_fd, "mounted"));
}

int main(void)
{
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    base_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    TEST_RUN(reads_up_to_the_cap);
    TEST_RUN(reads_large_files_whole);
    TEST_RUN(what_is_no_file_is_refused);
    TEST_RUN(writes_replace);
    TEST_RUN(mode_is_exact);
    TEST_RUN(exclusive_never_replaces);
    TEST_RUN(existing_never_creates);
    TEST_RUN(a_link_is_replaced_not_followed);
    TEST_RUN(a_full_disk_leaves_nothing);
    TEST_RUN(readers_see_whole_texts);
    TEST_RUN(reads_all_over_short_reads);
    TEST_RUN(opens_directories);
    TEST_RUN(removes_trees_not_what_links_name);
    TEST_RUN(removes_wide_and_deep_trees);
    TEST_RUN(stays_on_its_file_system);
    close(base_fd);
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
