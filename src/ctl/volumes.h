/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what happens to named volumes around a container's start, and who needs one.
 * Never does: follow a path of an image on the host: the copy is a confined process's.
 * Runs in: berthctl. */

#include "ctl/ctl.h"

/* An empty volume gets what the image has at the place where it is going to be mounted, with owners and modes; one that
 * somebody uses stays as it is. */
int volumes_fill(Ctl *ctl, const ContainerSpec *spec, const StoreImage *image, Error *error);

/* Volumes that definitions mount, each "NAME" or, where an instance decides, "PREFIX*". */
int volumes_list_defined(char ***ret, Error *error);
bool volumes_list_has(char *const *defined, const char *name);

typedef enum VolumeUse { VOLUME_UNUSED, VOLUME_DEFINED, VOLUME_RUNNING } VolumeUse;
/* By a definition, or by a container that runs, at this moment. */
VolumeUse volumes_tell_use(int volumes_fd, char *const *defined, const char *name);
