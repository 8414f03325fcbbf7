/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what in a configuration leads out of the container: to files, devices, networks or powers of the host.
 * Never does: I/O; forbid anything. Pure.
 * Runs in: berthd, which asks for root's rights where the list is not empty. */

#include "spec/spec.h"

/* One line for each reason, "Network=host (/etc/berth/web.container:7)", in *ret; NULL: there is none. A setting that
 * widening.c does not call harmless is a reason as soon as somebody says it, so that a new one is looked at first. */
int spec_list_widening(const ContainerSpec *spec, char ***ret);
/* Whether widening.c knows the setting. For the test that a new one was thought of. */
bool setting_is_classified(const Setting *setting);
