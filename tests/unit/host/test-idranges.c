/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of ids: nobody gets one that somebody has, whoever dies how, and none is lost. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "host/idranges.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A pool of 16 ranges, small enough to be filled. */
#define POOL       "berth:1048576:1048576\n"
#define POOL_FIRST 1048576U
#define POOL_COUNT 16U

static IdRanges ranges = {.locks_fd = -EBADF, .run_fd = -EBADF, .registry_fd = -EBADF, .subuid = POOL};
static char place[] = "/tmp/berth-test-idranges.XXXXXX";

static void begin(void)
{
    int top;

    (void) file_remove_tree_at(AT_FDCWD, place);
    ASSERT_EQ(mkdir(place, 0700), 0);
    top = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    safe_close(ranges.locks_fd);
    safe_close(ranges.run_fd);
    ASSERT_OK(file_open_directory_at(top, "locks", true, 0755, &ranges.locks_fd));
    ASSERT_OK(file_open_directory_at(top, "run", true, 0700, &ranges.run_fd));
    ASSERT_EQ(mkdirat(ranges.run_fd, "ranges", 0700), 0);
    ASSERT_EQ(mkdirat(ranges.run_fd, "machines", 0700), 0);
    safe_close(top);
    ranges.subuid = POOL;
    ranges.subgid = NULL;
}

static bool is_of_pool(uint32_t base)
{
    return base >= POOL_FIRST && base < POOL_FIRST + POOL_COUNT * IDRANGES_SIZE && base % IDRANGES_SIZE == 0;
}

