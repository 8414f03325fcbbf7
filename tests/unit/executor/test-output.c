/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's output, cut into lines: nothing lost, nothing added, however the bytes arrive. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The only thing that output.c needs of the step loop. */
int context_fd(const Context *context, uint64_t place_plus_one)
{
    return place_plus_one > 0 && place_plus_one <= context->fds_count ? context->fds[place_plus_one - 1] : -EBADF;
}

static Output output;

static int start(void)
{
    static const StepSupervise step = {.log = STEP_LOG_FILE, .log_fd = 1, .name = "web"};
    int fd = memfd_create("log", MFD_CLOEXEC);
    Context context = {.fds = &fd, .fds_count = 1};

    lines_done(&output.streams[0]);
    lines_done(&output.streams[1]);
    memset(&output, 0, sizeof(output));
    if (output_init(&output, &context, &step) < 0)
        abort();
    return fd;
}

/* The records without their times: "stdout F text\n". */
static char *records(int fd)
{
    char *text = NULL, *end;
    size_t size = 0;

    if (lseek(fd, 0, SEEK_SET) != 0 || file_read_fd(fd, 64 << 20, &text, &size) < 0)
        return NULL;
    end = text;
    for (char *line = text; *line;) {
        char *space = strchr(line, ' '), *newline = strchr(line, '\n');

        if (!space || !newline || space > newline || space - line != 30 || line[10] != 'T' || space[-1] != 'Z')
            return free(text), NULL;
        memmove(end, space + 1, (size_t) (newline - space));
        end += newline - space;
        line = newline + 1;
    }
    *end = 0;
    close(fd);
    return text;
}

static void write_text(int stream, const char *text)
{
    output_write(&output, stream, text, strlen(text));
}

static void lines(void)
{
    int fd = start();
    _cleanup_free_ char *seen = NULL;

    write_text(1, "one\ntwo\n\nthr");
    write_text(2, "error\n");
    write_text(1, "ee\nrest");
    output_flush(&output);
    output_flush(&output);
    seen = records(fd);
    ASSERT_STREQ(seen, "stdout F one\nstdout F two\nstdout F \nstderr F error\nstdout F three\nstdout F rest\n");
    ASSERT_EQ(output.dropped, 0);
}

/* The same bytes in pieces of every size give the same records. */
static void pieces(void)
{
    static const char text[] = "a\n\nbc\ndef\n\n\nghij\nlast";
    _cleanup_free_ char *expected = NULL;

    for (size_t piece = sizeof(text); piece > 0; piece--) {
        int fd = start();
        _cleanup_free_ char *seen = NULL;

        for (size_t at = 0; at < sizeof(text) - 1; at += piece)
            output_write(&output, 1, text + at, MIN(piece, sizeof(text) - 1 - at));
        output_flush(&output);
        seen = records(fd);
        if (!expected) {
            expected = TAKE_PTR(seen);
            continue;
        }
        ASSERT_STREQ(seen, expected);
    }
}

/* Around the size of the buffer: a long line comes in parts, the last of which is marked as the end. */
static void long_lines(void)
{
    static const size_t room = LINES_MAX_BYTES;
    static const size_t lengths[] = {0, 1, 2};

    for (size_t i = 0; i < ELEMENTSOF(lengths) * 2; i++) {
        size_t length = room * (1 + i / 3) + lengths[i % 3] - 1;
        _cleanup_free_ char *line = malloc(length + 2), *seen = NULL;
        size_t total = 0, ends = 0, parts = 0;
        int fd = start();

        memset(line, 'x', length);
        memcpy(line + length, "\n", 2);
        output_write(&output, 1, line, length + 1);
        output_flush(&output);
        seen = records(fd);
        ASSERT_NOT_NULL(seen);
        for (char *c = seen; *c; c = strchr(c, '\n') + 1) {
            total += (size_t) (strchr(c, '\n') - c) - 9;
            ends += c[7] == 'F';
            parts += c[7] == 'P';
        }
        ASSERT_EQ(total, length);
        ASSERT_EQ(ends, 1);
        ASSERT_EQ(parts, length > room ? (length - 1) / room : 0);
    }
}

/* A line of the largest size is whole, be its newline in the next read. */
static void newline_arrives_later(void)
{
    static const size_t room = LINES_MAX_BYTES;
    _cleanup_free_ char *line = malloc(room), *seen = NULL;
    int fd = start();

    memset(line, 'x', room);
    output_write(&output, 1, line, room);
    write_text(1, "\nnext\n");
    output_flush(&output);
    seen = records(fd);
    ASSERT_NOT_NULL(seen);
    ASSERT_TRUE(strncmp(seen, "stdout F xxx", 12) == 0);
    ASSERT_STREQ(strchr(seen, '\n'), "\nstdout F next\n");
}

static void priorities(void)
{
    int fd = start();
    _cleanup_free_ char *seen = NULL;

    write_text(1, "<4>careful\n<8>eight\n<3>");
    write_text(2, "<");
    write_text(2, "0>dead\nplain\n");
    output_flush(&output);
    seen = records(fd);
    ASSERT_STREQ(seen, "stdout F:4 careful\nstdout F <8>eight\nstderr F:0 dead\nstderr F plain\nstdout F:3 \n");
}

