/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A name is taken as long as one copy of its fd lives, in whatever process, and by one at a time. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int directory_fd = -EBADF;

static void one_at_a_time(void)
{
    _cleanup_close_ int fd = -EBADF, other_fd = -EBADF;

    ASSERT_FALSE(lock_is_taken(directory_fd, "one"));
    ASSERT_OK(lock_take(directory_fd, "one", &fd));
    ASSERT_TRUE(lock_is_taken(directory_fd, "one"));
    ASSERT_EQ(lock_take(directory_fd, "one", &other_fd), -EBUSY);
    ASSERT_EQ(other_fd, -EBADF);
    ASSERT_OK(lock_take(directory_fd, "two", &other_fd));
    fd = safe_close(fd);
    ASSERT_FALSE(lock_is_taken(directory_fd, "one"));
    ASSERT_OK(lock_take(directory_fd, "one", &fd));
}

/* The copy of another process counts, and goes with it. */
static void dies_with_its_holder(void)
{
    _cleanup_close_ int fd = -EBADF;
    pid_t pid;

    ASSERT_OK(lock_take(directory_fd, "held", &fd));
    pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    fd = safe_close(fd);
    ASSERT_TRUE(lock_is_taken(directory_fd, "held"));
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    ASSERT_EQ(waitpid(pid, NULL, 0), pid);
    ASSERT_FALSE(lock_is_taken(directory_fd, "held"));
}

/* A file that was unlinked under its lock is another lock than the one that has the name now. */
static void unlinked_name_is_free(void)
{
    _cleanup_close_ int fd = -EBADF, new_fd = -EBADF;
    struct stat st;

    ASSERT_OK(lock_take(directory_fd, "gone", &fd));
    ASSERT_EQ(unlinkat(directory_fd, "gone", 0), 0);
    ASSERT_FALSE(lock_is_taken(directory_fd, "gone"));
    ASSERT_OK(lock_take(directory_fd, "gone", &new_fd));
    ASSERT_TRUE(lock_is_taken(directory_fd, "gone"));
    ASSERT_EQ(fstat(new_fd, &st), 0);
    ASSERT_EQ(st.st_mode & 07777, 0600);
}

static void no_link_is_followed(void)
{
    int fd = -EBADF;

    ASSERT_EQ(symlinkat("elsewhere", directory_fd, "link"), 0);
    ASSERT_EQ(lock_take(directory_fd, "link", &fd), -ELOOP);
    ASSERT_EQ(faccessat(directory_fd, "elsewhere", F_OK, 0), -1);
}

/* The other kind of lock: shared by those who say so, and nobody's business of flock(2). */
static void records_are_shared_or_not(void)
{
    _cleanup_close_ int one = -EBADF, two = -EBADF, three = -EBADF;

    ASSERT_OK(lock_take_record(directory_fd, "record", true, &one));
    ASSERT_OK(lock_take_record(directory_fd, "record", true, &two));
    ASSERT_EQ(lock_take_record(directory_fd, "record", false, &three), -EBUSY);
    /* The first to go leaves the name to the other. */
    lock_forget_record(directory_fd, "record", one);
    ASSERT_EQ(faccessat(directory_fd, "record", F_OK, 0), 0);
    one = safe_close(one);
    ASSERT_EQ(lock_take_record(directory_fd, "record", false, &three), -EBUSY);
    lock_forget_record(directory_fd, "record", two);
    ASSERT_EQ(faccessat(directory_fd, "record", F_OK, 0), -1);
    two = safe_close(two);
    ASSERT_OK(lock_take_record(directory_fd, "record", false, &three));
    ASSERT_EQ(lock_take_record(directory_fd, "record", true, &one), -EBUSY);
    ASSERT_FALSE(lock_is_taken(directory_fd, "record"));

    /* Forgotten twice, with somebody new in between: his name stays. */
    lock_forget_record(directory_fd, "record", three);
    ASSERT_OK(lock_take_record(directory_fd, "record", false, &one));
    lock_forget_record(directory_fd, "record", three);
    ASSERT_EQ(faccessat(directory_fd, "record", F_OK, 0), 0);
}

static bool is_needed(const char *name, int fd, void *userdata)
{
    struct stat st;

    return strcmp(name, userdata) == 0 && fstat(fd, &st) == 0 && st.st_size == 0;
}

/* One that is new may be about to be locked by who has made it. */
static void what_nobody_holds_is_swept(void)
{
    static const char *const names[] = {"sweep.held", "sweep.left", "sweep.needed", "sweep.new"};
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    int fds[ELEMENTSOF(names)] = {-EBADF, -EBADF, -EBADF, -EBADF};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        ASSERT_OK(lock_take(directory_fd, names[i], &fds[i]));
        if (strcmp(names[i], "sweep.new") != 0)
            ASSERT_OK(futimens(fds[i], old));
        if (i > 0)
            fds[i] = safe_close(fds[i]);
    }
    lock_sweep(directory_fd, 60, is_needed, (void *) "sweep.needed");
    ASSERT_EQ(faccessat(directory_fd, "sweep.held", F_OK, 0), 0);
    ASSERT_EQ(faccessat(directory_fd, "sweep.left", F_OK, 0), -1);
    ASSERT_EQ(faccessat(directory_fd, "sweep.needed", F_OK, 0), 0);
    ASSERT_EQ(faccessat(directory_fd, "sweep.new", F_OK, 0), 0);
    safe_close(fds[0]);
}

int main(void)
{
    char directory[] = "/tmp/berth-test-lock.XXXXXX";

    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    TEST_RUN(one_at_a_time);
    TEST_RUN(dies_with_its_holder);
    TEST_RUN(unlinked_name_is_free);
    TEST_RUN(no_link_is_followed);
    TEST_RUN(records_are_shared_or_not);
    TEST_RUN(what_nobody_holds_is_swept);
    close(directory_fd);
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