static void claims(void)
{
    static const struct {
        const char *text;
        uint32_t base;
        bool is_claimed;
    } rows[] = {
        {NULL, 524288, false},
        {"", 524288, false},
        {"joe:100000:65536\nann:165536:65536\n", 524288, false},
        {"joe:100000:65536\n", 131072, true},
        {"joe:524288:1\n", 524288, true},
        {"joe:589823:1\n", 524288, true},
        {"joe:589824:1\n", 524288, false},
        {"joe:524287:1\n", 524288, false},
        {"joe:524287:2\n", 524288, true},
        {"a:1:1\nb:2:2\nc:600000:9999999", 655360, true},
        {"joe:0:4294967295\n", 1878982656, true},
        {"berth:524288:65536\n", 524288, false},
        {"#joe:524288:65536\n", 524288, false},
        {"joe:524288\n:::\njoe:x:65536\njoe:524288:-1\njoe 524288 65536\n", 524288, false},
        {"joe:524288:0\n", 524288, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (idranges_is_claimed(rows[i].text, rows[i].base) != rows[i].is_claimed)
            TEST_FAIL("row %zu, '%s'", i, rows[i].text);
}

static void pools(void)
{
    static const struct {
        const char *text;
        uint32_t first, count;
    } rows[] = {
        {NULL, IDRANGES_FIRST, 28664},
        {"joe:100000:65536\n", IDRANGES_FIRST, 28664},
        {POOL, POOL_FIRST, POOL_COUNT},
        {"joe:1:2\nberth:1000000:200000\n", 1048576, 2},
        {"berth:1000000:65536\n", IDRANGES_FIRST, 28664},
        {"berth:0:131072\n", 65536, 1},
        {"berth:0:4294967295\n", 65536, 65534},
        {"berth:4294901760:65535\n", IDRANGES_FIRST, 28664},
        {"berth:4294967295:4294967295\n", IDRANGES_FIRST, 28664},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint32_t first = 0, count = 0;

        idranges_pool(rows[i].text, &first, &count);
        if (first != rows[i].first || count != rows[i].count)
            TEST_FAIL("row %zu: %u ranges from %u", i, count, first);
        /* Never the host's own users, never the id that is none. */
        ASSERT_TRUE(first >= IDRANGES_SIZE && (uint64_t) first + (uint64_t) count * IDRANGES_SIZE <= UINT32_MAX);
    }
}

/* The pool is filled to the last range, each once, and is as large again afterwards. */
static void fill_the_pool(void)
{
    for (int round = 0; round < 3; round++) {
        int fds[POOL_COUNT], more = -EBADF;
        bool seen[POOL_COUNT] = {};
        uint32_t base = 0;

        for (unsigned i = 0; i < POOL_COUNT; i++) {
            char name[16];

            snprintf(name, sizeof(name), "c%u", i);
            ASSERT_OK(idranges_take(&ranges, name, &base, &fds[i]));
            ASSERT_TRUE(is_of_pool(base));
            ASSERT_FALSE(seen[(base - POOL_FIRST) / IDRANGES_SIZE]);
            seen[(base - POOL_FIRST) / IDRANGES_SIZE] = true;
        }
        ASSERT_EQ(idranges_take(&ranges, "one-more", &base, &more), -EBUSY);
        ASSERT_EQ(more, -EBADF);
        for (unsigned i = 0; i < POOL_COUNT; i++)
            safe_close(fds[i]);
    }
}

static void all_and_no_more(void)
{
    begin();
    fill_the_pool();
}

static void a_name_keeps_its_range(void)
{
    uint32_t first = 0, second = 0, third = 0, probed = 0;
    int fd = -EBADF, other = -EBADF;

    begin();
    ASSERT_OK(idranges_take(&ranges, "web", &probed, NULL));
    ASSERT_OK(idranges_take(&ranges, "web", &first, &fd));
    ASSERT_EQ(first, probed);
    ASSERT_OK(idranges_take(&ranges, "web", &second, &other));
    ASSERT_TRUE(second != first);
    safe_close(fd);
    ASSERT_OK(idranges_take(&ranges, "web", &third, &fd));
    ASSERT_EQ(third, first);
    safe_close(fd);
    safe_close(other);
}

/* systemd-nspawn's: an open file description's lock on a file that is named by the number. */
static void those_of_nspawn_are_left_alone(void)
{
    uint32_t base = 0, other = 0;
    int fd = -EBADF;

    begin();
    ASSERT_OK(idranges_take(&ranges, "web", &base, NULL));
    {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        char number[16];
        _cleanup_close_ int theirs = -EBADF;

        snprintf(number, sizeof(number), "%u", base);
        theirs = openat(ranges.locks_fd, number, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        ASSERT_EQ(fcntl(theirs, F_OFD_SETLK, &lock), 0);
        ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
        ASSERT_TRUE(other != base);
        safe_close(fd);
    }
    /* And ours are visible to it. */
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_EQ(other, base);
    {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        char number[16];
        _cleanup_close_ int theirs = -EBADF;

        snprintf(number, sizeof(number), "%u", base);
        theirs = openat(ranges.locks_fd, number, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        ASSERT_EQ(fcntl(theirs, F_OFD_SETLK, &lock), -1);
        ASSERT_EQ(errno, EAGAIN);
    }
    safe_close(fd);
}

/* systemd-nsresourced takes no lock; it has a file for each range that it gave away. */
static void those_of_nsresourced_are_left_alone(void)
{
    uint32_t base = 0, other = 0;
    char name[32];
    int fd = -EBADF;

    begin();
    ASSERT_OK(file_open_directory_at(ranges.run_fd, "registry", true, 0700, &ranges.registry_fd));
    ASSERT_OK(idranges_take(&ranges, "web", &base, NULL));
    snprintf(name, sizeof(name), "u%u.userns", base);
    safe_close(openat(ranges.registry_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600));
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_TRUE(other != base);
    safe_close(fd);
    ASSERT_EQ(unlinkat(ranges.registry_fd, name, 0), 0);
    ASSERT_OK(idranges_take(&ranges, "web", &other, NULL));
    ASSERT_EQ(other, base);
    ranges.registry_fd = safe_close(ranges.registry_fd);
}

/* A lease that outlives its lock counts as long as there is a state file of its container, and not longer. */
static void leases(void)
{
    uint32_t base = 0, other = 0;
    char path[64];
    int fd = -EBADF;

    begin();
    ASSERT_OK(idranges_take(&ranges, "web", &base, NULL));
    snprintf(path, sizeof(path), "ranges/%u", base);
    ASSERT_EQ(symlinkat("old", ranges.run_fd, path), 0);
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_EQ(other, base);
    safe_close(fd);
    ASSERT_EQ(mknodat(ranges.run_fd, "machines/old", S_IFREG | 0600, 0), 0);
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_TRUE(other != base);
    safe_close(fd);
    ASSERT_EQ(unlinkat(ranges.run_fd, path, 0), 0);
    /* What is no name of a container is no lease. */
    ASSERT_EQ(symlinkat("../machines/old", ranges.run_fd, path), 0);
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_EQ(other, base);
    safe_close(fd);
}

static void claimed_ranges_are_left_alone(void)
{
    uint32_t base = 0;

    begin();
    ranges.subuid = POOL "joe:1048576:983040\n"; /* all but the last */
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof(name), "c%d", i);
        ASSERT_OK(idranges_take(&ranges, name, &base, NULL));
        ASSERT_EQ(base, POOL_FIRST + 15 * IDRANGES_SIZE);
    }
    ranges.subgid = "ann:2031616:1\n";
    ASSERT_EQ(idranges_take(&ranges, "web", &base, NULL), -EBUSY);
}

/* One who says which range shares it with others who do; who takes what is free does not get it. */
static void shared_ranges(void)
{
    uint32_t base = 0, other = 0;
    int one = -EBADF, two = -EBADF, fd = -EBADF;

    begin();
    ASSERT_OK(idranges_take(&ranges, "web", &base, NULL));
    ASSERT_OK(idranges_share(&ranges, base, &one));
    ASSERT_OK(idranges_share(&ranges, base, &two));
    ASSERT_OK(idranges_take(&ranges, "web", &other, &fd));
    ASSERT_TRUE(other != base);
    ASSERT_EQ(idranges_share(&ranges, other, &(int){0}), -EBUSY);
    idranges_forget(&ranges, other, fd);
    safe_close(fd);
    idranges_forget(&ranges, base, one);
    safe_close(one);
    ASSERT_EQ(idranges_share(&ranges, base, &one), 0);
    safe_close(one);
    safe_close(two);
}

/* Processes that take, hold and are killed, at random: at no moment do two have the same range. Each writes its pid into the
 * lock's file while it holds it, and looks whether it stays. */
static void hold_one(unsigned number)
{
    char name[16], text[16], seen[16] = "";
    uint32_t base = 0;
    int fd = -EBADF, length;

    snprintf(name, sizeof(name), "c%u", number % 5);
    if (idranges_take(&ranges, name, &base, &fd) != 0)
        _exit(2);
    length = snprintf(text, sizeof(text), "%d", (int) getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t) length, 0) != length)
        _exit(3);
    usleep(number % 7 * 300);
    if (pread(fd, seen, sizeof(seen) - 1, 0) != length || strcmp(text, seen) != 0)
        _exit(4);
    if (number % 3 == 0)
        kill(getpid(), SIGKILL);
    if (number % 3 == 1)
        idranges_forget(&ranges, base, fd);
    _exit(0);
}

