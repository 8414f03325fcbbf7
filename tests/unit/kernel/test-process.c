/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes by pidfd, sealed memory, messages with fds, cgroup paths: what the wrappers promise over the bare calls. */
#include "../test.h"

#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/memfd.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "kernel/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void processes_end_by_pidfd(void)
{
    int pidfd = -EBADF, code = 0;
    bool signaled = true;
    pid_t pid = process_clone(0, -1, &pidfd);

    if (pid == 0)
        _exit(7);
    ASSERT_TRUE(pid > 0);
    ASSERT_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    ASSERT_OK(process_wait(pidfd, &code, &signaled));
    ASSERT_EQ(code, 7);
    ASSERT_FALSE(signaled);
    ASSERT_ERROR(process_send_signal(pidfd, SIGKILL), ESRCH);
    close(pidfd);

    pid = process_clone(0, -1, &pidfd);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    ASSERT_OK(process_send_signal(pidfd, SIGKILL));
    ASSERT_OK(process_wait(pidfd, &code, &signaled));
    ASSERT_EQ(code, SIGKILL);
    ASSERT_TRUE(signaled);
    close(pidfd);
    ASSERT_ERROR(process_open(pid), ESRCH);
}

/* The command's name can hold what ends a field. */
static void start_time_with_a_hostile_name(void)
{
    static const char *const names[] = {"plain", ") R 1 1", "a) b (c", "\n", ")))))"};
    uint64_t expected = 0;

    ASSERT_OK(process_start_time(getpid(), &expected));
    ASSERT_TRUE(expected > 0);
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        uint64_t ticks = 0;

        ASSERT_OK(process_set_name(names[i]));
        ASSERT_OK(process_start_time(getpid(), &ticks));
        ASSERT_EQ(ticks, expected);
    }
    ASSERT_ERROR(process_start_time(0x7ffffffe, &expected), ESRCH);
}

static void fds_are_closed(void)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        int fd = fcntl(1, F_DUPFD, 100);
        bool marked, closed;

        (void) process_close_from(100, true);
        marked = fcntl(fd, F_GETFD) == FD_CLOEXEC;
        (void) process_close_from(100, false);
        closed = fcntl(fd, F_GETFD) < 0;
        _exit(marked && closed ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    ASSERT_EQ(status, 0);
}

static void filters_have_a_size(void)
{
    char bytes[16] = "";

    ASSERT_ERROR(process_load_seccomp(bytes, 7), EINVAL);
    ASSERT_ERROR(process_load_seccomp(bytes, SIZE_MAX & ~(size_t) 7), EINVAL);
}

