/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A system that reboots itself is started again, by the steps of the plan that started it, in the cgroup, on the files and
 * under the supervisor that it has. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "kernel/cgroup.h"

#include <errno.h>
#include <poll.h>

#define CGROUP_ATTEMPTS 100

/* Groups that the last system made for its units must not greet the next one. */
static void clear_payload_group(Context *context)
{
    if (context->payload_cgroup_fd < 0)
        return;
    (void) cgroup_kill(context->payload_cgroup_fd);
    for (unsigned i = 0; i < CGROUP_ATTEMPTS && cgroup_remove(context->cgroup_fd, "payload") == -EBUSY; i++)
        (void) poll(NULL, 0, 10);
    context->payload_cgroup_fd = safe_close(context->payload_cgroup_fd);
}

int restart_payload(Context *context)
{
    int r;

    clear_payload_group(context);
    context->payload_pidfd = safe_close(context->payload_pidfd);
    context->terminal_fd = safe_close(context->terminal_fd);
    context->notify_fd = safe_close(context->notify_fd);
    for (int i = 0; i < 2; i++)
        context->output_fds[i] = safe_close(context->output_fds[i]);
    context->trees_count = 0;
    r = run_start_steps(context);
    return r < 0 ? r : follow_start(context);
}