static void many_at_once(void)
{
    unsigned killed = 0, ended = 0;

    begin();
    for (unsigned i = 0; i < 600;) {
        unsigned running = 0;
        int status = 0;

        for (; running < 12 && i < 600; running++, i++)
            if (fork() == 0)
                hold_one(i);
        while (running-- > 0) {
            ASSERT_TRUE(wait(&status) > 0);
            if (WIFSIGNALED(status))
                killed++;
            else if (WEXITSTATUS(status) != 0)
                TEST_FAIL("a holder ended with %d", WEXITSTATUS(status));
            else
                ended++;
        }
    }
    ASSERT_EQ(killed, 200);
    ASSERT_EQ(ended, 400);
    /* After 200 of them were killed, all are free. */
    fill_the_pool();
}

int main(void)
{
    if (!mkdtemp(place))
        TEST_SKIP_ALL("no temporary directory");
    TEST_RUN(claims);
    TEST_RUN(pools);
    TEST_RUN(all_and_no_more);
    TEST_RUN(a_name_keeps_its_range);
    TEST_RUN(those_of_nspawn_are_left_alone);
    TEST_RUN(those_of_nsresourced_are_left_alone);
    TEST_RUN(leases);
    TEST_RUN(claimed_ranges_are_left_alone);
    TEST_RUN(shared_ranges);
    TEST_RUN(many_at_once);
    (void) file_remove_tree_at(AT_FDCWD, place);
    return test_finish();
}