static void sealed_memory_stays(void)
{
    _cleanup_close_ int fd = memfd_create_sealed("test", "sealed", 6),
                        open_fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                        empty = memfd_create_sealed("empty", "", 0), file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    const void *data = NULL, *none = NULL;
    size_t size = 0;

    ASSERT_TRUE(fd >= 0);
    ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ASSERT_EQ(write(fd, "x", 1), -1);
    ASSERT_EQ(ftruncate(fd, 100), -1);
    ASSERT_EQ(ftruncate(fd, 0), -1);
    ASSERT_EQ(fcntl(fd, F_ADD_SEALS, 0), -1);
    ASSERT_OK(memfd_map_sealed(fd, &data, &size));
    ASSERT_EQ(size, 6);
    ASSERT_TRUE(memcmp(data, "sealed", 6) == 0);
    munmap((void *) (uintptr_t) data, size);
    /* One that its sender could still change, each seal missing in turn, is not mapped. */
    ASSERT_EQ(write(open_fd, "abc", 3), 3);
    ASSERT_ERROR(memfd_map_sealed(open_fd, &none, &size), EPERM);
    ASSERT_OK(fcntl(open_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    ASSERT_ERROR(memfd_map_sealed(open_fd, &none, &size), EPERM);
    ASSERT_OK(fcntl(open_fd, F_ADD_SEALS, F_SEAL_WRITE));
    ASSERT_ERROR(memfd_map_sealed(open_fd, &none, &size), EPERM);
    ASSERT_ERROR(memfd_map_sealed(empty, &none, &size), ENODATA);
    ASSERT_TRUE(memfd_map_sealed(file, &none, &size) < 0);
    ASSERT_NULL(none);
}

static unsigned open_fds(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void messages_carry_fds(void)
{
    int pair[2], fds[SOCKET_FDS_MAX], sent[SOCKET_FDS_MAX + 1];
    size_t count = 99;
    char data[16] = "";
    unsigned before;

    ASSERT_OK(socket_make_pair(pair));
    before = open_fds();
    for (size_t i = 0; i < ELEMENTSOF(sent); i++)
        sent[i] = 0;
    ASSERT_OK(socket_send(pair[0], "hello", 5, sent, 3));
    ASSERT_EQ(socket_receive(pair[1], data, sizeof(data), fds, &count), 5);
    ASSERT_EQ(count, 3);
    for (size_t i = 0; i < count; i++) {
        ASSERT_EQ(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        close(fds[i]);
    }
    ASSERT_OK(socket_send(pair[0], "x", 1, sent, SOCKET_FDS_MAX));
    ASSERT_EQ(socket_receive(pair[1], data, sizeof(data), fds, &count), 1);
    ASSERT_EQ(count, SOCKET_FDS_MAX);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    ASSERT_ERROR(socket_send(pair[0], "x", 1, sent, SOCKET_FDS_MAX + 1), E2BIG);
    ASSERT_EQ(open_fds(), before);

    /* Too long: the fds in it are not lost in this process. */
    ASSERT_OK(socket_send(pair[0], "0123456789abcdefXYZ", 19, sent, 2));
    ASSERT_ERROR(socket_receive(pair[1], data, sizeof(data), fds, &count), EMSGSIZE);
    ASSERT_EQ(open_fds(), before);

    /* The peer is gone: an error, no signal. */
    ASSERT_OK(socket_send(pair[0], "last", 4, NULL, 0));
    close(pair[0]);
    ASSERT_EQ(socket_receive(pair[1], data, sizeof(data), fds, &count), 4);
    ASSERT_EQ(count, 0);
    ASSERT_EQ(socket_receive(pair[1], data, sizeof(data), fds, &count), 0);
    ASSERT_ERROR(socket_send(pair[1], "x", 1, NULL, 0), EPIPE);
    close(pair[1]);
}

static void cgroup_paths(void)
{
    char path[4096] = "", tiny[2] = "";
    int r = cgroup_path_of(0, path, sizeof(path));

    if (r == -ENOENT)
        return; /* no unified hierarchy */
    ASSERT_OK(r);
    ASSERT_EQ(path[0], '/');
    ASSERT_TRUE(!strchr(path, '\n'));
    if (strlen(path) > 1)
        ASSERT_TRUE(cgroup_path_of(0, tiny, sizeof(tiny)) < 0);
    ASSERT_TRUE(cgroup_path_of(0x7ffffffe, path, sizeof(path)) < 0);
}

static void terminals(void)
{
    _cleanup_close_ int pts_fd = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC), primary = -EBADF, peer = -EBADF;
    uint16_t rows = 9, columns = 9;
    struct termios saved;
    char data[8] = "";

    tty_get_size(-1, &rows, &columns);
    ASSERT_EQ(rows, 0);
    ASSERT_EQ(columns, 0);
    if (pts_fd < 0 || tty_open_pair(pts_fd, &primary, &peer) < 0)
        return; /* no ptmx in there */
    ASSERT_TRUE(isatty(peer));
    ASSERT_OK(tty_set_size(primary, 24, 80));
    tty_get_size(peer, &rows, &columns);
    ASSERT_EQ(rows, 24);
    ASSERT_EQ(columns, 80);
    ASSERT_OK(tty_set_raw(peer, &saved));
    ASSERT_EQ(write(peer, "a\n", 2), 2);
    ASSERT_EQ(read(primary, data, sizeof(data)), 2);
    tty_restore(peer, &saved);
    ASSERT_EQ(write(peer, "a\n", 2), 2);
    ASSERT_EQ(read(primary, data, sizeof(data)), 3); /* cooked again: \r\n */
}

int main(void)
{
    alarm(60);
    TEST_RUN(processes_end_by_pidfd);
    TEST_RUN(start_time_with_a_hostile_name);
    TEST_RUN(fds_are_closed);
    TEST_RUN(filters_have_a_size);
    TEST_RUN(sealed_memory_stays);
    TEST_RUN(messages_carry_fds);
    TEST_RUN(cgroup_paths);
    TEST_RUN(terminals);
    return test_finish();
}
