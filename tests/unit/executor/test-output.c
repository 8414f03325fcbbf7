/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's output, cut into lines: nothing lost, nothing added, however the bytes arrive. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

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

    memset(&output, 0, sizeof(output));
    output_init(&output, &context, &step);
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
    static const size_t room = sizeof(output.streams[0].line);
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

/* A line that fills the buffer exactly, its newline in the next read. */
static void newline_arrives_later(void)
{
    static const size_t room = sizeof(output.streams[0].line);
    _cleanup_free_ char *line = malloc(room), *seen = NULL;
    int fd = start();

    memset(line, 'x', room);
    output_write(&output, 1, line, room);
    write_text(1, "\nnext\n");
    output_flush(&output);
    seen = records(fd);
    ASSERT_NOT_NULL(seen);
    ASSERT_TRUE(strncmp(seen, "stdout P xxx", 12) == 0);
    ASSERT_STREQ(strchr(seen, '\n'), "\nstdout F \nstdout F next\n");
}

static void unfinished_long_line_is_ended(void)
{
    static const size_t room = sizeof(output.streams[0].line);
    _cleanup_free_ char *line = malloc(room), *seen = NULL;
    int fd = start();

    memset(line, 'x', room);
    output_write(&output, 2, line, room);
    output_flush(&output);
    output_flush(&output);
    seen = records(fd);
    ASSERT_STREQ(strchr(seen, '\n'), "\nstderr F \n");
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

/* What takes nothing costs lines, which are counted. */
static void lost_lines_are_counted(void)
{
    int fd = start();

    close(fd);
    output.file_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_TRUE(output.file_fd >= 0);
    write_text(1, "a\nb\nc");
    output_flush(&output);
    close(output.file_fd);
    ASSERT_EQ(output.dropped, 3);
}

int main(void)
{
    TEST_RUN(lines);
    TEST_RUN(pieces);
    TEST_RUN(long_lines);
    TEST_RUN(newline_arrives_later);
    TEST_RUN(unfinished_long_line_is_ended);
    TEST_RUN(binary_survives);
    TEST_RUN(lost_lines_are_counted);
    return test_finish();
}
