/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes in a sealed memory file are there for good, and one that its sender could still change is refused. */
#include "kernel/memfd.h"

#include "base/cleanup.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void sealed_for_good(void)
{
    _cleanup_close_ int fd = memfd_create_sealed("test", "bytes", 5);
    const void *data = NULL;
    size_t size = 0;

    ASSERT_TRUE(fd >= 0);
    ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    ASSERT_EQ(pwrite(fd, "x", 1, 0), -1);
    ASSERT_EQ(errno, EPERM);
    ASSERT_EQ(ftruncate(fd, 1), -1);
    ASSERT_EQ(ftruncate(fd, 4096), -1);
    ASSERT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    ASSERT_TRUE(mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    ASSERT_OK(memfd_map_sealed(fd, &data, &size));
    ASSERT_EQ(size, 5U);
    ASSERT_TRUE(memcmp(data, "bytes", 5) == 0);
    ASSERT_OK(munmap((void *) (uintptr_t) data, size));
}

/* Each seal alone is not enough, nor is a file that has none. */
static void a_missing_seal_is_refused(void)
{
    static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
                                F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW};

    for (size_t i = 0; i < ELEMENTSOF(seals); i++) {
        _cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        const void *data = NULL;
        size_t size = 7;

        ASSERT_EQ(write(fd, "bytes", 5), 5);
        ASSERT_OK(fcntl(fd, F_ADD_SEALS, seals[i]));
        ASSERT_ERROR(memfd_map_sealed(fd, &data, &size), EPERM);
        ASSERT_NULL(data);
        ASSERT_EQ(size, 7U);
    }
}

static void what_is_no_such_file(void)
{
    _cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int empty_fd = memfd_create_sealed("test", "", 0);
    const void *data = NULL;
    size_t size = 0;

    ASSERT_TRUE(memfd_map_sealed(null_fd, &data, &size) < 0);
    ASSERT_ERROR(memfd_map_sealed(-EBADF, &data, &size), EBADF);
    ASSERT_ERROR(memfd_map_sealed(empty_fd, &data, &size), ENODATA);
}

int main(void)
{
    TEST_RUN(sealed_for_good);
    TEST_RUN(a_missing_seal_is_refused);
    TEST_RUN(what_is_no_such_file);
    return test_finish();
}
