/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what a person is told before a container starts that shares more of the host than others do.
 * Never does: refuse; say anything where no person reads it.
 * Runs in: berthctl. */

#include "spec/spec.h"

/* One line on the terminal for each namespace of the host's that the container will be in because somebody asked for it. */
void warn_of_shared_namespaces(const ContainerSpec *spec);
