/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where systemd-nspawn's files are and which of them are trusted (--settings=).
 * Never does: parse them (inputs/ does).
 * Runs in: berthctl. */

#include "spec/spec.h"

typedef enum NspawnMode {
    NSPAWN_NO,
    NSPAWN_YES,      /* weaker than the command line; one beside the tree describes the program and no more */
    NSPAWN_OVERRIDE, /* stronger than the command line */
    NSPAWN_TRUSTED,  /* weaker, and trusted wherever it is */
    _NSPAWN_MODE_INVALID = -1,
} NspawnMode;

/* "no", "yes" and the other booleans, "override", "trusted". */
NspawnMode nspawn_mode_from_string(const char *string);

/* Reads NAME.nspawn from /etc/systemd/nspawn, /run/systemd/nspawn (BERTH_NSPAWN_DIR in their place) or from beside the tree,
 * and says what is passed over. *ret stays NULL when there is none. */
int nspawn_load(NspawnMode mode, const char *name, const char *host_directory, SpecLayer **ret, Error *error);
