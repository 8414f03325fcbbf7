/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: finding the process that has a port of this host.
 * Never does: decide whether it is free (the kernel does).
 * Runs in: fat programs on the host side, as root, for an error message. */

#include "base/error.h"

#include <stdint.h>

/* Sets the error -EADDRINUSE, with the process that has a socket on the port as far as one is found, and returns it. */
int port_holder_explain(int protocol, uint16_t number, Error *error);
