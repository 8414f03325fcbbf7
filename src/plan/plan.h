/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a launch will do, computed without a side effect: spec and facts into ordered steps.
 * Never does: I/O; look at the host; change spec or facts.
 * Runs in: fat programs; pure. */

#include "base/error.h"
#include "plan/facts.h"
#include "spec/spec.h"
#include "steps/steps.h"

/* Fills `ret` (release it with step_list_done()). -EINVAL when spec and facts do not fit together, -ENOMEM.
 * The result satisfies plan_check(). */
int plan_make(const ContainerSpec *spec, const HostFacts *facts, StepList *ret, Error *error);

/* Each slot is written once and before it is read, host steps come before inner ones but for the last two, and there
 * is one start, one exec and one supervise step. -EBADMSG with a text that names the step. */
int plan_check(const StepList *plan, Error *error);

/* Whether a reboot inside starts the container again in place. In a unit that was given to it, systemd does that. */
bool plan_restarts(const ContainerSpec *spec);
