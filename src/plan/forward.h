/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the names of the layer's types.
 * Never does: define them.
 * Runs in: everywhere. */

typedef struct HostFacts HostFacts;
