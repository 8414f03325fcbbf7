/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rename. */

#include "ctl/container.h"
#include "ctl/definitions.h"
#include "ctl/machine-image.h"

#include "machines/rename.h"

#include <errno.h>

int verb_rename(Ctl *ctl, Error *error)
{
    const char *old_name = ctl->words[0], *new_name = ctl->words[1];
    _cleanup_container_ Container *container = NULL;
    _cleanup_free_ char *taken = NULL;
    _cleanup_machine_image_ MachineImage *image = NULL;
    int r = container_load(ctl, old_name, &container, error);

    if (machine_image_find(old_name, &image, NULL) == 0 && (r == -ENOENT || (r == 0 && !container->definition))) {
        error_done(error);
        return machine_image_rename(ctl, old_name, new_name, error);
    }
    if (r < 0)
        return r;
    /* Also in another directory than the one that this definition is in. */
    if (definition_exists(new_name, &taken))
        return error_hint(error, error_set(error, -EEXIST, "a container named '%s' exists already", new_name),
                          "its definition is %s", taken);
    return machine_rename(ctl->roster, container->definition, old_name, new_name, error);
}
