/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: where the programs are that Berth's own start: in the build directory where the project was configured to be run from
 *       there, else as installed.
 * Never does: look in $PATH; run anything.
 * Runs in: fat programs on the host side. */

#include "base/error.h"

/* Opens one, O_PATH; `folder` is its place in the build directory. fd, or -errno with a text. */
int program_open(const char *folder, const char *name, Error *error);
