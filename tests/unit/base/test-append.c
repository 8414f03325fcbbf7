/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of many writers: none lost or torn below the largest size, never more than two files of it. */
#include "../test.h"

#include "base/append.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char directory[] = "/tmp/berth-test-XXXXXX";
static int directory_fd = -1;

static void size_is_limited(void)
{
    char record[32];
    struct stat st;

    for (int i = 0; i < 100; i++) {
        int n = snprintf(record, sizeof(record), "record %03d\n", i); /* 11 bytes */

        ASSERT_OK(append_record_at(directory_fd, "log", record, (size_t) n, 110));
    }
    ASSERT_OK(fstatat(directory_fd, "log", &st, 0));
    ASSERT_EQ(st.st_size, 110);
    ASSERT_EQ(st.st_mode & 0777, 0600);
    ASSERT_OK(fstatat(directory_fd, "log:1", &st, 0));
    ASSERT_EQ(st.st_size, 110);
    ASSERT_EQ(append_record_at(directory_fd, "log", record, sizeof(record), 10), -EMSGSIZE);
}

static void writers_do_not_tear(void)
{
    _cleanup_free_ char *text = NULL;
    unsigned counts[4] = {};
    size_t size = 0;

    for (int writer = 0; writer < 4; writer++)
        if (fork() == 0) {
            char record[64];

            for (int i = 0; i < 200; i++) {
                int n = snprintf(record, sizeof(record), "writer %d wrote this record\n", writer);
                if (append_record_at(directory_fd, "many", record, (size_t) n, 1 << 20) < 0)
                    _exit(1);
            }
            _exit(0);
        }
    for (int writer = 0; writer < 4; writer++) {
        int status = -1;

        ASSERT_TRUE(wait(&status) > 0 && status == 0);
    }
    ASSERT_OK(file_read_at(directory_fd, "many", 1 << 20, &text, &size));
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        ASSERT_TRUE(strncmp(line, "writer ", 7) == 0 && strncmp(line + 8, " wrote this record\n", 19) == 0);
        counts[line[7] - '0']++;
    }
    for (int writer = 0; writer < 4; writer++)
        ASSERT_EQ(counts[writer], 200);
}

/* Nor over a change of files, in which every writer takes part. */
static void writers_move_on_together(void)
{
    struct stat st, older;

    for (int writer = 0; writer < 4; writer++)
        if (fork() == 0) {
            for (int i = 0; i < 100; i++)
                if (append_record_at(directory_fd, "moved", "0123456789abcdef", 16, 160) < 0)
                    _exit(1);
            _exit(0);
        }
    for (int writer = 0; writer < 4; writer++) {
        int status = -1;

        ASSERT_TRUE(wait(&status) > 0 && status == 0);
    }
    ASSERT_OK(fstatat(directory_fd, "moved", &st, 0));
    ASSERT_OK(fstatat(directory_fd, "moved:1", &older, 0));
    ASSERT_EQ(st.st_size, 160);
    ASSERT_EQ(older.st_size, 160);
}

int main(void)
{
    if (!mkdtemp(directory))
        return 1;
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    TEST_RUN(size_is_limited);
    TEST_RUN(writers_do_not_tear);
    TEST_RUN(writers_move_on_together);
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