static void unfinished_long_line_is_ended(void)
{
    static const size_t room = LINES_MAX_BYTES;
    _cleanup_free_ char *line = malloc(room + 1), *seen = NULL;
    int fd = start();

    memset(line, 'x', room + 1);
    output_write(&output, 2, line, room + 1);
    output_flush(&output);
    output_flush(&output);
    seen = records(fd);
    ASSERT_STREQ(strchr(seen, '\n'), "\nstderr F x\n");
}

static void binary_survives(void)
{
    int fd = start();
    _cleanup_free_ char *text = NULL;
    char bytes[255];
    size_t size = 0;

    for (unsigned i = 0, n = 0; i < 256; i++)
        if (i != '\n')
            bytes[n++] = (char) i;
    output_write(&output, 1, bytes, sizeof(bytes));
    output_write(&output, 1, "\n", 1);
    ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
    ASSERT_OK(file_read_fd(fd, 4096, &text, &size));
    close(fd);
    ASSERT_EQ(size, 30 + 1 + 9 + 255 + 1);
    ASSERT_TRUE(memcmp(text + 40, bytes, sizeof(bytes)) == 0);
}

/* What takes nothing costs lines, which are counted, and told of once it takes some again. */
static void lost_lines_are_counted(void)
{
    int fd = start();
    _cleanup_free_ char *seen = NULL;

    output.file.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_TRUE(output.file.fd >= 0);
    write_text(1, "a\nb\nc");
    output_flush(&output);
    close(output.file.fd);
    ASSERT_EQ(output.dropped, 3);
    output.file.fd = fd;
    write_text(1, "d\ne\n");
    seen = records(fd);
    ASSERT_STREQ(seen, "berth L 3\nstdout F d\nstdout F e\n");
    ASSERT_EQ(output.dropped, 3);
}

/* A short line costs no memory of its own, a long one gives it back. */
static void memory_is_given_back(void)
{
    char data[4096];
    int fd = start();

    memset(data, 'x', sizeof(data));
    write_text(1, "whole\n");
    ASSERT_TRUE(output.streams[0].data == NULL);
    for (int i = 0; i < 100; i++)
        output_write(&output, 1, data, sizeof(data));
    ASSERT_TRUE(output.streams[0].room >= 100 * sizeof(data));
    write_text(1, "\n");
    ASSERT_TRUE(output.streams[0].data == NULL);
    close(fd);
}

/* NAME, NAME:1, … in a directory of their own: never more than so many, none larger than so much. */
static void files_are_rotated(void)
{
    char directory[] = "/tmp/berth-test-XXXXXX", text[256];
    static const char *const names[] = {"logs/web", "logs/web:1", "logs/web:2"};
    int directory_fd;
    LogFile file = {.fd = -EBADF, .name = "web", .max_bytes = 100, .max_files = 2};

    ASSERT_NOT_NULL(mkdtemp(directory));
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_OK(mkdirat(directory_fd, "logs", 0700));
    file.directory_fd = directory_fd;
    file.fd = openat(directory_fd, "logs/web", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (int i = 0; i < 30; i++) {
        int n = snprintf(text, sizeof(text), "record %02d 012345678\n", i); /* 20 bytes */
        struct iovec part = {text, (size_t) n};

        ASSERT_OK(log_file_append(&file, &part, 1));
    }
    for (int i = 0; i < 2; i++) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;

        ASSERT_OK(file_read_at(directory_fd, names[i], 4096, &data, &size));
        ASSERT_EQ(size, 100);
        ASSERT_TRUE(strstr(data, i == 0 ? "record 29" : "record 24") != NULL);
    }
    ASSERT_EQ(faccessat(directory_fd, names[2], F_OK, 0), -1);
    /* A record that is larger than the file may be stands alone in one. */
    memset(text, 'x', sizeof(text));
    ASSERT_OK(log_file_append(&file, &(struct iovec){text, sizeof(text)}, 1));
    ASSERT_EQ(file.size_bytes, sizeof(text));
    /* One file alone is begun anew. */
    file.max_files = 1;
    ASSERT_OK(log_file_append(&file, &(struct iovec){text, 10}, 1));
    ASSERT_EQ(file.size_bytes, 10);
    close(file.fd);
    log_file_remove(directory_fd, "web", 2);
    ASSERT_EQ(faccessat(directory_fd, names[0], F_OK, 0), -1);
    ASSERT_EQ(faccessat(directory_fd, names[1], F_OK, 0), -1);
    ASSERT_OK(unlinkat(directory_fd, "logs", AT_REMOVEDIR));
    close(directory_fd);
    ASSERT_OK(rmdir(directory));
}

int main(void)
{
    TEST_RUN(lines);
    TEST_RUN(pieces);
    TEST_RUN(long_lines);
    TEST_RUN(newline_arrives_later);
    TEST_RUN(unfinished_long_line_is_ended);
    TEST_RUN(binary_survives);
    TEST_RUN(priorities);
    TEST_RUN(lost_lines_are_counted);
    TEST_RUN(memory_is_given_back);
    TEST_RUN(files_are_rotated);
    return test_finish();
}
