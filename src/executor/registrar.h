/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: running the program that speaks D-Bus for the supervisor, which links no library that could.
 * Never does: wait long for it.
 * Runs in: the supervisor, in the host's namespaces. */

#include "executor/context.h"

/* `leader` is the pid that was registered. Failures are ignored: a registration that stays is replaced by the next start
 * under the name, and goes when the unit does. */
void registrar_unregister(const Context *context, const StepSupervise *step, pid_t leader);
/* The payload was started again: its state file and systemd-machined get to know the new first process. */
void registrar_restarted(const Context *context, const StepSupervise *step);
