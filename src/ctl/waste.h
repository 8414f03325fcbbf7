/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what is needed by something and what by nobody: `prune` removes by it, `df` counts by it.
 * Never does: remove anything.
 * Runs in: berthctl. */

#include "ctl/container.h"
#include "ctl/ctl.h"

/* It does not run, and no person has defined it. */
bool waste_is_container(const Container *container);

/* The image IDs ("sha256:HEX") that containers name, running or not, but those in `except`; by what the store, which is open,
 * finds under those names. */
int waste_list_used_images(Ctl *ctl, char *const *except, char ***ret, Error *error);
