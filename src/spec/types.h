/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how each SettingType reads text into its member of ContainerSpec and writes it back.
 * Never does: I/O. Private to spec/.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

/* Reads one assignment's values into the member. */
int setting_apply(ContainerSpec *spec, const Setting *setting, const Assignment *assignment, Error *error);

/* Appends the texts that would give the member's value again. */
int setting_format(const ContainerSpec *spec, const Setting *setting, char ***texts);
