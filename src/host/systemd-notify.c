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

int systemd_notify(const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -EBADF;
    size_t length = 0;
    ssize_t n = 0;

    if (text_is_empty(path))
        return 0;
    length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || path[1] == 0)
        return -EAFNOSUPPORT;
    if (length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* An abstract name has no NUL at its end, and every byte counts. */
    n = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *) &address,
               (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/')));
    return n < 0 ? -errno : 1;
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
