/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of procfs is one: nothing that was mounted over it is taken for it, and no other file system for procfs. */
#include "../test.h"

#include "base/cleanup.h"
#include "kernel/mount.h"
#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>

static int try_open(int proc_fd, const char *name, int flags)
{
    _cleanup_close_ int fd = procfs_open_at(proc_fd, name, flags);

    return MIN(fd, 0);
}

static void files_of_procfs_are_opened(void)
{
    _cleanup_close_ int proc_fd = procfs_open();

    ASSERT_TRUE(proc_fd >= 0);
    ASSERT_OK(try_open(proc_fd, "self/status", O_RDONLY));
    ASSERT_OK(try_open(proc_fd, "thread-self/attr/current", O_RDONLY));
    ASSERT_OK(try_open(proc_fd, "sys/kernel/hostname", O_RDONLY));
    ASSERT_EQ(try_open(proc_fd, "self/nothing", O_RDONLY), -ENOENT);
}

static void magic_links_are_not_followed(void)
{
    _cleanup_close_ int proc_fd = procfs_open();

    ASSERT_EQ(try_open(proc_fd, "self/exe", O_RDONLY), -ELOOP);
    ASSERT_EQ(try_open(proc_fd, "self/root/etc/passwd", O_RDONLY), -ELOOP);
    ASSERT_EQ(try_open(proc_fd, "self/cwd/file", O_RDONLY), -ELOOP);
}

static void other_file_systems_are_refused(void)
{
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    ASSERT_EQ(try_open(root_fd, "tmp", O_PATH), -EXDEV);
}

/* As a container might have it: a harmless file of the same procfs over the one that is to be written. */
static void what_covers_a_file_is_refused(void)
{
    _cleanup_close_ int proc_fd = -EBADF, target_fd = -EBADF, cover_fd = -EBADF;

    if (unshare(CLONE_NEWNS) < 0) {
        printf("# needs root: not looked at\n");
        return;
    }
    ASSERT_OK(mount_set_propagation("/", 1 << 18 /* MS_PRIVATE */));
    proc_fd = procfs_open();
    target_fd = procfs_open_at(proc_fd, "sys/kernel/domainname", O_PATH);
    ASSERT_TRUE(target_fd >= 0);
    cover_fd = mount_clone(proc_fd, "sys/kernel/hostname", false);
    ASSERT_TRUE(cover_fd >= 0);
    ASSERT_OK(mount_attach(cover_fd, target_fd));
    ASSERT_EQ(try_open(proc_fd, "sys/kernel/domainname", O_WRONLY), -EXDEV);
    ASSERT_OK(try_open(proc_fd, "sys/kernel/hostname", O_RDONLY));
}

int main(void)
{
    TEST_RUN(files_of_procfs_are_opened);
    TEST_RUN(magic_links_are_not_followed);
    TEST_RUN(other_file_systems_are_refused);
    TEST_RUN(what_covers_a_file_is_refused);
    return test_finish();
}
