/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how a credential is written: ID:VALUE, or ID:PATH.
 * Never does: I/O; put a value into a message.
 * Runs in: fat programs; pure. */

#include "base/error.h"

#include <stdbool.h>

/* The name of a file without a path, printable, as systemd.exec(5) has it. */
bool credential_is_name(const char *name);

/* Checks ID:VALUE (`is_path`: ID:PATH, absolute or the name of another credential) and puts it in place of an earlier one of
 * the same ID, or behind. The text of an error never holds the value. */
int credential_add(char ***list, const char *assignment, bool is_path, Error *error);
