/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how a payload comes into namespaces that are not made with it: the supervisor goes there, makes the process, and
 *       comes back, because the payload itself, in a user namespace of its own, would not be let in.
 * Never does: follow a path: namespaces are fds of the plan.
 * Runs in: the supervisor, while nothing else of it runs. */

#include "executor/context.h"

enum { SHARED_NETWORK, SHARED_UTS, SHARED_IPC, SHARED_PID, SHARED_TIME, _SHARED_MAX };

typedef struct SharedNamespaces {
    int own_fds[_SHARED_MAX]; /* the way back; -EBADF: it did not leave */
} SharedNamespaces;

/* Each returns what fail() returns. namespaces_leave_shared() also after a failure. */
int namespaces_enter_shared(Context *context, const StepStart *step, SharedNamespaces *ret);
int namespaces_leave_shared(Context *context, SharedNamespaces *shared);
