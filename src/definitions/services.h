/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the units that definitions become, as seen by who starts and stops: whether there is one, starting and stopping by it.
 * Never does: start a container itself.
 * Runs in: berthctl and the children of berthd, as root. */

#include "base/error.h"

#include <stdbool.h>

/* Starts the unit that the generator made of a definition, or, without a definition, the one of a tree in /var/lib/machines
 * (berth@.service). 1: done; 0: there is none, start the container without one (no systemd here, or a definition that says
 * nothing to systemd and has no unit yet, or one of /run). */
int service_start(const char *name, Error *error);

/* The unit of a tree in /var/lib/machines, a new string; NULL: there is no such tree. */
char *service_of_tree(const char *name);

/* Stops the unit of a definition or a tree, which might start the container again if it were not asked; its own TimeoutStopSec= holds.
 * Without `wait` it is only told. 1: done; 0: there is none that is active. */
int service_stop(const char *name, bool wait, Error *error);

/* Whether systemd has a unit of the container's definition: its limits are that unit's. */
bool service_exists(const char *name);
/* Has systemd make its units of the definitions anew; what runs in them gets changed limits at once. */
int service_refresh(Error *error);
/* The same for the unit that a machine runs in, which may be called otherwise (an instance); 0: that is no service. */
int service_stop_unit(const char *unit, bool wait, Error *error);
/* Restarts it as a whole, by who started it. */
int service_restart_unit(const char *unit, Error *error);
