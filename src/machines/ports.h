/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what running machines publish, after somebody has thrown the rules away.
 * Never does: report: what cannot be published again is what the next command says is missing.
 * Runs in: fat programs on the host side, as root. */

#include "machines/roster.h"

/* Publishes again what the state files say. What is there already stays. Returns how many machines that concerned. */
unsigned roster_publish_again(Roster *roster);
