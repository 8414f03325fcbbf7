/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A bound datagram socket; `name` as in $NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = 0;
    if (fd >= 0 &&
        bind(fd, (struct sockaddr *) &address, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        fd = safe_close(fd);
    return fd;
}

static const char *received(int fd)
{
    static char bytes[512];
    ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, 0);

    bytes[n < 0 ? 0 : n] = 0;
    return bytes;
}

static void reaches_a_path(void)
{
    char directory[] = "/tmp/berth-notify-XXXXXX";
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -EBADF;

    ASSERT_NOT_NULL(mkdtemp(directory));
    path = text_format("%s/socket", directory);
    fd = listen_at(path);
    ASSERT_TRUE(fd >= 0);
    setenv("NOTIFY_SOCKET", path, 1);
    ASSERT_EQ(systemd_notify("STATUS=hello\n"), 1);
    ASSERT_STREQ(received(fd), "STATUS=hello\n");
    unlink(path);
    ASSERT_ERROR(systemd_notify("STATUS=gone\n"), ENOENT);
    rmdir(directory);
}

static void reaches_an_abstract_name(void)
{
    _cleanup_free_ char *name = text_format("@berth-notify-%d", (int) getpid());
    _cleanup_close_ int fd = listen_at(name);

    ASSERT_TRUE(fd >= 0);
    setenv("NOTIFY_SOCKET", name, 1);
    ASSERT_EQ(systemd_notify_ready(42, "up"), 1);
    ASSERT_STREQ(received(fd), "READY=1\nMAINPID=42\nSTATUS=up\n");
    ASSERT_EQ(systemd_notify_ready(0, NULL), 1);
    ASSERT_STREQ(received(fd), "READY=1\n");
}

/* For a program that has neither the environment nor the library. */
static void opens_a_socket(void)
{
    _cleanup_free_ char *name = text_format("@berth-notify-open-%d", (int) getpid());
    _cleanup_close_ int fd = listen_at(name), own_fd = -EBADF;

    unsetenv("NOTIFY_SOCKET");
    ASSERT_EQ(systemd_notify_open(&own_fd), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    ASSERT_EQ(systemd_notify_open(&own_fd), 1);
    ASSERT_EQ(send(own_fd, "READY=1", 7, 0), 7);
    ASSERT_STREQ(received(fd), "READY=1");
    setenv("NOTIFY_SOCKET", "/nonexistent", 1);
    ASSERT_ERROR(systemd_notify_open(&own_fd), ENOENT);
}

static void refuses_what_is_no_address(void)
{
    char longer[200] = "/";

    unsetenv("NOTIFY_SOCKET");
    ASSERT_EQ(systemd_notify("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    ASSERT_EQ(systemd_notify("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
    ASSERT_ERROR(systemd_notify("READY=1"), EAFNOSUPPORT);
    setenv("NOTIFY_SOCKET", "@", 1);
    ASSERT_ERROR(systemd_notify("READY=1"), EAFNOSUPPORT);
    memset(longer + 1, 'x', sizeof(longer) - 2);
    setenv("NOTIFY_SOCKET", longer, 1);
    ASSERT_ERROR(systemd_notify("READY=1"), ENAMETOOLONG);
}

int main(void)
{
    TEST_RUN(reaches_a_path);
    TEST_RUN(reaches_an_abstract_name);
    TEST_RUN(opens_a_socket);
    TEST_RUN(refuses_what_is_no_address);
    return test_finish();
}
