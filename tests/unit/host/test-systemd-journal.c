/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against the journal of this machine, as root; skipped where there is none. Writes entries of a container
 * whose name is new in each run. */
#include "host/journal.h"

#include "base/buffer.h"
#include "base/text.h"

#include "../test.h"

#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static char container[64];

static void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* The native protocol: systemd.io/JOURNAL_NATIVE_PROTOCOL. */
static int write_entry(const void *message, size_t size, const char *stream, int priority, bool is_partial)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    _cleanup_buffer_ Buffer data = {0};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const uint64_t le_size = htole64(size);
    int room = 8 << 20;

    buffer_append_format(&data, "CONTAINER_NAME=%s\nPRIORITY=%d\n", container, priority);
    if (stream)
        buffer_append_format(&data, "CONTAINER_STREAM=%s\n", stream);
    if (is_partial)
        buffer_append_string(&data, "CONTAINER_PARTIAL_MESSAGE=true\n");
    buffer_append_string(&data, "MESSAGE\n");
    buffer_append(&data, &le_size, sizeof(le_size));
    buffer_append(&data, message, size);
    buffer_append(&data, "\n", 1);
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
    return sendto(fd, data.data, data.size, 0, (const struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

static int write_line(const char *text)
{
    return write_entry(text, strlen(text), "stdout", 6, false);
}

typedef struct Seen {
    Buffer text; /* messages, each followed by "|", or "+" when partial */
    size_t count, largest;
    unsigned errs, notices;
    bool has_field, has_nul;
    uint64_t first_usec, last_usec;
    size_t enough;
} Seen;

static int note_entry(const JournalEntry *entry, void *userdata)
{
    Seen *seen = userdata;

    if (entry->message_size < 100)
        buffer_append(&seen->text, entry->message, entry->message_size);
    buffer_append_string(&seen->text, entry->is_partial ? "+" : "|");
    seen->count++;
    seen->largest = MAX(seen->largest, entry->message_size);
    seen->errs += entry->stream == JOURNAL_STREAM_STDERR;
    seen->notices += entry->priority == 5;
    seen->has_nul = seen->has_nul || memchr(entry->message, 0, entry->message_size);
    seen->first_usec = seen->first_usec ? seen->first_usec : entry->realtime_usec;
    seen->last_usec = entry->realtime_usec;
    for (size_t i = 0; i < entry->fields_count; i++)
        if (strcmp(entry->fields[i].name, "CONTAINER_NAME") == 0)
            seen->has_field = entry->fields[i].value_size == strlen(container) &&
                              memcmp(entry->fields[i].value, container, strlen(container)) == 0;
    return seen->enough > 0 && seen->count >= seen->enough;
}

static void seen_done(Seen *seen)
{
    buffer_done(&seen->text);
}
#define _cleanup_seen_ _cleanup_(seen_done)

static const char *seen_text(Seen *seen)
{
    buffer_append(&seen->text, "", 1);
    return seen->text.data;
}

static JournalQuery query_all(void)
{
    return (JournalQuery){.container_name = container, .tail = UINT_MAX};
}

/* journald stores asynchronously: wait until `count` entries are there. */
static bool wait_for(size_t count)
{
    for (int i = 0; i < 100; i++) {
        _cleanup_seen_ Seen seen = {0};
        const JournalQuery query = query_all();

        if (journal_read(&query, note_entry, &seen, NULL) == 0 && seen.count >= count)
            return true;
        sleep_ms(50);
    }
    return false;
}

static void reads_all(void)
{
    static char large[200000];
    _cleanup_seen_ Seen seen = {0};
    JournalQuery query = query_all();

    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = 'y';
    ASSERT_OK(write_line("one"));
    ASSERT_OK(write_entry("two", 3, "stderr", 5, false));
    ASSERT_OK(write_entry("th", 2, "stdout", 6, true));
    ASSERT_OK(write_entry("ree", 3, "stdout", 6, false));
    ASSERT_OK(write_entry("a\0b\n\xff", 5, "stdout", 6, false));
    ASSERT_OK(write_entry(large, sizeof(large), "stdout", 6, false));
    ASSERT_OK(write_entry("", 0, NULL, 6, false));
    ASSERT_TRUE(wait_for(7));
    query.with_fields = true;
    ASSERT_OK(journal_read(&query, note_entry, &seen, NULL));
    ASSERT_EQ(seen.count, 7);
    ASSERT_EQ(seen.largest, sizeof(large));
    ASSERT_EQ(seen.errs, 1);
    ASSERT_EQ(seen.notices, 1);
    ASSERT_TRUE(seen.has_field);
    ASSERT_TRUE(seen.has_nul);
    ASSERT_TRUE(memcmp(seen.text.data, "one|two|th+ree|a\0b\n\xff|||", 21) == 0);
}

static void tails_lines(void)
{
    static const struct {
        unsigned tail;
        const char *text;
    } cases[] = {{0, ""}, {1, "e|"}, {2, "c+d|e|"}, {3, "b|c+d|e|"}};

    ASSERT_OK(write_line("b"));
    ASSERT_OK(write_entry("c", 1, "stdout", 6, true));
    ASSERT_OK(write_entry("d", 1, "stdout", 6, false));
    ASSERT_OK(write_line("e"));
    ASSERT_TRUE(wait_for(11));
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_seen_ Seen seen = {0};
        JournalQuery query = query_all();

        query.tail = cases[i].tail;
        ASSERT_OK(journal_read(&query, note_entry, &seen, NULL));
        ASSERT_STREQ(seen_text(&seen), cases[i].text);
    }
    for (unsigned tail = 10; tail <= 100; tail *= 10) {
        _cleanup_seen_ Seen seen = {0};
        JournalQuery query = query_all();

        query.tail = tail;
        ASSERT_OK(journal_read(&query, note_entry, &seen, NULL));
        ASSERT_EQ(seen.count, 11);
    }
}

static void limits_time(void)
{
    _cleanup_seen_ Seen all = {0}, since = {0}, until = {0}, both = {0}, enough = {0};
    JournalQuery query = query_all();

    ASSERT_OK(journal_read(&query, note_entry, &all, NULL));
    sleep_ms(20);
    ASSERT_OK(write_line("later"));
    ASSERT_TRUE(wait_for(12));
    query.since_usec = all.last_usec + 1;
    ASSERT_OK(journal_read(&query, note_entry, &since, NULL));
    ASSERT_STREQ(seen_text(&since), "later|");
    query.tail = 5;
    query.since_usec = all.last_usec;
    ASSERT_OK(journal_read(&query, note_entry, &both, NULL));
    ASSERT_STREQ(seen_text(&both), "e|later|");
    query = query_all();
    query.until_usec = all.last_usec;
    query.tail = 1;
    ASSERT_OK(journal_read(&query, note_entry, &until, NULL));
    ASSERT_STREQ(seen_text(&until), "e|");
    enough.enough = 2;
    query = query_all();
    ASSERT_OK(journal_read(&query, note_entry, &enough, NULL));
    ASSERT_EQ(enough.count, 2);
}

static void ignores_other_senders(void)
{
    _cleanup_seen_ Seen seen = {0};
    JournalQuery query = query_all();

    query.sender_uid = 12345;
    ASSERT_OK(journal_read(&query, note_entry, &seen, NULL));
    ASSERT_EQ(seen.count, 0);
}

static bool child_is_gone(void *userdata)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t) * (pid_t *) userdata, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* Two thousand lines from a process that ends at once afterwards: none may be missed. */
static void follows_to_the_end(unsigned tail, const char *expected_start)
{
    _cleanup_seen_ Seen seen = {0};
    _cleanup_close_ int pidfd = -EBADF;
    struct timespec before = {0}, after = {0};
    JournalQuery query = query_all();
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(200);
        for (unsigned i = 0; i < 2000; i++) {
            if (write_line("f") < 0)
                _exit(1);
            if (i % 100 == 0)
                sleep_ms(2);
        }
        _exit(0);
    }
    pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
    query.tail = tail;
    query.follow = true;
    query.should_stop = child_is_gone;
    query.should_stop_userdata = &pid;
    query.wake_fd = pidfd;
    clock_gettime(CLOCK_MONOTONIC, &before);
    ASSERT_OK(journal_read(&query, note_entry, &seen, NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    waitpid(pid, NULL, 0);
    printf("# followed %zu entries in %ld ms\n", seen.count,
           (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000);
    ASSERT_TRUE(strncmp(seen_text(&seen), expected_start, strlen(expected_start)) == 0);
    ASSERT_EQ(seen.count, 2000 + (strlen(expected_start) > 2));
}

static void follows(void)
{
    follows_to_the_end(1, "later|f|f|");
}

static void follows_what_is_new(void)
{
    snprintf(container, sizeof(container), "berth-test-new-%d", (int) getpid());
    follows_to_the_end(0, "f|");
}

int main(void)
{
    if (geteuid() != 0 || access("/run/systemd/journal/socket", W_OK) < 0)
        TEST_SKIP_ALL("needs root and journald");
    snprintf(container, sizeof(container), "berth-test-%d-%lld", (int) getpid(), (long long) time(NULL));
    TEST_RUN(reads_all);
    TEST_RUN(tails_lines);
    TEST_RUN(limits_time);
    TEST_RUN(ignores_other_senders);
    TEST_RUN(follows);
    TEST_RUN(follows_what_is_new);
    return test_finish();
}
