/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program only reads is out of memory afterwards and still there; what it wrote stays. */
#include "kernel/memory.h"

#include "base/cleanup.h"

#include "../test.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 64

/* Constants that nothing else uses; a fault next to them does not map the middle. */
static const char constants[PAGES][4096] __attribute__((aligned(4096))) = {[0] = "first", [PAGES / 2] = "middle"};
static char variables[2][4096] = {"written at compile time"};

/* Whether the page is mapped: bit 63 of its entry in /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
static bool is_mapped(const void *address)
{
    _cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry = 0;

    if (pread(fd, &entry, sizeof(entry), (off_t) ((uintptr_t) address / 4096 * sizeof(entry))) != sizeof(entry))
        abort();
    return entry >> 63;
}

static void drops_what_can_be_read_again(void)
{
    const volatile char *middle = constants[PAGES / 2];

    strcpy(variables[1], "written at run time");
    ASSERT_EQ(*middle, 'm');
    ASSERT_TRUE(is_mapped(constants[PAGES / 2]));
    memory_drop_program();
    ASSERT_FALSE(is_mapped(constants[PAGES / 2]));
    ASSERT_EQ(*middle, 'm');
    ASSERT_STREQ(constants[0], "first");
    ASSERT_STREQ(variables[0], "written at compile time");
    ASSERT_STREQ(variables[1], "written at run time");
}

int main(void)
{
    if (sysconf(_SC_PAGESIZE) != 4096)
        TEST_SKIP_ALL("pages of another size");
    TEST_RUN(drops_what_can_be_read_again);
    return test_finish();
}
