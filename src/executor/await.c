/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container that is made in one moment and started in another. Nobody stays beside it meanwhile: the first process itself
 * waits, as a child of whoever is there when the supervisor has gone, which is the engine's own. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* The supervisor's word that others can find the container. Until then its end is ours; after it nobody's is. */
static int part_from_supervisor(Context *context)
{
    Message message;
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    ssize_t n;
    int r = send_message(context->inner_fd, MESSAGE_WAITING, 0, -EBADF);

    if (r < 0)
        return fail(context, r, "the supervisor is gone");
    n = socket_receive(context->inner_fd, &message, sizeof(message), fds, &count);
    while (count > 0)
        safe_close(fds[--count]);
    if (n != sizeof(message) || message.kind != MESSAGE_ANNOUNCED)
        return fail(context, n < 0 ? (int) n : -ECANCELED, "the supervisor is gone");
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
        return fail(context, -errno, "cannot part from the supervisor: %s", strerror(errno));
    context->inner_fd = safe_close(context->inner_fd);
    return 0;
}

int apply_await(Context *context, const Step *step)
{
    int listen_fd = context_fd(context, step->await.listen_fd), r;

    /* The last step (plan_check()). Engines hear of a program that is missing from `create`. */
    r = check_program(context, &context->plan.steps[context->plan.count - 1].exec);
    if (r < 0)
        return r;
    r = part_from_supervisor(context);
    if (r < 0)
        return r;
    /* Whoever connects hears of a failure by this socket, and that the program runs by its end (execve(2) closes it). */
    do
        context->inner_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    while (context->inner_fd < 0 && errno == EINTR);
    if (context->inner_fd < 0)
        return fail(context, -errno, "cannot wait for the start: %s", strerror(errno));
    return 0;
}
