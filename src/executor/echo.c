/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/echo.h"

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

struct pollfd echo_poll(const Echo *echo, int stream, int source_fd)
{
    bool waits = source_fd >= 0 && echo->is_open[stream - 1] && echo->is_full[stream - 1];

    return waits ? (struct pollfd){stream, POLLOUT, 0} : (struct pollfd){source_fd, POLLIN, 0};
}

bool echo_has_room(Echo *echo, int stream, int timeout_msec)
{
    struct pollfd poll_one = {stream, POLLOUT, 0};
    int r;

    if (!echo->is_open[stream - 1])
        return true;
    do
        r = poll(&poll_one, 1, timeout_msec);
    while (r < 0 && errno == EINTR);
    echo->is_full[stream - 1] = r == 0;
    return r != 0;
}

/* A reader that is gone (EPIPE; every signal is blocked here) costs the copy and nothing else: the log goes on. */
void echo_write(Echo *echo, int stream, const char *data, size_t size)
{
    while (size > 0 && echo->is_open[stream - 1]) {
        ssize_t n = write(stream, data, size);

        if (n < 0 && errno == EAGAIN)
            (void) echo_has_room(echo, stream, -1);
        else if (n < 0 && errno != EINTR)
            echo->is_open[stream - 1] = false;
        else if (n > 0) {
            data += n;
            size -= (size_t) n;
        }
    }
}
