/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

bool systemd_is_running(void)
{
    struct stat st = {0};

    return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

static int parse_address(const char *path, struct sockaddr_un *ret, socklen_t *ret_size)
{
    size_t length = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || path[1] == 0)
        return -EAFNOSUPPORT;
    if (length >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, length);
    if (path[0] == '@')
        ret->sun_path[0] = 0;
    /* An abstract name has no NUL at its end, and every byte counts. */
    *ret_size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/'));
    return 0;
}

int systemd_notify_open(int *ret_fd)
{
    const char *path = getenv("NOTIFY_SOCKET");
    _cleanup_close_ int fd = -EBADF;
    struct sockaddr_un address;
    socklen_t size = 0;
    int r;

    if (text_is_empty(path))
        return 0;
    r = parse_address(path, &address, &size);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, size) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 1;
}

int systemd_notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    _cleanup_close_ int fd = -EBADF;
    struct sockaddr_un address;
    socklen_t size = 0;
    int r;

    if (text_is_empty(path))
        return 0;
    r = parse_address(path, &address, &size);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *) &address, size) < 0)
        return -errno;
    return 1;
}

int systemd_notify_ready(pid_t main_pid, const char *status)
{
    _cleanup_free_ char *message = NULL, *pid_line = NULL;

    if (main_pid > 0) {
        pid_line = text_format("MAINPID=%d\n", (int) main_pid);
        if (!pid_line)
            return -ENOMEM;
    }
    message = text_format("READY=1\n%s%s%s%s", pid_line ? pid_line : "", status ? "STATUS=" : "", status ? status : "",
                          status ? "\n" : "");
    return message ? systemd_notify(message) : -ENOMEM;
}
